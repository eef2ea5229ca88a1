"""What a Chatflow says first: what it knows, and questions that its videos answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

Language = Literal["en", "zh"]
QUESTIONS = 4
TITLES = 3
"""So many titles are named in the opening."""
_GENERIC = re.compile(
    r"(?:intro(?:duction)?\b.*|.*\bpreview|.*\bfinal words|outro|conclusions?|summary|recap"
    r"|overview|agenda|contents?|outline|credits"
    r"|q\s*&\s*a|questions?|thanks?(?: you)?|welcome|preface|start|end|references?|homework"
    r"|(?:part|chapter|section|lecture|lesson|slide|page)?\s*[\divx.:\-–—]+"
    r"|开场(?:白)?|片头|片尾|简介|介绍|引言|导言|前言|目录|大纲|总结|小结|结语|结束语?|致谢|谢谢.*|问答|提问|参考文献"
    r"|第?\s*[\d一二三四五六七八九十]+\s*(?:章|节|讲|课|部分)?)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^(?:\d+(?:\.\d+)*[.):、\s-]+)(?=\D)")
_QUESTION = re.compile(
    r"^(?:(?:what|how|why|when|where|who|which) (?:is|are|was|were|do|does|did|can|should|will)"
    r"|is|are|can|does|do|should)\b.+|.*[?？]$"
    r"|^(?:什么|为什么|为何|如何|怎么|怎样).+",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"[\w\s,，、'’\"“”:：()（）+\-–—·/&.!?！？=^]*")
_HAN = re.compile(r"[\u3400-\u9fff]")
_FORMS: dict[Language, dict[str, str]] = {
    "en": {
        "both": "What does “{title}” say about “{heading}”?",
        "heading": "Where in the videos is “{heading}” explained?",
        "title": "What are the main points of “{title}”, and when are they made?",
        "why": "Which ideas in “{title}” matter most, and why?",
        "comma": ", ",
        "and": " and ",
        "title_mark": "“{}”",
        "all": "{count} videos, such as {titles}",
        "few": "{titles}",
        "any": "Which topics do the videos explain?",
        "none": "the videos in this library",
    },
    "zh": {
        "both": "《{title}》里是怎么讲“{heading}”的？",
        "heading": "哪个视频讲到了“{heading}”？从什么时间开始？",
        "title": "《{title}》讲了哪些要点？分别在什么时间？",
        "why": "《{title}》里最重要的想法是什么？为什么？",
        "comma": "、",
        "and": "和",
        "title_mark": "《{}》",
        "all": "{count}个视频（例如{titles}）",
        "few": "{titles}",
        "any": "视频里讲了哪些主题？",
        "none": "资料库中的视频",
    },
}


@dataclass(frozen=True)
class Talk:
    """A video, as an opening speaks of it."""

    title: str
    headings: tuple[str, ...] = ()
    """Its chapters and sections in order; empty and repeated ones may be among them."""
    language: str = ""


def videos_in_words(talks: Sequence[Talk], language: Language) -> str:
    """`131 videos, such as “A”, “B” and “C”`."""
    forms = _FORMS[language]
    chosen = _every(_preferred(talks, language), TITLES)
    titles = list(dict.fromkeys(readable(talk.title) for talk in chosen))
    if not titles:
        return forms["none"]
    named = [forms["title_mark"].format(title) for title in titles]
    listed = forms["comma"].join(named[:-1]) + (forms["and"] if named[1:] else "") + named[-1]
    return forms["all" if len(talks) > len(titles) else "few"].format(
        count=len(talks), titles=listed
    )


def suggested_questions(talks: Sequence[Talk], language: Language) -> list[str]:
    """Up to four questions that the library's own videos answer, those in `language` if there are.

    They ask for headings where there are any, of one video after the other, and for a whole video.
    Headings that say nothing (Introduction, Part 2, 总结) are passed over.
    """
    talks = _preferred(talks, language)
    asked = _about_headings(talks, language)
    forms = ("title", "why") * 2
    whole = [
        _FORMS[language][form].format(title=readable(talk.title))
        for talk, form in zip(_every(talks, QUESTIONS), forms, strict=False)
    ]
    if len(whole) == 1:
        whole.append(_FORMS[language]["why"].format(title=readable(talks[0].title)))
    mixed = (*asked[:1], *whole[:1], *asked[1:], *whole[1:])
    return list(dict.fromkeys(mixed))[:QUESTIONS] or [_FORMS[language]["any"]]


def readable(title: str) -> str:
    """A title as people write it: `2018__fourier-transforms` → `fourier transforms`.

    Braces that Dify would read as a variable are taken out.
    """
    clean = " ".join(title.replace("{{", " ").replace("}}", " ").split())
    first = clean.split(" | ")[0]
    clean = first if len(first) >= 4 else clean
    if " " not in clean and ("_" in clean or clean.count("-") > 1):
        words = re.sub(r"[-_]+", " ", re.sub(r"^\d{2,8}[-_]+", "", clean)).strip()
        clean = words or clean
    return clean if len(clean) <= 80 else clean[:79].rstrip() + "…"


def _about_headings(talks: Sequence[Talk], language: Language) -> list[str]:
    """Questions about the first heading of each talk, then about the second of each, and so on."""
    rows = zip_longest(*([(talk, heading) for heading in _best_headings(talk)] for talk in talks))
    pairs = [pair for row in rows for pair in row if pair]
    forms = ("both", "heading") * len(pairs)
    return [
        _about_heading(talk.title, heading, form, language)
        for (talk, heading), form in zip(pairs, forms, strict=False)
    ]


def _about_heading(title: str, heading: str, form: str, language: Language) -> str:
    if _QUESTION.fullmatch(heading):
        return heading.rstrip("?？!！ ") + ("？" if _HAN.search(heading) else "?")
    return _FORMS[language][form].format(title=readable(title), heading=heading)


def _best_headings(talk: Talk) -> list[str]:
    """Those that are questions already come first."""
    return sorted(_headings(talk), key=lambda heading: not _QUESTION.fullmatch(heading))


def _headings(talk: Talk) -> Iterator[str]:
    """What a person would ask about: short, in words, telling, and not the title again."""
    title = readable(talk.title).casefold()
    for heading in dict.fromkeys(talk.headings):
        clean = _NUMBER.sub("", readable(heading)).strip(" .:：-–—")
        letters = sum(character.isalpha() for character in clean)
        longest = 24 if _HAN.search(clean) else 60
        if (
            3 <= len(clean) <= longest
            and letters >= 0.7 * len(clean.replace(" ", ""))
            and _SIGNS.fullmatch(clean)
            and not _GENERIC.fullmatch(clean)
            and clean.casefold() != title
        ):
            yield clean


def _preferred(talks: Sequence[Talk], language: Language) -> Sequence[Talk]:
    """The talks in the wanted language; all of them if there are none."""
    return [talk for talk in talks if talk.language.startswith(language)] or talks


def _every(talks: Sequence[Talk], count: int) -> list[Talk]:
    """So many talks from all over the list, the first among them."""
    count = min(count, len(talks))
    return [talks[number * len(talks) // count] for number in range(count)]
