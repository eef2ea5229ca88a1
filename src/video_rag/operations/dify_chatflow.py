"""A Chatflow for the library: designed from its videos and dataset, written, put into Dify."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

from video_rag.dify.chatflow import Design, Model, Variant, Wording, write
from video_rag.dify.connection import Connection
from video_rag.dify.console import Console
from video_rag.dify.dsl_rules import is_uuid
from video_rag.dify.events import Piece, Replaced, Resources
from video_rag.dify.linking import LinkRule, link_rules
from video_rag.dify.opening import Language, Talk, suggested_questions
from video_rag.dify.state import State
from video_rag.dify.wording import LABELS, write_prompts
from video_rag.errors import BackendError, BadSettings, NotFound, Rejected, UsageError
from video_rag.library import Library
from video_rag.model import Document
from video_rag.operations.dify import base_of

log = logging.getLogger("video_rag")

EXTERNAL = "external dataset"
"""Under this name the state keeps the dataset that `dify connect` made."""
READ = 60
"""So many documents are read for their headings; more say nothing new."""
TOP_K = {"economy": 12, "high_quality": 8}
"""Passages for an answer; an economy dataset gives them in no order, so more are needed."""


class DifyBase(Protocol):
    """What these operations need of the knowledge base `dify`."""

    options: Connection
    state: State

    @property
    def dataset_id(self) -> str:
        """The dataset that is published to. Raises `BadSettings` when there is none."""

    @property
    def technique(self) -> str:
        """`economy` or `high_quality`. Raises `Unavailable` where nobody can tell."""

    def prepare(self) -> str:
        """Have apps search the dataset as we do; what was changed, in words."""


@dataclass(frozen=True)
class Wishes:
    """What a person says about the Chatflow; what is left out is found out."""

    variant: Variant = "model"
    language: Language = "en"
    model: str = ""
    """provider/name; empty: the workspace's own."""
    datasets: tuple[str, ...] = ()
    """Empty: the dataset of the settings; for the variant external the one that is connected."""
    prompts: Path | None = None
    """Folder of own prompts; one that is not there is made, with the built-in ones."""
    name: str = ""
    top_k: int | None = None
    score_threshold: float | None = None


@dataclass(frozen=True)
class Published:
    """A Chatflow that runs in Dify."""

    app_id: str
    app_key: str
    page: str
    """Where people chat with it; empty when its web page is switched off."""
    studio: str
    """Where it is edited."""
    question: str
    answer: str
    """What the draft said to `question` before it was published."""
    is_new: bool
    notes: tuple[str, ...] = ()


def dify_base(library: Library, name: str) -> DifyBase:
    """The knowledge base of this name, which must be a Dify."""
    return cast("DifyBase", base_of(library, name))


def design(library: Library, base: DifyBase, wishes: Wishes) -> Design:
    """What the Chatflow will be. Raises `UsageError` for what is missing or cannot be."""
    if wishes.prompts and not wishes.prompts.exists():
        write_prompts(wishes.prompts)
    datasets = wishes.datasets or (_dataset(base, wishes.variant),)
    technique = _technique(base, datasets, wishes.variant)
    wording: Wording = "keywords" if technique == "economy" else "question"
    options: Any = base.options
    ranked = technique == "high_quality" and wishes.variant != "external" and options.rerank_model
    return Design(
        dataset_ids=datasets,
        model=_model(base, wishes),
        variant=wishes.variant,
        language=wishes.language,
        wording=wording,
        talks=talks(library),
        link_rules=rules(library),
        name=wishes.name or LABELS[wishes.language]["app"],
        top_k=wishes.top_k or TOP_K[technique],
        score_threshold=wishes.score_threshold,
        reranker=Model(options.rerank_provider, options.rerank_model) if ranked else None,
        prompts=wishes.prompts,
    )


def talks(library: Library) -> list[Talk]:
    """The videos, as an opening speaks of them."""
    videos = [status.video for status in library.videos()]
    read = {video.video_id for video in videos[:: max(1, len(videos) // READ)]}
    found = []
    for video in videos:
        headings: tuple[str, ...] = tuple(chapter.title for chapter in video.chapters)
        if not headings and video.video_id in read:
            with suppress(NotFound):  # it is not ready yet
                headings = _headings(library.document(video.video_id))
        found.append(Talk(video.title, headings, video.language or ""))
    return found


def rules(library: Library) -> list[LinkRule]:
    """How address marks become links, for every kind of video in the library."""
    sources = library.parts.sources()
    videos = [status.video for status in library.videos()]
    known = [video for video in videos if video.source in sources]
    links = [
        (video.video_id, lambda at, video=video: sources[video.source].link(video, at))
        for video in known
    ]
    return link_rules(links, library.settings.server.public_url)


def put(console: Console, state: State, base_url: str, wanted: Design) -> Published:
    """Bring a Chatflow into Dify: import, look at it, ask the draft, publish, make a key.

    The app of the same name that was made before is overwritten. Nothing is published unless the
    draft answers. Raises `Rejected` when it does not.
    """
    key = f"chatflow {wanted.name}"
    known = _living(console, state.get(base_url, key))
    imported = console.import_app(write(wanted), app_id=known, name=wanted.name)
    app_id, studio = imported.app_id, f"{console.page_url}/app/{imported.app_id}/workflow"
    state.keep(base_url, key, app_id)
    verify(console.draft(app_id), wanted.dataset_ids, studio)
    question = suggested_questions(wanted.talks, wanted.language)[0]
    try:
        answer, found = _ask(console, app_id, question)
    except BackendError as error:
        if wanted.variant == "keyword-only" and not wanted.plain:
            return put(console, state, base_url, replace(wanted, plain=True))
        raise Rejected(
            f"the Chatflow's draft did not answer: {error}",
            hint=f"it is not published; mend it at {studio} or import it again "
            "(is the model set up in Dify, and named right with --model?)",
        ) from error
    console.publish(app_id, name="video-rag", comment="made by video-rag dify chatflow")
    notes = list(imported.warnings)
    if wanted.plain:
        notes.append(
            "passages are printed as Dify's records: this Dify runs no templates (is its sandbox "
            "running?); import again when it does"
        )
    if wanted.variant != "keyword-only" and not found:
        notes.append("the test question found no passages: is anything published to the dataset?")
    return Published(
        app_id=app_id,
        app_key=console.make_app_key(app_id),
        page=console.chat_page(app_id),
        studio=studio,
        question=question,
        answer=answer,
        is_new=not known,
        notes=tuple(notes),
    )


def verify(draft: dict[str, Any], dataset_ids: Sequence[str], studio: str) -> None:
    """Look whether the datasets survived the import: Dify drops ids without a word.

    Raises `Rejected` when they did not.
    """
    nodes = [row["data"] for row in draft.get("graph", {}).get("nodes", ())]
    searching = [data for data in nodes if data.get("type") == "knowledge-retrieval"]
    kept = [set(data.get("dataset_ids") or ()) for data in searching]
    if not kept or any(ids != set(dataset_ids) for ids in kept):
        raise Rejected(
            "Dify dropped the dataset from the Chatflow",
            hint=f"choose the knowledge by hand at {studio}, then publish",
        )


def manual_path(file: str) -> list[str]:
    """What to do by hand where nothing opens Dify's console."""
    return [
        f"in Dify: Studio → Import DSL file → {file}",
        "open each node with a book: your knowledge must be chosen in it",
        "Preview → ask one of the suggested questions",
        "Publish → Publish Update",
        "API Access → API Key → Create: keep it as DIFY_APP_KEY",
    ]


def _dataset(base: DifyBase, variant: str) -> str:
    if variant != "external":
        return base.dataset_id
    found = base.state.get(base.options.base_url, EXTERNAL)
    if not found:
        raise BadSettings(
            "no external dataset is connected",
            hint="connect one: video-rag dify connect; or name it with --dataset",
        )
    return found


def _technique(base: DifyBase, datasets: Sequence[str], variant: Variant) -> str:
    """How these datasets are indexed; Dify cannot search in both ways at once."""
    if variant == "external":
        return "high_quality"
    with suppress(BadSettings):  # no dataset of the settings, or no key to ask about others
        if list(datasets) == [base.dataset_id]:
            if changed := base.prepare():
                log.warning("%s", changed)
            return base.technique
        if all(map(is_uuid, datasets)):
            return _asked_technique(base, datasets)
    return "economy" if variant == "keyword-only" else "high_quality"


def _asked_technique(base: DifyBase, datasets: Sequence[str]) -> str:
    service = base.options.datasets()
    found = set()
    for dataset_id in datasets:
        found.add(service.get(dataset_id).indexing_technique or "economy")
    if len(found) > 1:
        raise UsageError(
            "economy and high-quality datasets cannot be searched together",
            hint="make a Chatflow for each kind",
        )
    return str(found.pop())


def _model(base: DifyBase, wishes: Wishes) -> Model | None:
    """The model that is wished, else the workspace's own, else the first that works."""
    if wishes.variant == "keyword-only":
        return None
    if wishes.model:
        return Model.parse(wishes.model)
    chosen = _default_model(base.options) or _first_model(base.options)
    if chosen is None:
        console = "" if base.options.has_console else ", set console_email and console_password"
        raise UsageError(
            "Dify names no language model",
            hint=f"name one with --model provider/name{console}, or take --variant keyword-only",
        )
    return chosen


def _default_model(options: Connection) -> Model | None:
    if not options.has_console:
        return None
    console = options.console()
    try:
        row = console.default_model("llm")
    except BackendError:  # without its plugin daemon Dify does not know
        return None
    finally:
        console.close()
    return Model(row["provider"]["provider"], row["model"]) if row else None


def _first_model(options: Connection) -> Model | None:
    try:
        providers = options.datasets().models("llm")
    except (BackendError, BadSettings):
        return None
    for provider in providers:
        for row in provider.get("models", ()):
            if row.get("status", "active") == "active":
                return Model(provider["provider"], row["model"])
    return None


def _headings(document: Document) -> tuple[str, ...]:
    names = [section.heading or section.chapter for section in document.sections]
    return tuple(name for name in dict.fromkeys(names) if name)


def _living(console: Console, app_id: str) -> str:
    """The app, unless somebody deleted it."""
    if app_id:
        try:
            console.app(app_id)
        except NotFound:
            return ""
    return app_id


def _ask(console: Console, app_id: str, question: str) -> tuple[str, int]:
    """What the draft answers, and from how many passages. Raises what a failed run means."""
    said, found = "", 0
    for event in console.try_draft(app_id, question):
        if isinstance(event, Piece):
            said += event.text
        elif isinstance(event, Replaced):
            said = event.text
        elif isinstance(event, Resources):
            found = len(event.items)
    if not said.strip():
        raise Rejected("it said nothing")
    return said.strip(), found
