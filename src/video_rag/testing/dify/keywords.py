"""The keyword table of an economy dataset: ten words of each segment, found by exact match.

Dify takes them with jieba's TF-IDF. Its own list of stop-words is not here; ours stands in for it,
so that now and then another word is among the ten.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from threading import Lock

from video_rag.errors import NeedsExtra
from video_rag.text.tokens import CHINESE_STOP_WORDS, ENGLISH_STOP_WORDS

MOST = 10
"""Keywords of a segment, and of a question."""
_STOP_WORDS = ENGLISH_STOP_WORDS | CHINESE_STOP_WORDS
_loading = Lock()

Table = dict[str, frozenset[str]]


def keywords(text: str) -> list[str]:
    """The ten weightiest words, case kept; of a word with punctuation inside, its parts too."""
    found: dict[str, None] = {}
    for word in _tagger()(text):
        found[word] = None
        parts = re.findall(r"\w+", word)
        if len(parts) > 1:
            found |= dict.fromkeys(part for part in parts if part not in _STOP_WORDS)
    return list(found)


def added(table: Table, additions: Iterable[tuple[str, Sequence[str]]]) -> Table:
    """A new table with `(node id, keywords)` in it; the old one stays as it is."""
    new = dict(table)
    for node_id, words in additions:
        for word in words:
            new[word] = new.get(word, frozenset()) | {node_id}
    return new


def removed(table: Table, node_ids: Iterable[str]) -> Table:
    """A new table without these nodes."""
    gone = frozenset(node_ids)
    left = {word: ids - gone for word, ids in table.items()}
    return {word: ids for word, ids in left.items() if ids}


def search(table: Table, query: str, top_k: int) -> list[str]:
    """Node ids that hold most of the question's keywords.

    The cut at `top_k` goes through ties, where no order can be relied on.
    """
    hits = Counter(node_id for word in keywords(query) for node_id in table.get(word, ()))
    return sorted(hits, key=lambda node_id: (-hits[node_id], node_id))[:top_k]


@cache
def _load() -> Callable[[str], list[str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its syntax, and of pkg_resources
        try:
            import jieba
            import jieba.analyse
        except ModuleNotFoundError as error:
            raise NeedsExtra("jieba", "testing") from error
        jieba.setLogLevel(logging.CRITICAL)
        tagger = jieba.analyse.TFIDF()
        tagger.stop_words = _STOP_WORDS
        tagger.extract_tags("")  # loads the dictionary
    return lambda text: list(tagger.extract_tags(text, topK=MOST))


def _tagger() -> Callable[[str], list[str]]:
    with _loading:
        return _load()
