"""Words for Dify's keyword index, which compares letter by letter: `Shark` is not `sharks`.

Dify keeps ten keywords of a segment (jieba's TF-IDF), and looks for the ten best of a question
(seen on 1.16.1). So a question is asked in several forms, and segments may be given keywords
of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from video_rag.dify.datasets import MAX_QUERY
from video_rag.text.asking import Group
from video_rag.text.asking import asked as wishes_of
from video_rag.text.tokens import terms, words

_HAN = re.compile(r"[\u4e00-\u9fff]")
ASKED = 10
"""Words of a question that Dify looks for; of more it takes those that it thinks best."""
CALLS = 4
"""So many questions at most are asked for one."""


def keywords(text: str) -> list[str]:
    """Every word of a segment in the forms that a question may use."""
    plain = words(text)
    forms = (*plain, *(word.lower() for word in plain), *terms(text))
    return [form for form in dict.fromkeys(forms) if len(form) > 1]  # Dify passes over the rest


def has_words(text: str) -> bool:
    """Whether Dify must have found keywords in a segment: jieba knows Latin and Chinese words.

    A worker without jieba finds none, and still says `completed`.
    """
    said = text.partition("⟦")[0]
    return any(word.isascii() or _HAN.match(word) for word in words(said) if len(word) > 1)


def questions(text: str, synonyms: Sequence[Group] = ()) -> list[str]:
    """The question itself, then its words in other forms, `ASKED` to a question."""
    plain = list(dict.fromkeys(words(text)))
    forms = [word for word in plain if len(word) > 1]
    for word in plain:
        forms += _forms(word)
    forms += (name for group in synonyms for one in group for name in words(one))
    if plain:
        strong = [wish for wish in wishes_of(text, synonyms) if wish.weight == 1]
        forms += (term for wish in strong for term in wish.terms if not term.endswith("ˆ"))
    unique = [form for form in dict.fromkeys(forms) if len(form) > 1]
    starts = range(0, len(unique), ASKED)
    asked = [text[:MAX_QUERY].strip()]
    asked += [joined(unique[start : start + ASKED], MAX_QUERY) for start in starts]
    return [question for question in dict.fromkeys(asked) if question][:CALLS]


def _forms(word: str) -> Iterator[str]:
    """As it may stand elsewhere: in lower case, at the start of a sentence, singular, plural."""
    if not word.isascii() or not word.isalpha():
        return
    lower = word.lower()
    other = lower[:-1] if lower.endswith("s") else f"{lower}s"
    yield from (lower, lower.capitalize(), other, other.capitalize())


def joined(found: Sequence[str], length: int) -> str:
    """As many words as fit into so many characters."""
    text = ""
    for word in found:
        longer = f"{text} {word}".strip()
        if len(longer) > length:
            break
        text = longer
    return text
