"""A stand-in for the language models of Chatflows: it understands by rules and quotes passages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from video_rag.text.tokens import ENGLISH_STOP_WORDS

_HELLO = re.compile(
    r"(?i)^\W*(hello|hi|hey|thanks|thank you|bye|你好|您好|谢谢|再见)\b|who are you"
)
_ELSEWHERE = re.compile(r"(?i)\bweather\b|天气|\bbook (a|me)\b|\border\b")
_LINK = re.compile(r"\[[^\]\n]+\]\([^)\s]+\)")
_MARK = re.compile(r"⟦[^⟧\n]*⟧")
_HAN = re.compile(r"[\u3400-\u9fff]")
_NOTHING = {
    "en": "I found nothing about this in the videos.",
    "zh": "在视频中没有找到相关内容。",
}


def language(text: str) -> str:
    """`zh` where there is Chinese, else `en`."""
    return "zh" if _HAN.search(text) else "en"


def search_words(query: str) -> str:
    """The words of a question that are worth searching for."""
    words = re.findall(r"[\w'-]+", query)
    return " ".join(word for word in words if word.lower() not in ENGLISH_STOP_WORDS)


def value(query: str, name: str, options: Sequence[str] = ()) -> str:
    """What it fills into a field of this name."""
    if options:
        return choice(query, options)
    guesses = {
        "keywords": search_words(query),
        "language": language(query),
        "question": query,
        "query": query,
        "intent": "search_video",
    }
    if name in guesses:
        return guesses[name]
    return found[0] if (found := re.search(rf"\b{name.partition('_')[0][:3]}-\d+", query)) else ""


def choice(query: str, options: Sequence[str]) -> str:
    """The first option, unless the message is a greeting or about something else entirely."""
    for pattern, hints in ((_HELLO, ("small", "talk", "greet")), (_ELSEWHERE, ("off", "other"))):
        if pattern.search(query):
            for option in options:
                if any(hint in option.lower() for hint in hints):
                    return option
    return options[0]


def structured(query: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """An object by a JSON schema of strings."""
    fields = schema.get("properties") or {}
    return {name: value(query, name, one.get("enum") or ()) for name, one in fields.items()}


def answer(query: str, passages: Sequence[str]) -> str:
    """Quotes of the first two passages, each with the link or address mark that it holds."""
    if not passages:
        return _NOTHING[language(query)]
    return "\n\n".join(_quote(passage) for passage in passages[:2])


def _quote(passage: str) -> str:
    source = _LINK.search(passage) or _MARK.search(passage)
    lines = [line for line in passage.splitlines() if not _is_source(line)]
    words = " ".join(lines).strip()[:300]
    return f"{words} {source[0]}" if source else words


def _is_source(line: str) -> bool:
    return not line.strip() or bool(_LINK.fullmatch(line.strip()) or _MARK.fullmatch(line.strip()))
