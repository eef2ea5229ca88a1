"""Our own index as knowledge of Dify: registers `POST /retrieval` of `video-rag serve`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from video_rag.dify.console import Console
from video_rag.dify.errors import said_by
from video_rag.dify.state import State
from video_rag.errors import BackendError, NotFound, Rejected, UsageError
from video_rag.operations import keys
from video_rag.operations.dify_chatflow import EXTERNAL
from video_rag.settings.redaction import redact
from video_rag.stores import Ledger

API = "external api"
KEY = "external key"
ENDPOINT = "external endpoint"
COLLECTION = "external collection"
"""Names under which the state keeps what was registered; of the key only its id."""
WHOLE = "all"
"""Dify wants an id of the knowledge; ours are collections, and this one is the whole library."""


@dataclass(frozen=True)
class Connected:
    """A dataset in Dify that asks us."""

    dataset_id: str
    api_id: str
    endpoint: str
    found: int
    """Passages that the test question found, through Dify."""
    is_new: bool


@dataclass(frozen=True)
class Endpoint:
    """Where Dify reaches us."""

    url: str
    key: str
    """Empty: one is made, named `dify`, when it is needed."""
    name: str
    """Dify wants other names than those of its datasets."""
    collection: str
    top_k: int
    score_threshold: float | None


def connect(
    console: Console, state: State, base_url: str, ledger: Ledger, wanted: Endpoint, question: str
) -> Connected:
    """Register us with Dify, or bring the registration up to date, and ask a question through it.

    Doing it again changes nothing while it works. Raises `UsageError` for an address that is none,
    and `Rejected` when Dify does not reach us there.
    """
    url = _checked(wanted.url)
    knowledge = wanted.collection or WHOLE
    old = {name: state.get(base_url, name) for name in (API, EXTERNAL, ENDPOINT, COLLECTION)}
    dataset_id = old[EXTERNAL] if old[COLLECTION] == knowledge else ""
    if dataset_id and url == old[ENDPOINT] and not wanted.key:
        with suppress(BackendError):  # whatever it is, registering again may mend it
            found = _try_out(console, dataset_id, question, wanted)
            if found is not None:
                return Connected(dataset_id, old[API], url, found, is_new=False)
    with _key(ledger, state, base_url, wanted.key) as key:
        api_id = _register(console, old[API], wanted.name, url, key)
    state.keep(base_url, API, api_id)
    state.keep(base_url, ENDPOINT, url)
    found = _try_out(console, dataset_id, question, wanted) if dataset_id else None
    if found is not None:
        return Connected(dataset_id, api_id, url, found, is_new=False)
    dataset_id = console.make_external_dataset(
        wanted.name, api_id, knowledge, wanted.top_k, wanted.score_threshold
    )
    state.keep(base_url, EXTERNAL, dataset_id)
    state.keep(base_url, COLLECTION, knowledge)
    found = _try_out(console, dataset_id, question, wanted)
    return Connected(dataset_id, api_id, url, found or 0, is_new=True)


def manual_path(url: str) -> list[str]:
    """What to do by hand where nothing opens Dify's console."""
    return [
        "make a key: video-rag keys add dify --role read",
        f"in Dify: Knowledge → External Knowledge API → Add: endpoint {url}, and the key",
        f"Knowledge → Connect to an External Knowledge Base: this API, id `{WHOLE}`",
        "video-rag dify chatflow --variant external --dataset ID (as in its page's address)",
    ]


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(
            "Dify needs an address under which it reaches `video-rag serve`",
            hint="set [server] public_url or give --url, such as http://host.docker.internal:8420",
        )
    return url.rstrip("/").removesuffix("/retrieval")


def _register(console: Console, api_id: str, name: str, url: str, key: str) -> str:
    """Tell Dify where we are; it asks us at once."""
    try:
        if api_id:
            try:
                console.change_external_api(api_id, name, url, key)
            except NotFound:
                return console.make_external_api(name, url, key)
            return api_id
        known = next((row for row in console.external_apis() if _is_at(row, url)), None)
        if known is None:
            return console.make_external_api(name, url, key)
        console.change_external_api(known["id"], known["name"], url, key)
        return str(known["id"])
    except Rejected as error:
        # Dify repeats the key
        said = redact((said_by(error).message or str(error)).replace(key, "…"))
        raise Rejected(
            f"Dify does not reach {url}: {said}",
            hint="is `video-rag serve` running, and is this its address from where Dify runs? "
            "Inside Docker 127.0.0.1 is Dify itself: try http://host.docker.internal:8420",
        ) from error


def _is_at(row: dict[str, object], url: str) -> bool:
    settings = row.get("settings")
    return isinstance(settings, dict) and str(settings.get("endpoint", "")).rstrip("/") == url


def _try_out(console: Console, dataset_id: str, question: str, wanted: Endpoint) -> int | None:
    """How many passages come through Dify; None when the dataset is gone."""
    try:
        rows = console.try_external(dataset_id, question, wanted.top_k, wanted.score_threshold)
    except NotFound:
        return None
    return len(rows)


@contextmanager
def _key(ledger: Ledger, state: State, base_url: str, given: str) -> Iterator[str]:
    """The given key, else a new one: it takes the place of the one before if all goes well."""
    if given:
        yield given
        return
    key, plain = keys.make(ledger, "dify", "read")
    try:
        yield plain
    except BaseException:
        keys.revoke(ledger, key.key_id)
        raise
    before = keys.find(ledger, state.get(base_url, KEY))
    state.keep(base_url, KEY, key.key_id)
    if before:
        keys.revoke(ledger, before.key_id)
