"""Which lines prove something, and which marks stand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from video_rag.evidence.citing import check, marks_alone, quote, supports
from video_rag.model import Chunk, Segment, join_lines
from video_rag.text.asking import Wish
from video_rag.text.tokens import terms


def passage(*lines: str | tuple[float, float, str], **more: str) -> Chunk:
    """A passage of lines of two seconds each, or with the times given."""
    segments = []
    for index, line in enumerate(lines):
        start, end, text = line if isinstance(line, tuple) else (2.0 * index, 2.0 * index + 2, line)
        segments.append(Segment(start=start, end=end, text=text))
    text = join_lines(line.text for line in segments)
    facts = {"video_id": "v:1", "title": "", "heading": "", "language": "en", "origin": "sidecar"}
    start, end = (segments[0].start, segments[-1].end) if segments else (0.0, 60.0)
    return Chunk(
        chunk_id=f"{text}{more}", start=start, end=end, text=text, lines=segments, **(facts | more)
    )


FRIDAY = passage(
    (0.0, 0.999, "Hildy!"),
    (1.0, 1.499, "How are you?"),
    (1.5, 2.999, "Tell me, is the lord of the universe in?"),
    (3.0, 4.299, "Yes, he's in - in a bad humor"),
    (4.3, 6.0, "Somebody must've stolen the crown jewels"),
)
LIGHT = passage("Light slows down in glass,", "so it bends.", "Violet bends more than red.")
GLASS = passage(
    "光在玻璃中变慢", "所以会发生折射", "斯涅尔定律由 Snell 在 1621 年发现", language="zh"
)


def weighed(**weights: float) -> dict[Wish, float]:
    """Terms with what each counts."""
    return {Wish(((term,),)): weight for term, weight in weights.items()}


def quoted(question: str, chunk: Chunk) -> tuple[float, float, str]:
    return tuple(quote(terms(question), chunk))


class TestQuotes:
    def test_only_the_line_that_answers_is_quoted(self) -> None:
        assert quoted("what was stolen?", FRIDAY) == (
            4.3,
            6.0,
            "Somebody must've stolen the crown jewels",
        )

    def test_a_sentence_over_two_lines_is_quoted_whole(self) -> None:
        assert quoted("why does it bend in glass?", LIGHT) == (
            0.0,
            4.0,
            "Light slows down in glass, so it bends.",
        )

    def test_two_sentences_are_quoted_when_each_adds_to_the_answer(self) -> None:
        found = quoted("glass, violet and red", LIGHT)
        assert found == (
            0.0,
            6.0,
            "Light slows down in glass, so it bends. Violet bends more than red.",
        )

    def test_one_word_per_cue_is_quoted_as_a_sentence(self) -> None:
        words = ("We", "go.", "It", "was", "a", "red", "fox.")
        assert quoted("which fox?", passage(*words)) == (4.0, 14.0, "It was a red fox.")

    def test_lines_without_punctuation_stand_alone(self) -> None:
        assert (
            quoted("折射", passage("光在玻璃中变慢", "所以会发生折射", "我们下次再见"))[2]
            == "所以会发生折射"
        )

    def test_a_pause_ends_a_sentence(self) -> None:
        chunk = passage((0, 1, "one thing is"), (9, 10, "a fox."), (10, 11, "Well."))
        assert quoted("fox", chunk)[:2] == (9, 10)

    def test_a_long_sentence_is_cut_to_the_lines_that_answer(self) -> None:
        lines = [
            f"and then we add the number {n} to the sum that we already have," for n in range(12)
        ]
        found = quoted("number 7", passage("We start.", *lines, "and stop."))
        assert "7" in found[2]
        assert found[1] - found[0] <= 8

    def test_the_rarer_word_decides(self) -> None:
        chunk = passage("A proof of theorems.", "Another one with primes.")
        assert quote(weighed(theorem=0.01, proof=0.01, prime=1.0), chunk).text.endswith("primes.")
        assert quote(weighed(theorem=1.0, proof=1.0, prime=0.01), chunk).text.endswith("theorems.")

    def test_without_any_match_the_first_sentence_is_quoted(self) -> None:
        assert quoted("kangaroo", LIGHT)[2] == "Light slows down in glass, so it bends."

    def test_a_passage_of_slides_alone_is_quoted_whole(self) -> None:
        assert quoted("anything", passage(slide_text="E = mc2")) == (0.0, 60.0, "E = mc2")

    @settings(deadline=None)  # dictionaries load at first use, and machines are shared
    @given(
        st.lists(st.text("ab .?A。中", max_size=20), max_size=12),
        st.lists(st.sampled_from(["a", "b", "ab", "中"]), max_size=3),
    )
    def test_a_quote_is_made_of_whole_lines_of_its_passage(
        self, lines: list[str], wanted: list[str]
    ) -> None:
        chunk = passage(*lines)
        found = quote(wanted, chunk)
        assert chunk.start <= found.start < found.end <= chunk.end
        inside = [
            line.text.strip()
            for line in chunk.lines
            if found.start <= line.start and line.end <= found.end and line.text.strip()
        ]
        assert found.text == join_lines(inside)


class TestSupport:
    @pytest.mark.parametrize(
        ("claim", "chunk"),
        [
            ("The crown jewels were stolen.", FRIDAY),
            ("Glass makes light slower, hence it is bent.", LIGHT),
            ("折射是因为光在玻璃中变慢。", GLASS),
            ("The law was found by Snell in 1621.", GLASS),
            ("光在玻璃中变慢，即“slows down in glass”。", LIGHT),
        ],
    )
    def test_a_claim_stands_on_words_names_numbers_or_a_quote(
        self, claim: str, chunk: Chunk
    ) -> None:
        assert supports(claim, chunk)

    @pytest.mark.parametrize(
        ("claim", "chunk"),
        [
            ("The king was murdered by his brother at night.", FRIDAY),
            ("The crown weighs two kilograms of gold and silver.", FRIDAY),
            ("红光的波长比紫光长。", LIGHT),
            ("Light is slower in glass.", GLASS),
            ("“This is not what was said”, 这样说。", LIGHT),
            ("Yes.", FRIDAY),
            ("", FRIDAY),
        ],
    )
    def test_a_claim_falls_without_them(self, claim: str, chunk: Chunk) -> None:
        assert not supports(claim, chunk)

    def test_a_wrong_year_falls(self) -> None:
        assert supports("定律在 1621 年发现", GLASS)
        assert not supports("定律在 1721 年发现", GLASS)

    def test_slides_support_too(self) -> None:
        chunk = passage("As you see here.", slide_text="Gradient descent: step size 0.01")
        assert supports("The step size of gradient descent is 0.01.", chunk)


class TestMarks:
    SOURCES = (FRIDAY, LIGHT, GLASS)

    def clean(self, text: str) -> tuple[str, list[int], int]:
        checked = check(text, self.SOURCES)
        return checked.text, [one.number for one in checked.citations], checked.dropped

    def test_a_citation_has_the_times_and_words_of_its_lines(self) -> None:
        (citation,) = check("The crown jewels were stolen [1].", self.SOURCES).citations
        assert (citation.start, citation.end) == (4.3, 6.0)
        assert citation.quote == "Somebody must've stolen the crown jewels"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("The crown jewels were stolen [1].", "The crown jewels were stolen [1]."),
            ("The crown jewels were stolen.[1]", "The crown jewels were stolen.[1]"),
            ("The crown jewels were stolen. [1]", "The crown jewels were stolen. [1]"),
            ("The crown jewels were stolen【1】.", "The crown jewels were stolen[1]."),
            ("The crown jewels were stolen ［１］.", "The crown jewels were stolen [1]."),
            ("The crown jewels were stolen [1][1].", "The crown jewels were stolen [1][1]."),
            ("The crown jewels were stolen [^1].", "The crown jewels were stolen [1]."),
            ("光在玻璃中变慢[3]。", "光在玻璃中变慢[1]。"),
        ],
    )
    def test_marks_are_read_as_models_write_them(self, text: str, expected: str) -> None:
        clean, numbers, dropped = self.clean(text)
        assert (clean, len(numbers), dropped) == (expected, 1, 0)

    @pytest.mark.parametrize(
        "text",
        [
            "Light bends in glass [1][2].",
            "Light bends in glass [1, 2].",
            "Light bends in glass [1，2].",
            "Light bends in glass [2][9].",
            "Light bends in glass [1-2].",
        ],
    )
    def test_a_mark_that_does_not_stand_is_removed_and_counted(self, text: str) -> None:
        assert self.clean(text) == ("Light bends in glass [1].", [1], 1)

    def test_a_sentence_goes_with_its_last_mark(self) -> None:
        text = (
            "The crown jewels were stolen [1]. The butler did it at midnight [1]. Light bends [2]."
        )
        assert self.clean(text) == ("The crown jewels were stolen [1]. Light bends [2].", [1, 2], 1)

    def test_nothing_is_left_of_a_text_without_support(self) -> None:
        assert self.clean("Ulan Bator is the capital of Mongolia [1].") == ("", [], 1)
        assert self.clean("Ulan Bator is the capital of Mongolia.") == ("", [], 0)
        assert self.clean("") == ("", [], 0)

    def test_a_sentence_without_mark_takes_that_of_its_neighbour_when_it_stands(self) -> None:
        text = "Light slows down in glass. Violet bends more than red [2]."
        clean, _, dropped = self.clean(text)
        assert clean == "Light slows down in glass [1]. Violet bends more than red [2]."
        assert dropped == 0

    def test_a_sentence_without_mark_or_support_goes(self) -> None:
        text = "Everybody knows Isaac Newton's apple. Violet bends more than red [2]."
        assert self.clean(text)[0] == "Violet bends more than red [1]."
        assert check(text, self.SOURCES).left_out == 1

    def test_a_mark_is_not_lent_to_another_paragraph(self) -> None:
        text = "Glass and light are dangerous to swallow.\n\nViolet bends more than red [2]."
        assert self.clean(text)[0] == "Violet bends more than red [1]."

    def test_a_lead_in_stays_with_its_list(self) -> None:
        text = "Here it is:\n\n- Light slows down in glass [2]\n- Violet bends more than red [2]\n"
        clean, numbers, _ = self.clean(text)
        assert clean.startswith("Here it is:\n\n- Light slows down in glass [1]\n- Violet")
        assert len(numbers) == 2

    def test_a_lead_in_to_nothing_goes(self) -> None:
        assert self.clean("Here it is:\n\n- The moon is made of cheese [2]") == ("", [], 1)

    def test_paragraphs_stay_apart_when_a_sentence_between_goes(self) -> None:
        text = "Light bends [2]. The moon is cheese.\n\nThe crown jewels were stolen [1]."
        assert self.clean(text)[0] == "Light bends [1].\n\nThe crown jewels were stolen [2]."

    def test_two_claims_on_different_lines_get_two_citations(self) -> None:
        checked = check(
            "Light slows down in glass [1]. Violet bends more than red [1].", [LIGHT, FRIDAY]
        )
        assert checked.text == "Light slows down in glass [1]. Violet bends more than red [2]."
        assert [(one.number, one.start) for one in checked.citations] == [(1, 0.0), (2, 4.0)]
        assert checked.used == (1, 1)

    @pytest.mark.parametrize(
        "text",
        [
            "In [1995] the crown jewels were stolen [1].",
            "On [0, 1] the crown jewels were stolen [1].",
            "The crown jewels, `jewels[2]`, were stolen [1].",
            "The [1](https://example.org) crown jewels were stolen [1].",
            "The crown jewels were stolen [1]: ```crown[7]```.",
        ],
    )
    def test_brackets_that_are_no_marks_are_words(self, text: str) -> None:
        checked = check(text, [FRIDAY.model_copy(update={"slide_text": "1995 1"})])
        assert (checked.text, len(checked.citations), checked.dropped) == (text, 1, 0)

    def test_abbreviations_and_list_numbers_end_no_sentence(self) -> None:
        text = "1. Dr. Snell's light, e.g. in glass, bends [1].\n2. The crown jewels, stolen [2]."
        checked = check(text, [LIGHT, FRIDAY])
        assert (checked.text, checked.dropped) == (text, 0)

    @settings(deadline=None)  # dictionaries load at first use, and machines are shared
    @given(st.text("ab [1]2,.。\n中`(x)【】:", max_size=60))
    def test_any_text_comes_back_checked(self, text: str) -> None:
        sources = (passage("a b ab", "中 a x"), passage("b x", "2 1 12"))
        checked = check(text, sources)
        numbers = {one.number for one in checked.citations}
        assert bool(checked.text) == bool(numbers)
        assert all(f"[{number}]" in checked.text for number in numbers)
        for one in checked.citations:
            assert any(source.start <= one.start < one.end <= source.end for source in sources)

    @settings(deadline=None)  # dictionaries load at first use, and machines are shared
    @given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), max_size=8))
    def test_every_sentence_that_is_left_names_a_passage_with_its_words(
        self, claims: list[tuple[str, int]]
    ) -> None:
        words = {"a": "Light slows in glass", "b": "crown jewels stolen", "c": "cheese moon"}
        text = " ".join(f"{words[name]} [{number}]." for name, number in claims)
        checked = check(text, self.SOURCES)
        of = {"a": 2, "b": 1}
        right = [(name, number) for name, number in claims if name in of]
        new = {name: str(at) for at, name in enumerate(dict.fromkeys(n for n, _ in right), 1)}
        assert checked.text == " ".join(f"{words[name]} [{new[name]}]." for name, _ in right)
        assert checked.dropped == sum(of.get(name) != number for name, number in claims)
        assert checked.left_out == len(claims) - len(right)
        assert [of[name] for name in new] == list(checked.used)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("The crown jewels were stolen.", "The crown jewels were stolen [1]."),
            ("光在玻璃中变慢。", "光在玻璃中变慢[1]。"),
            ("Violet bends more than red [9].", "Violet bends more than red [1]."),
            ("Violet bends more than red [1].", "Violet bends more than red [1]."),
            ("How are you?", "How are you [1]?"),
        ],
    )
    def test_a_claim_without_the_right_mark_gets_that_of_the_passage_that_supports_it(
        self, text: str, expected: str
    ) -> None:
        assert self.clean(text)[0] == expected

    def test_a_claim_without_a_mark_rests_on_what_supports_it_best(self) -> None:
        near = passage("Violet bends in water.")
        (citation,) = check("Violet bends more than red.", [near, LIGHT]).citations
        assert citation.quote == "Violet bends more than red."

    @pytest.mark.parametrize(
        "text",
        [
            "There is no answer in the library about light in glass.",
            "The passages do not mention how light slows down in glass.",
            "资料库中没有答案：光在玻璃中变慢的原因。",
        ],
    )
    def test_words_that_decline_to_answer_are_no_claim(self, text: str) -> None:
        checked = check(text, self.SOURCES)
        assert (checked.text, checked.left_out) == ("", 0)

    def test_a_passage_that_says_there_is_no_answer_may_be_quoted_word_for_word(self) -> None:
        said = passage("Is there a largest prime? There is no answer to that.", "So it goes.")
        assert check("There is no answer to that.", [said]).citations

    @settings(deadline=None)  # dictionaries load at first use, and machines are shared
    @given(
        st.lists(st.text("ab it isnot2中是的没有答案", min_size=1, max_size=20), max_size=4),
        st.integers(0, 3),
        st.sampled_from(["", " [1]", " [2]", " [9]"]),
    )
    def test_what_a_passage_says_word_for_word_is_never_thrown_away(
        self, before: list[str], after: int, mark: str
    ) -> None:
        said = "It is what it is and was not"
        lines = [*before, said, *["the end"] * after]
        held = passage(*(line for line in lines if line.strip()))
        checked = check(f"{said}{mark}.", [FRIDAY, held])
        assert checked.text == f"{said} [1]."
        assert checked.used == (2,)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [("[4]", [4]), ("[1][3]", [1, 3]), ("[2, 1].\n", [2, 1]), ("[9]", []), ("Yes [1]", [])],
    )
    def test_a_reply_of_marks_alone_names_passages(self, text: str, expected: list[int]) -> None:
        assert marks_alone(text, 5) == expected


def test_among_lines_with_the_same_terms_the_one_worded_like_the_question_is_quoted() -> None:
    lines = ("先找字幕：每一行都有时间。", "没有字幕的时候才用语音识别。")
    held = passage(*lines, language="zh")
    assert quote(["字幕"], held).text == lines[0]
    assert quote(["字幕"], held, question="没有字幕的时候怎么办？").text == lines[1]
