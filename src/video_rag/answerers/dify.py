"""Answers by a Dify app, such as the Chatflow that `video-rag dify chatflow` makes."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from importlib import resources as files
from typing import Literal

from pydantic import Field, SecretStr

from video_rag import plugins, tallies
from video_rag.answerers import Delta, Done, Search
from video_rag.answerers import _dify_marks as marks
from video_rag.answerers._dify_talks import Talks
from video_rag.answerers.phrases import phrase
from video_rag.dify.connection import Connection
from video_rag.dify.events import Ended, Event, Piece, Replaced, Resource, Resources
from video_rag.dify.passages import collections_of
from video_rag.errors import NotFound, Unavailable, VideoRagError
from video_rag.evidence import citing
from video_rag.evidence.speaking import said_by
from video_rag.model import Answer, Chunk, Citation, Query, Question, Turn
from video_rag.text import timecode
from video_rag.text.asking import asked
from video_rag.text.tokens import index_terms, terms

SMALL = 3
"""Small talk has at most this many terms; more of them without a passage is a refusal."""
HISTORY = 3
"""So many earlier questions go along where Dify does not know the conversation (any more)."""
SEARCHED = 200
"""Characters of a passage by which the library is asked for it."""

Reply = Literal["small_talk", "off_topic", "nothing_found"]


class Dify:
    """A published chat app of Dify. Its answer is checked against the passages that it names.

    Links to moments and address marks become `[n]`; a claim that none of the passages supports is
    gone from the last event, as with every answerer. What the app says without a search (small
    talk) stays as it is. A conversation goes on in Dify as long as this object lives; leaving the
    stream stops the app's run.
    """

    version = 1

    class Options(plugins.Options):
        """Which app, and as whom it is asked. `base_url` and `app_key`: as `[knowledge.dify]`."""

        base_url: str = Field(
            "http://127.0.0.1/v1",
            description="Address of Dify's service API; it ends in `/v1`.",
        )
        app_key: SecretStr = plugins.inert(
            SecretStr(""), description="Key of the app (`app-…`); in Dify: the app → API Access."
        )
        user: str = plugins.inert(
            "video-rag",
            min_length=1,
            description="Name under which Dify keeps the conversations; any that stays the same.",
        )
        inputs: dict[str, str | float | bool] = Field(
            default={}, description="Variables of the app's start node, by name."
        )
        timeout: float = plugins.inert(
            120.0, gt=0, description="Seconds to wait for Dify to say something."
        )

    def __init__(self, options: Options) -> None:
        """Raises `BadSettings` without an app key."""
        self.options = options
        self._chat = Connection(
            base_url=options.base_url, app_key=options.app_key, timeout=options.timeout
        ).chat()
        self._talks = Talks()

    def close(self) -> None:
        """Let go of the connections."""
        self._chat.client.close()

    def ask(self, question: Question, search: Search) -> Iterator[Delta | Done]:
        """Stream the answer; `search` only tells when each line of a passage was said.

        Raises `Rejected` or `Unavailable` in Dify's words when the app fails, is stopped or breaks
        off.
        """
        heard = _Heard()
        with closing(self._events(question)) as events:
            for event in events:
                heard.note(event)
                if text := heard.fresh():
                    yield Delta(text)
        ended = heard.ended
        if ended.status == "stopped":
            raise Unavailable("the answer was stopped in Dify", hint="ask again")
        answer = self._answer(question, heard, search)
        answer = answer or _unfounded(question, heard.said, searched=ended.searched)
        if ended.conversation_id:
            self._talks.keep(_after(question, answer), ended.conversation_id)
        if not heard.shown:
            yield Delta(answer.answer)
        yield Done(answer)

    def _events(self, question: Question) -> Generator[Event, None, None]:
        """The app's stream, in the conversation so far if Dify still has it."""
        user, inputs = self.options.user, self.options.inputs
        if known := self._talks.take(question.conversation):
            try:
                yield from self._chat.send(
                    question.text, user=user, conversation_id=known, inputs=inputs
                )
            except NotFound:  # it was deleted, and nothing was said yet
                pass
            else:
                return
        yield from self._chat.send(_with_history(question), user=user, inputs=inputs)

    @staticmethod
    def _answer(question: Question, heard: _Heard, search: Search) -> Answer | None:
        """The answer as its passages support it; None when it has none."""
        said = heard.said
        results = () if heard.named else marks.passages_in(said)
        sources = _within(heard.named or results, question)
        if results:
            return _quoted(question, _exact(sources, question, search))
        sources += _pointed_at(said, sources, question, search)
        if not sources:
            return None
        text = marks.numbered(said, sources)
        cited = set(citing.check(text, sources).used)
        exact = [
            _exact([chunk], question, search)[0] if number in cited or question.speaker else chunk
            for number, chunk in enumerate(sources, start=1)
        ]
        checked = citing.check(text, exact)
        tallies.add("citations_dropped", checked.dropped, model="dify")
        tallies.add("claims_dropped", checked.left_out, model="dify")
        return Answer(
            answer=checked.text or phrase("refusal", question.text),
            citations=checked.citations,
            refused=not checked.citations,
            model="dify",
        )


@dataclass
class _Heard:
    """What has come of a stream so far."""

    said: str = ""
    shown: int = 0
    """So many characters of it went to the reader."""
    named: tuple[Resource, ...] = ()
    ended: Ended = field(default_factory=lambda: Ended("succeeded"))

    def note(self, event: Event) -> None:
        match event:
            case Piece(text):
                self.said += text
            case Replaced(text):  # what was shown cannot be taken back; the last event is right
                self.said, self.shown = text, len(marks.without(text))
            case Resources(items):
                self.named = items
            case Ended():
                self.ended = event
            case _:
                pass

    def fresh(self) -> str:
        """What the reader has not seen; search results and marks are not fit to be read."""
        if marks.RESULT.startswith(self.said[: len(marks.RESULT)]) or marks.passages_in(self.said):
            return ""
        readable = marks.without(self.said)
        text, self.shown = readable[self.shown :], max(self.shown, len(readable))
        return text


def _after(question: Question, answer: Answer) -> tuple[Turn, ...]:
    """The conversation as the next question will tell it."""
    asked, said = Turn(role="user", text=question.text), Turn(role="assistant", text=answer.answer)
    return (*question.conversation, asked, said)


def _with_history(question: Question) -> str:
    """The question, with those before it, for a conversation that begins in the middle."""
    earlier = [turn.text for turn in question.conversation if turn.role == "user"][-HISTORY:]
    return "\n".join([*earlier, question.text])


def _within(named: Sequence[Resource], question: Question) -> list[Chunk]:
    """The passages that the question's filters allow: the app knows nothing of these."""
    inside = [
        resource
        for resource in named
        if "collection" not in resource.metadata
        or question.collection in {None, *collections_of(resource.metadata)}
    ]
    return [
        chunk
        for chunk in marks.sources_of(inside)
        if not chunk.language or question.language in {None, chunk.language}
    ]


def _pointed_at(
    said: str, sources: Sequence[Chunk], question: Question, search: Search
) -> list[Chunk]:
    """Passages of our own that an answer points at, where Dify named none."""
    places = marks.addresses(said)
    if sources or not (places or marks.has_links(said)):
        return []
    videos: dict[str | None, None] = dict.fromkeys(place.video_id for place in places)
    found = [
        chunk
        for video_id in videos or {None: None}
        for chunk in _found(question.text, video_id, question, search)
    ]
    return list({(chunk.video_id, chunk.start, chunk.text): chunk for chunk in found}.values())


def _exact(sources: Sequence[Chunk], question: Question, search: Search) -> list[Chunk]:
    """The same passages as the library has them, with the time of every line, if it has them."""
    exact = [
        next(
            (
                own
                for own in _found(chunk.text[:SEARCHED], _video_of(chunk), question, search)
                if _is_same(own, chunk)
            ),
            chunk,
        )
        for chunk in sources
    ]
    if not question.speaker:
        return exact
    nothing = {"lines": (), "text": "", "slide_text": ""}
    return [said_by(one, question.speaker) or one.model_copy(update=nothing) for one in exact]


def _video_of(chunk: Chunk) -> str | None:
    """The video of a passage; None where an answer named only title and moment."""
    return chunk.video_id if chunk.end > chunk.start else None


def _is_same(own: Chunk, chunk: Chunk) -> bool:
    if _video_of(chunk) is None:
        return own.title == chunk.title and 0 <= own.start - chunk.start < 1
    return abs(own.start - chunk.start) < 1 and abs(own.end - chunk.end) < 1


def _found(text: str, video_id: str | None, question: Question, search: Search) -> list[Chunk]:
    """What the library knows; an answer does without it where that cannot be searched."""
    query = Query(
        text=text,
        limit=10,
        video_id=video_id,
        collection=question.collection,
        language=question.language,
    )
    try:
        return [hit.chunk for hit in search(query)]
    except VideoRagError:
        return []


def _quoted(question: Question, sources: Sequence[Chunk]) -> Answer:
    """The lines that hold the question's words, for an app that only searches."""
    wanted = asked(question.text, question.synonyms)
    strong = [wish for wish in wanted if wish.weight == 1]
    blocks: list[str] = []
    citations: list[Citation] = []
    for chunk in sources:
        there = dict.fromkeys(index_terms(chunk.text), 1.0)
        if len(citations) == question.limit or not any(wish.held(there) for wish in strong):
            continue
        found = citing.quote({wish: wish.weight for wish in wanted}, chunk, question.text)
        citations.append(citing.cited(len(citations) + 1, chunk, found))
        span = timecode.span(found.start, found.end)
        blocks.append(f"[{len(citations)}] {span} “{' '.join(found.text.split())}”")
    text = "\n\n".join(blocks) or phrase("refusal", question.text)
    return Answer(answer=text, citations=tuple(citations), refused=not citations, model="dify")


def _unfounded(question: Question, said: str, *, searched: bool) -> Answer:
    """An answer without any passage: small talk, or words that nothing supports."""
    said = said.strip()
    is_short = not searched and len(set(terms(question.text))) <= SMALL
    is_small = bool(said) and (is_short or _is("small_talk", said))
    is_refusal = _is("nothing_found", said) or _is("off_topic", said)
    text = said if is_small or is_refusal else phrase("refusal", question.text)
    return Answer(answer=text, refused=is_refusal or not is_small, model="dify")


def _is(reply: Reply, said: str) -> bool:
    """Whether this is one of our Chatflow's own replies."""
    return any(beginning and said.startswith(beginning) for beginning in _beginnings(reply))


@cache
def _beginnings(reply: Reply) -> tuple[str, ...]:
    """The reply in both languages, as far as it is the same in every library."""
    folder = files.files("video_rag.dify").joinpath("prompts")
    texts = [folder.joinpath(f"{reply}.{language}.txt") for language in ("en", "zh")]
    return tuple(text.read_text("utf-8").partition("$")[0].strip() for text in texts)
