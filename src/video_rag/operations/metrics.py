"""Every metric of `/metrics`: its name, its kind, what it says, and its labels.

`docs/reference/metrics.md` is written from this table. Labels have few values, and none says whose
video it was or what was asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

PREFIX = "video_rag_"
Kind = Literal["counter", "gauge", "histogram"]
Sample = tuple[tuple[str, ...], float]
"""Values of the labels, in the metric's order, and the number."""
Readings = Mapping[str, Sequence[Sample]]
"""By the metric's name without `PREFIX`."""


@dataclass(frozen=True)
class Metric:
    """One metric."""

    name: str
    """Without `PREFIX`; of a counter without `_total`."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    tally: str = ""
    """What the ledger counts it as; empty for what is looked up when somebody asks."""

    @property
    def shown(self) -> str:
        """The name as Prometheus knows it."""
        return f"{PREFIX}{self.name}{'_total' if self.kind == 'counter' else ''}"


def _counted(name: str, tally: str, text: str, *labels: str) -> Metric:
    return Metric(name, "counter", text, labels, tally)


def _timed(name: str, tally: str, text: str, *labels: str) -> Metric:
    return Metric(name, "histogram", text, labels, tally)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, "gauge", text, labels)


METRICS: tuple[Metric, ...] = (
    # what all processes of the library counted, kept in the ledger
    _counted("stages", "stages", "Stages that ended.", "stage", "plugin", "outcome"),
    _timed("stage_duration_seconds", "stage_seconds", "How long stages took.", "stage", "plugin"),
    _counted(
        "stage_failures", "failures", "Stages that failed, by class of error.", "stage", "error"
    ),
    _counted("downloads", "downloads", "Fetches that ended, by site.", "site", "outcome"),
    _counted("dify_calls", "dify_calls", "Calls of Dify, repeats not counted.", "kind", "outcome"),
    _counted(
        "model_calls",
        "model_calls",
        "Calls of models behind an API.",
        *("kind", "model", "outcome"),
    ),
    _counted(
        "model_tokens",
        "model_tokens",
        "Tokens, where the server tells how many there were.",
        *("model", "direction"),
    ),
    _counted(
        "model_cost",
        "model_cost",
        "What the tokens cost by the prices in the settings, in their currency.",
        "model",
    ),
    _counted("questions", "questions", "Questions that were asked.", "answerer", "outcome"),
    _timed("answer_duration_seconds", "answer_seconds", "Time to a whole answer.", "answerer"),
    _counted("citations", "citations", "Citations in answers.", "answerer"),
    _counted(
        "citations_dropped",
        "citations_dropped",
        "Marks of a model that did not stand the check: removed, or put right.",
        "model",
    ),
    _counted(
        "claims_dropped",
        "claims_dropped",
        "Sentences of a model that no passage supports: left out.",
        "model",
    ),
    _counted("searches", "searches", "Searches, those for answers too.", "knowledge", "outcome"),
    _timed("search_duration_seconds", "search_seconds", "Time of a search.", "knowledge"),
    # what the ledger says now
    _gauge("ledger_up", "1: the ledger answered; 0: what follows from it is missing."),
    _gauge("videos", "Videos by state.", "state"),
    _gauge("failing_videos", "Videos at which a failure stands now.", "stage", "error"),
    _gauge("stages_at_work", "Stages that are worked on now.", "stage"),
    _gauge("queue_stages", "Stages that could run now (ready), or later.", "route", "state"),
    _gauge(
        "queue_oldest_age_seconds", "How long the oldest of what was handed to a queue has waited."
    ),
    _gauge("requests", "What was asked for and is remembered.", "kind", "state"),
    _gauge("documents", "Videos that have a document."),
    _gauge("knowledge_documents", "Documents that a base has confirmed.", "knowledge"),
    _gauge("knowledge_lacking_documents", "Documents that a base has not.", "knowledge"),
    _gauge("subscriptions", "Subscriptions: active, paused, or failing.", "state"),
    _gauge("subscription_overdue_seconds", "How long the most overdue list waits to be read."),
    _gauge("site_visits_today", "Videos fetched today (UTC).", "site"),
    _gauge("site_cooling_seconds", "How long a site is still left alone.", "site", "reason"),
    _gauge("schedule_age_seconds", "Since a clock last began this.", "name"),
    # what the queue's server says
    _gauge("queue_up", "1: the queue's server answered. Missing where there is none."),
    _gauge("queue_messages", "Messages that wait on the server.", "route"),
    _gauge("queue_workers", "Workers that read from a route.", "route"),
    _gauge("queue_dead_letters", "Messages that nobody could handle: they wait for a person."),
    # this machine and this process
    _gauge("disk_free_bytes", "Free room where a place of the library lies.", "place"),
    _gauge("disk_size_bytes", "Size of the disk there.", "place"),
    _gauge("cookies_age_seconds", "Since a file with cookies was last written.", "site"),
    _gauge("ytdlp_age_seconds", "Age of the yt-dlp in use, by its version."),
    _gauge("build_info", "Always 1.", "version"),
    Metric("http_requests", "counter", "Requests of this server.", ("method", "route", "status")),
    Metric(
        "http_request_duration_seconds",
        "histogram",
        "Time until an answer was sent, to its last byte.",
        ("route",),
    ),
)
"""In the order of the reference."""
