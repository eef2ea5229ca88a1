"""What can be asked for: checked before it is kept, since nobody waits for the answer then."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from video_rag import causes
from video_rag.choices import RequestKind
from video_rag.errors import UsageError
from video_rag.library import Library, Wishes
from video_rag.net import guard
from video_rag.operations import inputs
from video_rag.settings.redaction import known, remember, secrets_of, visit
from video_rag.stores.owner import now
from video_rag.stores.requests import Request
from video_rag.text.addresses import public

MOST_OPEN = 10_000
"""Requests that may wait; more are refused rather than kept where nobody gets to them."""
_SHOWN = 3
"""Addresses of one request that are named; of more their number."""


def add(urls: Iterable[str], wishes: Wishes, by: str) -> Request:
    """Take in what lies behind these paths and URLs."""
    places = [_absolute(url) for url in urls]
    wish: dict[str, Any] = {
        "urls": places,
        "collection": wishes.collection,
        "title": wishes.title,
        "language": inputs.check_language(wishes.language),
        "fetch": inputs.check_wanted(wishes.wanted),
    }
    said = {name: value for name, value in wish.items() if value is not None}
    return _request("add", said, _few([shown(url) for url in places], "sources"), by)


def retry(video_ids: Iterable[str], by: str) -> Request:
    """Try these videos again."""
    chosen = list(video_ids)
    return _request("retry", {"video_ids": chosen}, _few(chosen, "videos"), by)


def check(urls: Iterable[str], by: str) -> Request:
    """Look at these lists now, or at all; new videos are taken in and worked on."""
    names = list(urls)
    about = _few([shown(name) for name in names], "lists") or "every list"
    return _request("check", {"urls": names}, about, by)


def publish(base: str, video_ids: Iterable[str], by: str) -> Request:
    """Bring a knowledge base, or without a name every one, in line with these videos, or all."""
    chosen = list(video_ids)
    about = f"{base or 'every base'}: {_few(chosen, 'videos') or 'every video'}"
    return _request("publish", {"to": base, "video_ids": chosen}, about, by)


def export(video_ids: Iterable[str], format_name: str, folder: str, by: str) -> Request:
    """Write documents into a folder of this machine; of all videos, when none is named."""
    chosen = list(video_ids)
    wish = {"video_ids": chosen, "format": format_name, "folder": str(Path(folder).absolute())}
    about = f"{_few(chosen, 'videos') or 'every video'} as {format_name} to {folder}"
    return _request("export", wish, about, by)


def discover(urls: Iterable[str], wishes: Wishes, by: str, *, limit: int, force: bool) -> Request:
    """Take in what is new, and tell at most `limit` videos that want work; none is worked on.

    `force` looks at all subscriptions, also those that are not due.
    """
    places = [_absolute(url) for url in urls]
    wish: dict[str, Any] = {
        "urls": places,
        "collection": wishes.collection,
        "language": inputs.check_language(wishes.language),
        "fetch": inputs.check_wanted(wishes.wanted),
        "limit": limit,
        "force": force or None,
    }
    said = {name: value for name, value in wish.items() if value is not None}
    every = "every list" if force else "lists that are due"
    about = _few([shown(url) for url in places], "sources") or every
    return _request("discover", said, about, by)


def process(video_ids: Iterable[str], by: str) -> Request:
    """Work on these videos until nothing more can be done for them now."""
    chosen = list(video_ids)
    return _request("process", {"video_ids": chosen}, _few(chosen, "videos"), by)


def verify(bases: Iterable[str], by: str) -> Request:
    """Compare these knowledge bases, or all, with the library."""
    names = list(bases)
    return _request("verify", {"bases": names}, ", ".join(names) or "every base", by)


def report(request_ids: Iterable[str], since: float, until: float | None, by: str) -> Request:
    """Sum up these requests, or those that were asked for between two times (epoch seconds).

    Without `until` it is the time when they are summed up.
    """
    names = list(request_ids)
    wish = {"request_ids": names, "since": since, "until": until}
    about = f"{len(names)} requests" if names else "what was asked for in a time"
    return _request("report", wish, about, by)


def doctor(by: str, *, thorough: bool) -> Request:
    """Look at all that video-rag needs; `thorough` reads all that is stored."""
    about = "all that is stored" if thorough else "all that is needed"
    return _request("doctor", {"thorough": thorough}, about, by)


def sweep(by: str) -> Request:
    """Delete stored results that no video needs any more."""
    return _request("sweep", {}, "results that nobody needs", by)


def submit(library: Library, request: Request, once: str = "") -> Request:
    """Keep a request; from then on nothing but a cancellation keeps it from being done.

    `once` is an idempotency key: the request that was first kept with it is returned. Raises
    `UsageError` when too many wait, `Conflict` for a key that was used for something else.
    """
    requests = library.ledger.requests
    if requests.waiting() >= MOST_OPEN:
        raise UsageError(
            "too many requests wait already", hint="wait, or cancel some: video-rag requests list"
        )
    return requests.submit(request, once)


def shown(url: str) -> str:
    """An address without what it holds of secrets, also where one was pasted instead of it."""
    visit(url)
    remember(secrets_of(url))
    return known(public(url))


def learn(wish: Mapping[str, Any]) -> None:
    """Know the secrets in a wish that another process was told."""
    for url in wish.get("urls", ()):
        shown(url)


def _request(kind: RequestKind, wish: Mapping[str, Any], about: str, by: str) -> Request:
    trace_id = causes.current().trace_id or causes.new_trace_id()
    request_id = f"r{secrets.token_hex(6)}"
    return Request(request_id, kind, dict(wish), about, by, now(), trace_id=trace_id)


def _absolute(url: str) -> str:
    """A path as another process finds it; a URL as it is."""
    return str(guard.absolute(url)) if "://" not in url and os.path.lexists(url) else url


def _few(names: list[str], kind: str) -> str:
    return ", ".join(names) if len(names) <= _SHOWN else f"{len(names)} {kind}"
