"""What a Chatflow says first, and how address marks become links."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.dify.linking import LinkRule, link_rules
from video_rag.dify.opening import Talk, readable, suggested_questions, videos_in_words
from video_rag.net.pages import moment
from video_rag.sources.web import link_to

NETWORKS = Talk(
    "Neural networks | Deep learning, chapter 1",
    ("Introduction", "What are neurons?", "1.2 Counting weights", "Recap"),
    "en",
)
VECTORS = Talk("线性代数的本质", ("开场", "向量究竟是什么", "线性组合", "第3节"), "zh")


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("2018__fourier-transforms", "fourier transforms"),
        ("GPT-4", "GPT-4"),
        ("self-attention explained", "self-attention explained"),
        ("Neural networks | Deep learning", "Neural networks"),
        ("a  {{#b.c#}}\n d", "a #b.c# d"),
        ("__", "__"),
        ("x" * 200, "x" * 79 + "…"),
        ("线性代数的本质", "线性代数的本质"),
    ],
)
def test_titles_are_shown_as_people_write_them(title: str, shown: str) -> None:
    assert readable(title) == shown


def test_headings_that_are_questions_are_asked_as_they_are() -> None:
    assert suggested_questions([NETWORKS], "en") == [
        "What are neurons?",
        "What are the main points of “Neural networks”, and when are they made?",
        "Where in the videos is “Counting weights” explained?",
        "Which ideas in “Neural networks” matter most, and why?",
    ]


def test_questions_are_chinese_where_the_flow_is() -> None:
    assert suggested_questions([VECTORS], "zh") == [
        "《线性代数的本质》里是怎么讲“向量究竟是什么”的？",
        "《线性代数的本质》讲了哪些要点？分别在什么时间？",
        "哪个视频讲到了“线性组合”？从什么时间开始？",
        "《线性代数的本质》里最重要的想法是什么？为什么？",
    ]


def test_videos_in_the_language_come_first_and_others_only_without_them() -> None:
    both = [NETWORKS, VECTORS]
    assert all("线性" not in question for question in suggested_questions(both, "en"))
    assert all("Neural" not in question for question in suggested_questions(both, "zh"))
    assert any("向量" in question for question in suggested_questions([VECTORS], "en"))


EMPTY_HEADINGS = [
    "",
    "ab",
    "3",
    "p. 3",
    "Part 2",
    "Lecture 4:",
    "Q & A",
    "Introduction",
    "Final words",
]
EMPTY_HEADINGS += ["intro to the series", "目录", "总结", "第十二章", "∑∑∑∑", "x" * 80]


@pytest.mark.parametrize("heading", EMPTY_HEADINGS)
def test_headings_that_say_nothing_are_passed_over(heading: str) -> None:
    questions = suggested_questions([Talk("Sharks", (heading,), "en")], "en")
    assert questions == suggested_questions([Talk("Sharks", (), "en")], "en")


def test_several_videos_are_asked_about_in_turn() -> None:
    talks = [Talk(f"Talk {n}", (f"First idea of {n}", f"Second idea of {n}"), "en") for n in "abc"]
    questions = suggested_questions(talks, "en")
    assert [any(f"idea of {n}" in q for q in questions) for n in "abc"] == [True, True, True]
    assert not any("Second" in question for question in questions)


def test_videos_are_counted_and_some_named() -> None:
    talks = [Talk(f"Talk {n}") for n in range(9)]
    assert videos_in_words(talks, "en") == "9 videos, such as “Talk 0”, “Talk 3” and “Talk 6”"
    assert videos_in_words(talks, "zh") == "9个视频（例如《Talk 0》、《Talk 3》和《Talk 6》）"
    assert videos_in_words(talks[:1], "en") == "“Talk 0”"
    assert videos_in_words([], "en") == "the videos in this library"


words = st.text(max_size=40)


@given(st.lists(st.builds(Talk, words, st.lists(words, max_size=4).map(tuple)), max_size=5))
def test_there_are_one_to_four_different_questions_on_one_line_each(talks: list[Talk]) -> None:
    for language in ("en", "zh"):
        questions = suggested_questions(talks, language)
        assert 1 <= len(questions) <= 4
        assert len(set(questions)) == len(questions)
        assert all(q.strip() and "\n" not in q and "{{" not in q for q in questions)


# links


def web(url: str) -> Callable[[float], str]:
    return lambda seconds: link_to(url, seconds)


@pytest.mark.parametrize(
    ("video_id", "url", "address"),
    [
        (
            "youtube:dQw4w9WgXcQ",
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "https://www.youtube.com/watch?v=ID&t=STARTs",
        ),
        (
            "bilibili:BV1xx411c7mD",
            "https://www.bilibili.com/video/BV1xx411c7mD",
            "https://www.bilibili.com/video/ID?t=START",
        ),
        ("vimeo:22439234", "https://vimeo.com/22439234", "https://vimeo.com/ID#t=STARTs"),
    ],
)
def test_rules_are_read_off_the_links_of_the_sources(video_id: str, url: str, address: str) -> None:
    kind = video_id.partition(":")[0]
    (rule,) = link_rules([(video_id, web(url))])
    assert rule == LinkRule(f"⟦{kind}:ID@START-END⟧", address)
    assert str(rule) == f"⟦{kind}:ID@START-END⟧ → {address}"


def test_following_a_rule_gives_the_link_of_the_source() -> None:
    url = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
    (rule,) = link_rules([("youtube:dQw4w9WgXcQ", web(url))])
    followed = rule.address.replace("ID", "dQw4w9WgXcQ").replace("START", "754")
    assert followed == link_to(url, 754)


def test_local_files_open_on_our_own_page_and_have_no_rule_without_one() -> None:
    videos = [("file:0123456789abcdef", lambda at: f"file:///talk.mp4#t={at}")]
    assert link_rules(videos) == []
    (rule,) = link_rules(videos, "https://videos.example/")
    assert rule.address == "https://videos.example/#/video/file:ID?t=START"
    followed = rule.address.replace("ID", "0123456789abcdef").replace("START", "75")
    assert followed == moment("https://videos.example", "file:0123456789abcdef", 75)


def test_ids_that_stand_not_in_their_links_have_our_page_or_no_rule() -> None:
    part = ("bilibili:BV1xx_p2", web("https://www.bilibili.com/video/BV1xx?p=2"))
    assert link_rules([part]) == []
    assert link_rules([part], "http://h:1")[0].address == "http://h:1/#/video/bilibili:ID?t=START"


def test_one_odd_video_does_not_change_the_rule_of_its_kind() -> None:
    usual = [
        (f"bilibili:BV{n}", web(f"https://www.bilibili.com/video/BV{n}")) for n in range(10, 13)
    ]
    odd = ("bilibili:BV9_p2", web("https://www.bilibili.com/video/BV9?p=2"))
    (rule,) = link_rules([odd, *usual], "http://h:1")
    assert rule.address == "https://www.bilibili.com/video/ID?t=START"


def test_the_most_frequent_kind_comes_first() -> None:
    videos = [
        ("vimeo:22439234", web("https://vimeo.com/22439234")),
        *[(f"youtube:{n}", web(f"https://youtu.be/{n}")) for n in ("abcdeabcdea", "fghijfghijf")],
    ]
    assert [rule.mark.partition(":")[0] for rule in link_rules(videos)] == ["⟦youtube", "⟦vimeo"]


@pytest.mark.shared
def test_real_titles_make_questions_that_name_them(shared: Path) -> None:
    titles = sorted(path.stem for path in (shared / "corpus" / "en").glob("*.srt"))
    questions = suggested_questions([Talk(title, (), "en") for title in titles], "en")
    assert len(questions) == 4
    assert all("_" not in question and "“" in question for question in questions)


def test_a_heading_that_only_begins_like_a_question_is_asked_about() -> None:
    talk = Talk(title="A lecture", headings=("Why a video needs an index", "What is a passage"))
    asked = suggested_questions([talk], "en")
    assert "What is a passage?" in asked
    assert not any(question.startswith("Why a video") for question in asked)
    assert any("“Why a video needs an index”" in question for question in asked)
