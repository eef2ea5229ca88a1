"""The words of a Chatflow in both languages: names of its nodes, prompts, fixed replies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import get_args

from video_rag import disk
from video_rag.dify.linking import LinkRule
from video_rag.dify.opening import Language, Talk, readable, suggested_questions, videos_in_words
from video_rag.errors import BadSettings

LANGUAGES: tuple[Language, ...] = get_args(Language)
PROMPTS = ("understand", "answer", "small_talk", "off_topic", "nothing_found", "opening")
"""The editable texts; each has a file for each language, such as `answer.en.txt`."""
TOPICS = 12
"""So many titles tell the model what the library is about."""


class Texts:
    """The prompts and replies, from the own folder first, filled in.

    Raises `BadSettings` for a folder that is none and a file that cannot be read.
    """

    def __init__(
        self,
        language: Language,
        talks: Sequence[Talk],
        link_rules: Sequence[LinkRule] = (),
        folder: Path | None = None,
    ) -> None:
        if folder and not folder.is_dir():
            raise BadSettings(f"no folder {folder}", hint="name a folder with prompt files")
        self.language = language
        self.questions = suggested_questions(talks, language)
        self._talks = talks
        self._rules = link_rules
        self._folder = folder

    def __call__(self, name: str, language: Language | None = None) -> str:
        """A text in a language, else in that of the flow."""
        language = language or self.language
        questions = suggested_questions(self._talks, language)
        values = {
            "titles": self._titles(language),
            "other": {"en": "Chinese", "zh": "英文"}[language],
            "links": _links(self._rules, language),
            "questions": "\n".join(f"- {question}" for question in questions),
            "videos": videos_in_words(self._talks, language),
        }
        return Template(self._read(f"{name}.{language}.txt")).safe_substitute(values).strip()

    def _read(self, file: str) -> str:
        own = self._folder / file if self._folder else None
        if own is None or not own.is_file():
            return built_in(file)
        try:
            return own.read_text("utf-8-sig")
        except (OSError, UnicodeError) as error:
            raise BadSettings(f"cannot read {own}", hint="it must be a UTF-8 text") from error

    def _titles(self, language: Language) -> str:
        titles = list(dict.fromkeys(readable(talk.title) for talk in self._talks))
        some = titles[:: max(1, len(titles) // TOPICS)][:TOPICS]
        return "; ".join(some) or {"en": "lectures", "zh": "讲座"}[language]


def write_prompts(folder: Path) -> None:
    """Lay the built-in texts into a folder, to be edited; files that are there stay."""
    disk.make_folder(folder)
    for file in (f"{name}.{language}.txt" for name in PROMPTS for language in LANGUAGES):
        if not (folder / file).exists():
            part = folder / f".{file}.part"
            disk.replace(folder / file, built_in(file).encode(), part=part)


def built_in(file: str) -> str:
    """A text as video-rag brings it."""
    return resources.files("video_rag.dify").joinpath("prompts", file).read_text("utf-8")


def passages_template(rules: Sequence[LinkRule], limit: int) -> str:
    """The template that lists passages for people: links with title and time, and the words.

    The title of a link holds the address of the passage, which browsers show when pointed at.
    """
    links = {rule.mark[1:].partition(":")[0]: rule.address for rule in rules}
    values = {"links": json.dumps(links, ensure_ascii=False), "limit": str(limit)}
    return Template(built_in("passages.jinja")).substitute(values).strip()


def other_than(language: Language) -> Language:
    """The other of the two languages."""
    return "zh" if language == "en" else "en"


def _links(rules: Sequence[LinkRule], language: Language) -> str:
    how = {
        "en": "(ID as in the mark, START cut to whole seconds)",
        "zh": "（ID 与标记中相同，START 舍去小数取整秒）",
    }
    none = {
        "en": "  - no address is known: write (title h:mm:ss) without a link.",
        "zh": "  - 没有已知的地址：只写（标题 h:mm:ss），不加链接。",
    }
    if not rules:
        return none[language]
    return "\n".join(f"  - {rule} {how[language]}" for rule in rules)


LABELS: dict[Language, dict[str, str]] = {
    "en": {
        "app": "Video RAG",
        "description": "Answers from videos, with links that open the moment.",
        "start": "Question",
        "understand": "Intent, keywords, language",
        "route": "To be searched for?",
        "search": "Search",
        "search_as_asked": "Search by the words as asked",
        "passages": "Passages",
        "found": "Found something?",
        "summarise": "Summarise with links",
        "answer": "Answer",
        "small_talk": "Small talk",
        "off_topic": "Off topic",
        "nothing_found": "Nothing found",
    },
    "zh": {
        "app": "视频问答",
        "description": "根据视频回答问题，链接直达视频中的那一刻。",
        "start": "提问",
        "understand": "意图、关键词、语言",
        "route": "需要检索吗？",
        "search": "检索",
        "search_as_asked": "按原话检索",
        "passages": "片段",
        "found": "找到了吗？",
        "summarise": "总结并附链接",
        "answer": "回答",
        "small_talk": "闲聊",
        "off_topic": "与视频无关",
        "nothing_found": "没有找到",
    },
}
PARAMETERS: dict[Language, dict[str, str]] = {
    "en": {
        "intent": "question, small_talk or off_topic",
        "question": "the message as one question that stands alone, in its own language",
        "keywords": "search words with spaces between them",
        "language": "two-letter code of the message's language, such as en",
    },
    "zh": {
        "intent": "question、small_talk 或 off_topic",
        "question": "不依赖上下文的完整问题，语言不变",
        "keywords": "检索词，用空格分开",
        "language": "消息所用语言的两位字母代码，例如 zh",
    },
}
