"""The answer without a model: what it quotes, and when it refuses."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from video_rag.answerers import Delta, Done
from video_rag.answerers.extractive import Extractive
from video_rag.model import Answer, Chunk, Hit, Query, Question, Segment, Turn, join_lines
from video_rag.text import timecode
from video_rag.text.asking import asked
from video_rag.text.spelling import stem
from video_rag.text.tokens import index_terms
from video_rag.text.typos import corrections


def passage(video: str, at: float, *lines: str, **more: str) -> Chunk:
    """A passage whose lines last three seconds each."""
    spoken = tuple(
        Segment(start=at + 3 * index, end=at + 3 * index + 3, text=line)
        for index, line in enumerate(lines)
    )
    facts = {"title": video, "heading": "", "language": "en", "origin": "sidecar"} | more
    return Chunk(
        chunk_id=f"{video}{at}{facts['language']}",
        video_id=f"v:{video}",
        start=at,
        end=spoken[-1].end,
        text=join_lines(lines),
        lines=spoken,
        **facts,
    )


class Index:
    """A plain BM25 search (k1 = 1.2, b = 0.75)."""

    def __init__(self, *passages: Chunk) -> None:
        self.passages = passages
        self.queries: list[Query] = []
        self.counts = [Counter(index_terms(f"{one.title} {one.text}")) for one in passages]
        self.mean = sum(map(Counter.total, self.counts)) / max(len(passages), 1)
        self.spread = Counter(term for count in self.counts for term in count)

    def __call__(self, query: Query) -> list[Hit]:
        self.queries.append(query)
        wanted = {term for wish in asked(query.text) for term in wish.terms}
        scored = (
            Hit(chunk=chunk, score=self.score(wanted, count))
            for chunk, count in zip(self.passages, self.counts, strict=True)
        )
        best = sorted((hit for hit in scored if hit.score), key=lambda hit: -hit.score)
        return best[: query.limit]

    def score(self, wanted: set[str], count: Counter[str]) -> float:
        total = 0.0
        for term in wanted & count.keys():
            share = (len(self.counts) + 1) / (self.spread[term] + 0.5)
            weight = 1.2 * (0.25 + 0.75 * count.total() / self.mean)
            total += math.log(1 + share) * 2.2 * count[term] / (count[term] + weight)
        return total


FRIDAY = Chunk(
    chunk_id="friday",
    video_id="v:friday",
    title="friday",
    heading="",
    start=0.0,
    end=6.0,
    text="Hildy! How are you? Tell me, is the lord of the universe in? "
    "Yes, he's in - in a bad humor Somebody must've stolen the crown jewels",
    language="en",
    origin="sidecar",
    lines=(
        Segment(start=0.0, end=0.999, text="Hildy!"),
        Segment(start=1.0, end=1.499, text="How are you?"),
        Segment(start=1.5, end=2.999, text="Tell me, is the lord of the universe in?"),
        Segment(start=3.0, end=4.299, text="Yes, he's in - in a bad humor"),
        Segment(start=4.3, end=6.0, text="Somebody must've stolen the crown jewels"),
    ),
)
OPTICS = (
    passage("Optics", 0, "Welcome back.", "Light slows down in glass.", "That bends it."),
    passage("Optics", 750, "A prism bends violet light more than red light.", "So we get colours."),
    passage("Optics", 900, "Thank you for watching.", "See you next week."),
    passage("Cooking", 0, "Cut the onions.", "Then boil the potatoes in salted water."),
    passage("光学", 60, "光在玻璃中变慢", "所以会发生折射", language="zh"),
)


def events(
    question: str,
    *passages: Chunk,
    conversation: tuple[Turn, ...] = (),
    limit: int = 5,
    **options: float,
) -> Iterator[Delta | Done]:
    asked = Question(text=question, conversation=conversation, limit=limit)
    return Extractive(Extractive.Options(**options)).ask(asked, Index(*passages))


def ask(question: str, *passages: Chunk, **more: object) -> Answer:
    *_, done = events(question, *passages, **more)
    assert isinstance(done, Done)
    return done.answer


def test_only_the_line_that_answers_is_cited() -> None:
    answer = ask("what was stolen?", FRIDAY)
    assert answer.answer == "[1] 0:04–0:06 “Somebody must've stolen the crown jewels”"
    assert [(one.number, one.start, one.end) for one in answer.citations] == [(1, 4.3, 6.0)]
    assert answer.model is None


def test_the_pieces_add_up_to_the_answer() -> None:
    *pieces, done = events("How does light bend in glass or in a prism?", *OPTICS)
    assert len(pieces) == 2
    assert "".join(piece.text for piece in pieces) == done.answer.answer


def test_blocks_are_numbered_and_name_the_time() -> None:
    answer = ask("How does light bend in glass or in a prism?", *OPTICS)
    assert answer.answer == (
        "[1] 12:30–12:33 “A prism bends violet light more than red light.”\n\n"
        "[2] 0:03–0:09 “Light slows down in glass. That bends it.”"
    )


def test_a_chinese_question_finds_chinese_words() -> None:
    answer = ask("光在玻璃里为什么会折射？", *OPTICS)
    assert answer.citations[0].video_id == "v:光学"
    assert not answer.refused


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("What is the capital of Mongolia?", "Nothing in the library"),
        ("Which glass company sponsors the football club of Jena?", "Nothing in the library"),
        ("怎么做红烧肉？", "资料库中没有"),
        ("玻璃厂的工人工资是多少？", "资料库中没有"),
    ],
)
def test_what_nobody_speaks_about_is_refused_in_words(question: str, language: str) -> None:
    answer = ask(question, *OPTICS)
    assert answer.refused
    assert answer.answer.startswith(language)


@pytest.mark.parametrize(
    ("question", "looked_for", "named"),
    [
        (
            "Which glass company sponsors the football club of Jena?",
            "Looked for: glass, company, sponsors, football, club, Jena.",
            "The nearest passages, which may be about something else:",
        ),
        ("玻璃厂的工人工资是多少？", "检索的词语：玻璃厂、工人工资。", "最接近的片段"),
    ],
)
def test_a_refusal_says_what_was_looked_for_and_shows_the_nearest_passages(
    question: str, looked_for: str, named: str
) -> None:
    answer = ask(question, *OPTICS)
    parts = answer.answer.split("\n\n")
    assert parts[1] == looked_for
    assert parts[2].startswith(named)
    assert parts[3:] == [
        f"[{one.number}] {timecode.span(one.start, one.end)} “{one.quote}”"
        for one in answer.citations
    ]
    assert [one.number for one in answer.citations] == list(range(1, len(parts) - 2))
    assert any("glass" in one.quote or "玻璃" in one.quote for one in answer.citations)


def test_a_refusal_shows_no_passage_that_shares_but_small_words() -> None:
    answer = ask("What is the capital of Mongolia?", *OPTICS)
    assert answer.answer.endswith("Looked for: capital, Mongolia.")
    assert not answer.citations


GO = (
    passage("A talk", 0, "Let us go and see what it is like, go on.", "Here we go again, go!"),
    passage("Tools", 30, "We wrote the scheduler in Go because it starts fast."),
    *OPTICS,
)


def test_a_name_that_is_a_stop_word_is_quoted_before_the_word_in_small_letters() -> None:
    answer = ask("What is Go used for?", *GO)
    assert answer.citations[0].quote == "We wrote the scheduler in Go because it starts fast."


def test_a_name_that_is_a_stop_word_is_found_in_subtitles_without_capitals() -> None:
    small = passage("Tools", 30, "we wrote the scheduler in go because it starts fast")
    answer = ask("What is Go used for?", small, *OPTICS)
    assert answer.citations[0].quote == "we wrote the scheduler in go because it starts fast"


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("What is a convolutional network?", "It is a convoluted story, I am afraid."),
        ("What does a general do?", "We generalize it in the next part of the talk."),
        ("What is university life like?", "The universe is larger than that."),
    ],
)
def test_a_word_that_shares_but_its_stem_is_no_support(question: str, line: str) -> None:
    other = passage("Story", 0, "Good evening.", line)
    answer = ask(question, other, *OPTICS)
    assert answer.refused


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("What are convolutional networks?", "A convolutional network slides a small window."),
        ("Does light bend?", "And so the light is bending."),
        ("How is the sum computed?", "The computer computes sums."),
    ],
)
def test_the_bent_forms_of_a_word_are_support(question: str, line: str) -> None:
    assert ask(question, passage("Talk", 0, "Good evening.", line)).citations[0].quote == line


def test_lines_that_answer_come_before_those_of_a_passage_with_scattered_words() -> None:
    scattered = passage(
        "Scattered",
        0,
        "A prism is a body of glass, and prisms are old.",
        "Nothing happens here for a while.",
        "We go on to something else now.",
        "The violet curtain is pretty, the violet one.",
        "Everybody waits for the next part.",
        "Bend down, please.",
    )
    close = passage("Close", 0, "Good evening.", "In a prism violet light bends most.", "Good.")
    answer = ask("Why does a prism bend violet?", scattered, close)
    assert answer.citations[0].quote == "In a prism violet light bends most."


def test_a_mistyped_word_is_looked_for_as_it_was_meant_and_that_is_said() -> None:
    tree = passage("Graphs", 0, "A spanning tree touches every vertex.", "Now for something else.")
    answer = ask("What is a spaning tree?", tree, *OPTICS)
    assert answer.answer == (
        "Nobody says “spaning” here; looked for “spanning”.\n\n"
        "[1] 0:00–0:03 “A spanning tree touches every vertex.”"
    )


@settings(deadline=None)  # dictionaries load at first use, and machines are shared
@given(st.sampled_from(["eigenvalue", "spanning", "community", "beginner"]), st.data())
def test_one_letter_that_is_wrong_missing_or_doubled_is_put_right(
    word: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(1, len(word) - 1))
    wrong = data.draw(st.sampled_from([word[:at] + word[at + 1 :], word[:at] + word[at - 1 :]]))
    found = corrections(f"what is a {wrong}?", [f"This is a {word}.", "Another sentence."])
    assert found in ({wrong: word}, {})
    assert found or stem(wrong) == stem(word)


def test_words_that_are_said_or_like_nothing_are_left_alone() -> None:
    said = ["The prism bends violet light.", "Colours of the format."]
    assert corrections("Why do prisms bend light in Mongolia? Fermat!", said) == {}


def test_a_question_without_any_content_asks_for_one() -> None:
    assert ask("?!", *OPTICS).answer.startswith("There is no question")
    assert ask("", *OPTICS).refused
    assert ask("？！——", *OPTICS).answer.startswith("There is no question")


def test_a_question_of_stop_words_alone_is_looked_for() -> None:
    assert ask("What?", *OPTICS).answer.startswith("Nothing in the library")
    assert ask("是什么？", *OPTICS).answer.startswith("资料库中没有")
    said = passage("Hamlet", 0, "Good evening.", "To be or not to be.", "That is said.")
    assert ask("to be or not to be", *OPTICS, said).citations[0].quote == "To be or not to be."


def test_passages_clearly_weaker_than_the_best_are_left_out() -> None:
    question = "Why does a prism bend violet light more than red?"
    assert len(ask(question, *OPTICS).citations) == 1
    assert len(ask(question, *OPTICS, keep=0.0).citations) == 2


def test_the_same_words_are_quoted_once() -> None:
    again = OPTICS[1].model_copy(update={"video_id": "v:copy", "chunk_id": "copy"})
    assert len(ask("violet light in a prism", OPTICS[1], again).citations) == 1


def test_one_moment_in_two_overlapping_passages_is_quoted_once() -> None:
    longer = passage("Optics", 747, "Look.", OPTICS[1].lines[0].text)
    assert len(ask("violet light in a prism", OPTICS[1], longer).citations) == 1


def test_there_are_no_more_quotes_than_asked_for() -> None:
    many = [passage(f"Talk {n}", 0, f"Prisms of type {n} bend light.") for n in range(9)]
    assert len(ask("prisms bend light", *many, limit=3, keep=0.0).citations) == 3


@pytest.mark.parametrize("follow_up", ["And why?", "How does it bend?", "那是为什么？"])
def test_a_question_that_points_back_is_searched_with_the_one_before(follow_up: str) -> None:
    asked = Question(
        text=follow_up,
        conversation=(
            Turn(role="user", text="What does a prism do to violet light?"),
            Turn(role="assistant", text="It bends it [1]."),
        ),
    )
    index = Index(*OPTICS)
    *_, done = Extractive(Extractive.Options()).ask(asked, index)
    assert index.queries[0].text == f"What does a prism do to violet light? {follow_up}"
    assert done.answer.citations[0].start == 750


def test_a_question_that_stands_alone_is_searched_alone() -> None:
    earlier = (Turn(role="user", text="How long do potatoes boil?"),)
    answer = ask("How much does violet light bend in a prism?", *OPTICS, conversation=earlier)
    assert {one.video_id for one in answer.citations} == {"v:Optics"}


OFF_TOPIC = """
Who won the 2022 World Cup?|What is the capital of Mongolia?|How do I bake sourdough bread?
Which vitamins are in oranges?|When did the Roman Empire fall?|How do I renew my passport?
Who wrote Pride and Prejudice?|What is the population of Brazil?|What are the symptoms of diabetes?
How do I change a flat tyre on my bike?|What is the area of the Sahara desert?
What is the best way to learn the violin?|How long should I boil an egg?
Which network provider has the cheapest phone plan?|What is the plot of War and Peace?
What does the matrix movie say about the red pill?|How does photosynthesis produce sugar in plants?
Which president signed the Civil Rights Act?|Where can I buy a used field guitar?
怎么做红烧肉？|蒙古国的首都是哪里？|谁赢得了2022年世界杯？|如何办理护照？|红楼梦的作者是谁？
感冒了应该吃什么药？|北京到上海的高铁票价是多少？|怎样养好一只猫？|光合作用是如何产生糖分的？
篮球比赛一共有几节？|银行贷款的利率是怎么计算的？|神经衰弱应该看哪个科室？|如何学习弹钢琴？
"""


@pytest.mark.shared
def test_real_questions_are_answered_and_foreign_ones_refused(shared: Path) -> None:
    index = Index(*(one for path in sorted(shared.glob("corpus/??/*.srt")) for one in cut(path)))
    answerer = Extractive(Extractive.Options())

    def refused(question: str) -> bool:
        *_, done = answerer.ask(Question(text=question), index)
        return bool(done.answer.refused)

    lines = (shared / "corpus/questions.jsonl").read_text("utf-8").splitlines()
    real = [json.loads(line)["question"] for line in lines]
    foreign = [
        question for line in OFF_TOPIC.split("\n") for question in line.split("|") if question
    ]
    assert sum(map(refused, real)) <= 0.03 * len(real)
    assert sum(map(refused, foreign)) >= 0.9 * len(foreign)


def cut(path: Path) -> Iterator[Chunk]:
    """Passages of about a minute from a subtitle file; good enough to judge answers by."""
    spoken: list[Segment] = []
    for block in path.read_text("utf-8-sig").split("\n\n"):
        head, arrow, rest = block.partition(" --> ")
        words = " ".join(rest.splitlines()[1:]).strip()
        if arrow and words:
            hours, minutes, seconds = head.splitlines()[-1].split(":")
            at = 3600 * int(hours) + 60 * int(minutes) + float(seconds[:2])
            spoken.append(Segment(start=at, end=at + 3, text=words))
    name = path.stem.partition("__")[2].replace("-", " ")
    while spoken:
        length = sum(one.start < spoken[0].start + 60 for one in spoken)
        lines, spoken = spoken[:length], spoken[length:]
        yield Chunk(
            chunk_id=f"{path}{lines[0].start}",
            video_id=str(path),
            title=name,
            heading="",
            start=lines[0].start,
            end=lines[-1].end,
            text=join_lines(line.text for line in lines),
            language=path.parent.name,
            origin="sidecar",
            lines=tuple(lines),
        )
