"""What every answerer must do: subclass `AnswererTests` and give it an `answerer` fixture.

The fixture's answerer is asked about the passages of `PASSAGES`; one that calls a model is given a
scripted server (`testing.llm`) that answers `ANSWER`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from video_rag.answerers import Answerer, Delta, Done, Search
from video_rag.model import Answer, Chunk, Hit, Query, Question, Segment
from video_rag.plugins import Options

QUESTION = "What was stolen?"
ANSWER = "The crown jewels were stolen [1]."


def _passage(video_id: str, title: str, *lines: tuple[float, float, str]) -> Chunk:
    spoken = tuple(Segment(start=start, end=end, text=text) for start, end, text in lines)
    return Chunk(
        chunk_id=f"{video_id}/{spoken[0].start}",
        video_id=video_id,
        title=title,
        heading="",
        start=spoken[0].start,
        end=spoken[-1].end,
        text=" ".join(line.text for line in spoken),
        language="en",
        origin="sidecar",
        lines=spoken,
        url=f"https://example.org/{video_id}",
    )


PASSAGES = (
    _passage(
        "v:friday",
        "His Girl Friday",
        (0.0, 1.5, "Hildy! How are you?"),
        (1.5, 3.0, "Tell me, is the lord of the universe in?"),
        (3.0, 4.3, "Yes, he's in - in a bad humor"),
        (4.3, 6.0, "Somebody must've stolen the crown jewels"),
    ),
    _passage(
        "v:light",
        "Light in glass",
        (0.0, 4.0, "Light slows down in glass, so it bends."),
        (4.0, 9.0, "Violet bends more than red."),
    ),
)
"""What the library of the contract holds."""


class Shelf:
    """A search over fixed passages, those with the most words of the query first."""

    def __init__(self, *passages: Chunk) -> None:
        self.passages = passages
        self.queries: list[Query] = []

    def __call__(self, query: Query) -> list[Hit]:
        """The passages that share a word with the query."""
        self.queries.append(query)
        asked = set(re.findall(r"\w{4,}", query.text.casefold()))
        counted = (
            (len(asked & set(re.findall(r"\w{4,}", one.text.casefold()))), one)
            for one in self.passages
        )
        hits = [Hit(chunk=one, score=count) for count, one in counted if count]
        return sorted(hits, key=lambda hit: -hit.score)[: query.limit]


def last(events: Iterator[Delta | Done]) -> Answer:
    """The whole answer of a stream."""
    *_, done = events
    assert isinstance(done, Done)
    return done.answer


class AnswererTests:
    """The contract of `answerers.Answerer`."""

    question: ClassVar[str] = QUESTION

    def test_it_has_a_version_and_options(self, answerer: Answerer) -> None:
        """As every plug-in does."""
        assert answerer.version >= 1
        assert isinstance(answerer.options, Options)

    def test_the_last_event_and_only_that_is_the_whole_answer(self, answerer: Answerer) -> None:
        """Pieces first, then `Done`."""
        *pieces, done = answerer.ask(Question(text=self.question), Shelf(*PASSAGES))
        assert isinstance(done, Done)
        assert pieces
        assert all(isinstance(piece, Delta) and piece.text for piece in pieces)

    def test_every_mark_names_a_citation_and_every_citation_has_a_mark(
        self, answerer: Answerer
    ) -> None:
        """No mark without proof."""
        answer = last(answerer.ask(Question(text=self.question), Shelf(*PASSAGES)))
        marks = {int(number) for number in re.findall(r"\[(\d+)\]", answer.answer)}
        assert marks == {citation.number for citation in answer.citations} != set()
        assert not answer.refused

    def test_a_citation_has_the_words_and_times_of_the_lines_that_say_it(
        self, answerer: Answerer
    ) -> None:
        """Not those of the whole passage."""
        answer = last(answerer.ask(Question(text=self.question), Shelf(*PASSAGES)))
        citation = answer.citations[0]
        assert citation.video_id == "v:friday"
        assert citation.title == "His Girl Friday"
        assert (citation.start, citation.end) == (4.3, 6.0)
        assert citation.quote == "Somebody must've stolen the crown jewels"
        assert citation.url == "https://example.org/v:friday"

    def test_without_passages_it_refuses_in_words(self, answerer: Answerer) -> None:
        """It does not guess."""
        answer = last(answerer.ask(Question(text=self.question), Shelf()))
        assert answer.refused
        assert answer.answer
        assert not answer.citations
        assert "[" not in answer.answer

    def test_a_chinese_question_is_refused_in_chinese(self, answerer: Answerer) -> None:
        """People are spoken to in their language."""
        answer = last(answerer.ask(Question(text="怎么做红烧肉？"), Shelf()))
        assert answer.refused
        assert re.search(r"[\u3400-\u9fff]", answer.answer)

    def test_the_filters_of_the_question_reach_the_search(self, answerer: Answerer) -> None:
        """Collection and language."""
        shelf = Shelf(*PASSAGES)
        last(answerer.ask(Question(text=self.question, collection="films", language="en"), shelf))
        assert shelf.queries
        assert all((one.collection, one.language) == ("films", "en") for one in shelf.queries)

    def test_asking_twice_gives_the_same_answer(self, answerer: Answerer) -> None:
        """Nothing is kept from one question to the next."""
        search: Search = Shelf(*PASSAGES)
        first = last(answerer.ask(Question(text=self.question), search))
        assert last(answerer.ask(Question(text=self.question), search)) == first
