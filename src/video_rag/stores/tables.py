"""The ledger's tables."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()
_WIDE = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""64 bits everywhere."""


def _table(name: str, *columns: sa.Column[object] | sa.Index) -> sa.Table:
    return sa.Table(name, metadata, *columns)


def _key(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text, primary_key=True)


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text, nullable=False)


def _said(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


schema = _table("schema", sa.Column("version", sa.Integer, primary_key=True))

identity = _table("identity", _key("library_id"))

videos = _table(
    "videos",
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("video_id", sa.Text, nullable=False, unique=True),
    sa.Column("is_leaving", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("change", sa.Integer, nullable=False, server_default="0"),
    _said("plan"),
    sa.Column("state", sa.Text, nullable=False, server_default="queued"),
    sa.Column("is_urgent", sa.Boolean, nullable=False, server_default=sa.false()),
    _said("host"),
    _said("place"),
    _said("title"),
    _said("words"),
    sa.Column("duration", sa.Float),
    sa.Column("published", sa.Text),
    _said("request_id"),
    _said("trace_id"),
    sa.Index("videos_by_plan", "plan"),
    sa.Index("videos_by_state", "state", "position"),
    sa.Index("videos_by_place", "place"),
    sa.Index("videos_by_title", "title"),
    sa.Index("videos_by_leaving", "is_leaving", "position"),
)
"""What is judged of a video stands beside it, as `agenda.Judged` says: `plan` is empty until it is;
`change` counts what was written of it; `place` is a digest of where it lies; the two ids are of the
request that last wanted work on it."""

due = _table(
    "due",
    _key("video_id"),
    _key("stage"),
    _text("route"),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("is_urgent", sa.Boolean, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("sent", sa.Float),
    sa.Index("due_by_route", "route", "is_urgent", "at", "position"),
    sa.Index("due_by_time", "is_urgent", "at", "position"),
)
"""The stages that can run, each at its time."""

memberships = _table(
    "memberships",
    _key("collection"),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("video_id", sa.Text, nullable=False),
    sa.Index("memberships_by_video", "video_id"),
)

results = _table(
    "results",
    _key("video_id"),
    _key("name"),
    sa.Column("stage", sa.Text, nullable=False),
    _text("digest"),
    _text("key"),
    sa.Column("value", sa.Text),
    sa.Index(
        "results_documents",
        "video_id",
        sqlite_where=sa.text("name = 'document'"),
        postgresql_where=sa.text("name = 'document'"),
    ),
)

claims = _table(
    "claims",
    _key("video_id"),
    _key("stage"),
    _text("owner"),
    sa.Column("until", sa.Float, nullable=False),
    _said("worker"),
    sa.Column("since", sa.Float, nullable=False, server_default="0"),
    sa.Column("share", sa.Float, nullable=False, server_default="0"),
    _said("note"),
)

failures = _table(
    "failures",
    _key("video_id"),
    _key("stage"),
    _text("key"),
    _text("error"),
    _text("message"),
    _text("hint"),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due", sa.Float),
    _said("reason"),
)

receipts = _table(
    "receipts",
    _key("knowledge"),
    _key("document_id"),
    _text("revision"),
    _text("remote_id"),
    _text("state"),
    sa.Index("receipts_by_state", "knowledge", "state"),
)

files = _table(
    "files",
    _key("path"),
    sa.Column("size", _WIDE, nullable=False),
    sa.Column("mtime_ns", _WIDE, nullable=False),
    _text("digest"),
)

api_keys = _table(
    "api_keys",
    _key("key_id"),
    _text("name"),
    _text("role"),
    _text("hashed"),
    _text("created"),
    sa.Column("revoked", sa.Boolean, nullable=False),
)

subscriptions = _table(
    "subscriptions",
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("url", sa.Text, nullable=False, unique=True),
    _text("every"),
    _text("collection"),
    _text("wanted"),
    _text("since"),
    _text("match"),
    _text("skip"),
    sa.Column("limit", sa.Integer, nullable=False),
    sa.Column("is_paused", sa.Boolean, nullable=False),
    _text("title"),
    sa.Column("added", sa.Float, nullable=False),
    sa.Column("checked", sa.Float),
    sa.Column("due", sa.Float, nullable=False),
    _text("problem"),
)

entries = _table(
    "entries",
    _key("url"),
    _key("key"),
    _text("state"),
    _text("title"),
    sa.Column("duration", sa.Float),
    _text("reason"),
    sa.Column("until", sa.Float),
    sa.Column("video_ids", sa.JSON, nullable=False),
    sa.Column("is_listed", sa.Boolean, nullable=False),
    _text("fingerprint"),
)

requests = _table(
    "requests",
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("request_id", sa.Text, nullable=False, unique=True),
    _text("kind"),
    sa.Column("wish", sa.JSON, nullable=False),
    _text("about"),
    _text("asked_by"),
    sa.Column("asked", sa.Float, nullable=False),
    _text("state"),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("begun", sa.Float),
    sa.Column("ended", sa.Float),
    sa.Column("progress", sa.JSON, nullable=False),
    sa.Column("video_ids", sa.JSON, nullable=False),
    sa.Column("failures", sa.JSON, nullable=False),
    sa.Column("is_unwanted", sa.Boolean, nullable=False),
    sa.Column("once", sa.Text, unique=True),
    _said("trace_id"),
    sa.Index("requests_by_state", "state", "position"),
)

questions = _table(
    "questions",
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    *(_text(name) for name in ("kind", "text", "collection", "base", "outcome", "asked_by")),
    sa.Column("found", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    _text("request_id"),
    sa.Index("questions_by_time", "at"),
)
"""What was asked, for `report retrieval`; forgotten after `[ask] keep_days`."""

paces = _table(
    "paces",
    sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
    _key("worker"),
    _key("stage"),
    sa.Column("many", sa.Integer, nullable=False),
)

timings = _table(
    "timings",
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    *(_key(name) for name in ("stage", "plugin", "site", "length", "outcome")),
    sa.Column("many", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("longest", sa.Float, nullable=False),
    sa.Column("duration", sa.Float, nullable=False),
)
"""Where the time goes: `day` counts from the epoch, `duration` adds up that of the videos."""

tallies = _table(
    "tallies", _key("name"), _key("labels"), sa.Column("amount", sa.Float, nullable=False)
)
"""What all processes counted, ever; `labels` is JSON."""

slots = _table(
    "slots",
    _key("name"),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("is_done", sa.Boolean, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
)

places = _table("places", _key("name"), _text("value"))
"""What one host has and all must know of, such as which embedded base it is."""

sites = _table(
    "sites",
    _key("site"),
    sa.Column("cooling_until", sa.Float, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    _text("reason"),
    _text("message"),
    sa.Column("strikes", sa.Integer, nullable=False),
    sa.Column("next_visit", sa.Float, nullable=False),
    _text("day"),
    sa.Column("visits", sa.Integer, nullable=False),
)
