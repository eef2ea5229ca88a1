"""What a library tells about its videos, and what a person may say about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from video_rag.choices import Change, State
from video_rag.errors import VideoRagError
from video_rag.model import Copy, Video
from video_rag.stores import Failure, Ledger


@dataclass(frozen=True)
class Status:
    """A video and how far it is."""

    video: Video
    state: State
    failures: tuple[Failure, ...] = ()
    change: Change = ""
    """What working on it just now brought, where somebody did."""


@dataclass(frozen=True)
class Added:
    """What became of one thing that was given to `add`: a status, or why there is none."""

    url: str
    status: Status | None = None
    error: VideoRagError | None = None
    is_new: bool = False
    same_as: str = ""
    """The path under which the same file was added before."""
    is_renewed: bool = False
    """Whether it was here before and has other words or slides now."""


@dataclass(frozen=True)
class Wishes:
    """What a person says about the videos that are added; None: nothing."""

    collection: str | None = None
    title: str | None = None
    """"" takes one back that was given."""
    language: str | None = None
    wanted: str | None = None
    """What of them is fetched: see `Video.wanted`."""
    leaves: str | None = None
    """A collection that they leave, after they joined `collection`."""


def merged(
    found: Video,
    old: Video | None,
    wishes: Wishes,
    collection: str,
    holds: Callable[[str], bool] = lambda url: Path(url).is_file(),
) -> Video:
    """What the source says now, what a person said before, and what is wished now: later wins.

    Only collections and copies add up, since several lists may hold one video; `collection` is the
    default, and `holds` tells whether a path still has the video's bytes.
    """
    first, *others = _collections(old, wishes, collection)
    update: dict[str, object] = {
        "collection": first,
        "also_in": tuple(sorted(others)),
        "language": wishes.language or (old.language if old else None) or found.language,
        "wanted": wishes.wanted if wishes.wanted is not None else (old.wanted if old else ""),
        # a source that knows of no revisions leaves the one that a subscription found out
        "fingerprint": found.fingerprint or (old.fingerprint if old else ""),
    }
    title = None if wishes.title is None else " ".join(wishes.title.split())
    is_given = bool(title) if title is not None else bool(old and old.is_title_given)
    if is_given:
        update |= {"title": title or (old.title if old else ""), "is_title_given": True}
    places = _places(found, old, holds)
    if old and old.url != found.url and old.url in places:
        update |= {"url": old.url, "stem": old.stem, "fingerprint": places[old.url]}
        if not is_given:
            update["title"] = (old.stem or found.title) if old.is_title_given else old.title
    url = str(update.get("url", found.url))
    copies = [Copy(url=at, fingerprint=mark) for at, mark in sorted(places.items()) if at != url]
    return found.model_copy(update={**update, "copies": tuple(copies)})


def _places(found: Video, old: Video | None, holds: Callable[[str], bool]) -> dict[str, str]:
    """Where the bytes of a video lie, each with its fingerprint; as just found, else as known."""
    places = {found.url: found.fingerprint, **{c.url: c.fingerprint for c in found.copies}}
    known = {old.url: old.fingerprint, **{c.url: c.fingerprint for c in old.copies}} if old else {}
    return places | {at: mark for at, mark in known.items() if at not in places and holds(at)}


def _collections(old: Video | None, wishes: Wishes, default: str) -> list[str]:
    """Those that a video is in, the first one first.

    In the default one alone it is for want of a better, which it leaves for the first one named.
    """
    known = list(old.collections) if old else []
    if wishes.collection and known in ([], [default]):
        known = [wishes.collection]
    elif wishes.collection and wishes.collection not in known:
        known.append(wishes.collection)
    return [name for name in known if name != wishes.leaves] or [default]


def change_of(before: Mapping[str, str], after: Mapping[str, str]) -> Change:
    """What a base that is new to a library gets is no news: only those count that had it before."""
    if not before:
        return "new" if after else ""
    is_other = any(after.get(base, held) != held for base, held in before.items())
    return "updated" if is_other else ""


def published(ledger: Ledger, video_id: str) -> dict[str, str]:
    """What each base holds of a video, by its receipts: a revision that names the content."""
    receipts = ledger.receipts(video_id)
    return {one.knowledge: one.revision for one in receipts if one.state == "done"}
