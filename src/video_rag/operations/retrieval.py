"""Passages for others to answer from: filtered by metadata, scored from 0 to 1, cut at a threshold.

Scores say how much of the question a passage holds (`relevance.Passage.relevance`), whatever base
and ranking found it, so that one threshold serves all questions; about 0.5 is where a passage
answers. The order stays that of the search: `relevance.descending` gives the nearest scores that
fall with it. Only words are counted. Where a search goes by meaning (`[search] embedder`), a
passage that says it in other words scores low: leave the threshold off there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from video_rag.errors import NotFound
from video_rag.evidence.relevance import descending, weigh
from video_rag.library import Library
from video_rag.model import Chunk, Hit, Query, Video
from video_rag.operations.conditions import Conditions, Fact, day, names, quantity
from video_rag.settings import Settings
from video_rag.text.addresses import public
from video_rag.text.asking import asked
from video_rag.text.memberships import BAR

CANDIDATES = 30
"""So many passages at least tell which of a question's words are rare."""
WIDE = 300
"""So many are looked through where a filter leaves many videos."""
FEW = 40
"""So many videos are searched one by one, which finds their best passages whatever the others'."""
OF_PASSAGES = frozenset({"language", "origin"})
"""Fields in which passages of one video differ."""


@dataclass(frozen=True)
class Wanted:
    """What is looked for."""

    text: str
    limit: int
    threshold: float = 0.0
    collection: str | None = None
    conditions: Conditions = field(default_factory=Conditions)


@dataclass(frozen=True)
class Found:
    """A passage, how relevant it is (0 to 1), and its video, if that is in the library."""

    chunk: Chunk
    score: float
    video: Video | None


def retrieve(library: Library, wanted: Wanted) -> list[Found]:
    """The best passages that fit, best first. Raises `NotFound` for an unknown collection."""
    base = library.settings.search.knowledge
    remembered = library.remembering.of("search", wanted.text, wanted.collection, base)
    with remembered as told:  # its several searches are one question
        found = _retrieved(library, wanted)
        told.found, told.is_over = len(found), True
        told.outcome = "found" if found else "nothing"
    return found


def _retrieved(library: Library, wanted: Wanted) -> list[Found]:
    videos = _Videos(library)
    hits = [
        hit
        for hit in _search(library, wanted, videos)
        if wanted.conditions.allow(fields(hit.chunk, videos.get(hit.chunk.video_id)))
    ]
    if not hits:  # conditions that fit no video search nothing, and so refuse nothing
        library.refuse_unknown(Query(text=wanted.text, collection=wanted.collection))
    wishes = asked(wanted.text, library.synonyms(wanted.text))
    passages = weigh(wishes, [hit.chunk for hit in hits]) if wishes else []
    scores = descending(passage.relevance for passage in passages)
    return [
        Found(passage.chunk, score, videos.get(passage.chunk.video_id))
        for passage, score in zip(passages, scores, strict=True)
        if score >= wanted.threshold
    ][: wanted.limit]


def fields(chunk: Chunk, video: Video | None) -> Mapping[str, Fact]:
    """What conditions may be about: the metadata fields that documents have in Dify."""
    return _described(video, chunk.video_id) | {
        "title": Fact(chunk.title),
        "published": day(chunk.published),
        "collection": names(chunk.collections),
        "language": Fact(chunk.language),
        "origin": Fact(chunk.origin),
    }


def base_of(settings: Settings) -> str:
    """The knowledge base to look in: `[search] knowledge`, but never Dify, who asks us."""
    name = settings.search.knowledge
    is_dify = settings.section("knowledge", name).get("use", name) == "dify"
    return "embedded" if is_dify else name


class _Videos:
    """The library's videos, looked up once each."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: dict[str, Video | None] = {}
        self._all: list[Video] | None = None

    def get(self, video_id: str) -> Video | None:
        """The video, if the library has it: a base elsewhere may find others."""
        if video_id not in self._known:
            try:
                self._known[video_id] = self._library.status(video_id).video
            except NotFound:
                self._known[video_id] = None
        return self._known[video_id]

    def all(self) -> list[Video]:
        """Every video."""
        if self._all is None:
            self._all = [status.video for status in self._library.videos()]
            self._known |= {video.video_id: video for video in self._all}
        return self._all


def _search(library: Library, wanted: Wanted, videos: _Videos) -> list[Hit]:
    base, query = base_of(library.settings), _narrowed(wanted)
    ranks_again = bool(library.settings.search.reranker)  # looks at five times the limit: slow
    limit = wanted.limit if ranks_again else max(wanted.limit, CANDIDATES)
    if not wanted.conditions.stated:
        return library.search(query.model_copy(update={"limit": limit}), base)
    fitting = list(_fitting(wanted, videos))
    if len(fitting) > FEW:
        wide = 4 * wanted.limit if ranks_again else WIDE
        return library.search(query.model_copy(update={"limit": wide}), base)
    hits = [
        hit
        for video_id in fitting
        for hit in library.search(
            query.model_copy(update={"limit": limit, "video_id": video_id}), base
        )
    ]
    return sorted(hits, key=lambda hit: -hit.score)


def _narrowed(wanted: Wanted) -> Query:
    """The query with those conditions that the base itself can look for."""
    query = Query(text=wanted.text, collection=wanted.collection)
    if wanted.conditions.logical_operator == "or":
        return query
    told = {
        one.name: one.value
        for one in wanted.conditions.stated
        if one.name in {"language", "collection"}
        and one.comparison_operator in {"is", "="}
        and isinstance(one.value, str)
        and not one.value.startswith(BAR)  # the text of several names, which is the name of none
        and getattr(query, one.name) is None
    }
    return query.model_copy(update=told)


def _fitting(wanted: Wanted, videos: _Videos) -> Iterator[str]:
    """The videos of which any passage may fit."""
    for video in videos.all():
        known = _described(video, video.video_id) | {
            "title": Fact(video.title),
            "published": day(video.published),
            "collection": names(video.collections),
        }
        is_there = wanted.collection in {None, *video.collections}
        if is_there and wanted.conditions.allow(known, lambda name: name not in OF_PASSAGES):
            yield video.video_id


def _described(video: Video | None, video_id: str) -> dict[str, Fact]:
    """What a video's record says beside what its passages repeat."""
    return {
        "video_id": Fact(video_id),
        "site": Fact(video_id.partition(":")[0]),
        "author": Fact(video.channel if video else None),
        "url": Fact(public(video.url) if video else None),
        "duration": quantity(video.duration if video else None),
    }
