"""A file's text → the segments that Dify makes of it, oddities included."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from video_rag.testing.dify.records import Rule, Upload
from video_rag.testing.dify.wire import invalid

AUTOMATIC: dict[str, Any] = {
    "pre_processing_rules": [
        {"id": "remove_extra_spaces", "enabled": True},
        {"id": "remove_urls_emails", "enabled": False},
    ],
    "segmentation": {"delimiter": "\n", "max_tokens": 500, "chunk_overlap": 50},
}
"""The rules of the mode `automatic`."""
SHORTEST, LONGEST = 50, 4000
"""Characters that `max_tokens` may ask for."""
_SEPARATORS = ("\n\n", "。", ". ", " ")
_HEADER = re.compile(r"#+\s")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xef\xbf\xbe\ufffe]")
"""Dify means the bytes of U+FFFE, and so loses the letters ï, ¿ and ¾ as well."""
_SPACES = re.compile("[\t\f\r \u00a0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]{2,}")
_LEADING = re.compile("^[\u2000-\u206f\u2e00-\u2e7f\u3000-\u303f\"#$%&'()*+,./:;<=>?@^_`~]+")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_URL = re.compile(r"https?://[^\s)]+")


class Passage(NamedTuple):
    """A segment to be, with its child chunks."""

    text: str
    children: tuple[str, ...] = ()


def segments(upload: Upload, rule: Rule, doc_form: str) -> list[Passage]:
    """Cut a file by a process rule. Raises the `ApiError` whose message the indexing ends with."""
    rules = rule.rules or AUTOMATIC
    texts = [_clean(text, rules) for text in _extract(upload)]
    if doc_form == "qa_model":
        return []  # a language model writes the questions; the fixture has none
    if doc_form == "hierarchical_model":
        return list(_families(texts, rules))
    if rule.mode == "automatic":
        pieces = [piece for text in texts for piece in _recursive(text, 500, 50, _SEPARATORS)]
    else:
        pieces = list(_fixed(texts, rules["segmentation"]))
    bare = (_LEADING.sub("", piece).strip() for piece in pieces)
    return [Passage(piece) for piece in bare if piece]


def _extract(upload: Upload) -> Iterator[str]:
    """A Markdown file in sections, each under its heading; any other text as it is."""
    if upload.extension not in {"md", "mdx", "markdown"}:
        yield upload.text
        return
    heading: str | None = None
    lines: list[str] = []
    fenced = False
    for line in [*upload.text.split("\n"), None]:
        fenced ^= bool(line and line.startswith("```"))
        if line is None or (not fenced and _HEADER.match(line)):
            yield _section(heading, lines)
            heading, lines = (line or "").replace("#", "").strip(), []
        else:
            lines.append(line)


def _section(heading: str | None, lines: Sequence[str]) -> str:
    text = re.sub("<.*?>", "", "\n".join(lines)).strip()
    return text if heading is None else f"\n\n{heading}\n{text}"


def _clean(text: str, rules: dict[str, Any]) -> str:
    text = _CONTROL.sub("", text.replace("<|", "<").replace("|>", ">"))
    asked = rules.get("pre_processing_rules") or ()
    wanted = {one["id"] for one in asked if one.get("enabled") is True}
    if "remove_extra_spaces" in wanted:
        text = _SPACES.sub(" ", re.sub(r"\n{3,}", "\n\n", text))
    if "remove_urls_emails" in wanted:
        text = _URL.sub("", _MAIL.sub("", text))
    return text


def _families(texts: Sequence[str], rules: dict[str, Any]) -> Iterator[Passage]:
    """Parents with their children."""
    mode, below = rules.get("parent_mode"), rules.get("subchunk_segmentation")
    if mode == "full-doc":
        parents: Iterable[str] = ["\n".join(texts)]
    elif mode == "paragraph":
        parents = (_undotted(piece) for piece in _fixed(texts, rules["segmentation"]))
    else:
        return
    if not below:
        raise invalid("No subchunk segmentation found in rules.")
    for parent in parents:
        if parent.strip():
            found = (_undotted(piece) for piece in _fixed([parent], below))
            yield Passage(parent, tuple(piece for piece in found if piece.strip()))


def _undotted(piece: str) -> str:
    return piece[1:].strip() if piece.startswith((".", "。")) else piece


def _fixed(texts: Iterable[str], wanted: dict[str, Any]) -> Iterator[str]:
    """Cut at the separator, which is lost, and cut further what is still too long."""
    size, overlap = wanted["max_tokens"], wanted.get("chunk_overlap") or 0
    if not SHORTEST <= size <= LONGEST:
        raise invalid(f"Custom segment length should be between {SHORTEST} and {LONGEST}.")
    if overlap > size:
        raise invalid(
            f"Got a larger chunk overlap ({overlap}) than chunk size ({size}), should be smaller."
        )
    # Dify decodes escapes that way; a separator that is not ASCII becomes one that never occurs.
    separator = codecs.decode(wanted.get("separator") or "", "unicode_escape")
    for text in texts:
        for piece in text.split(separator) if separator else [text]:
            if len(piece) > size:
                yield from _recursive(piece, size, overlap, _SEPARATORS)
            else:
                yield piece


def _recursive(text: str, size: int, overlap: int, separators: Sequence[str]) -> Iterator[str]:
    """Cut at the first separator that occurs; join what fits; cut again what does not."""
    known = [separator for separator in separators if separator in text]
    if not known:
        yield from _by_characters(text, size, overlap)
        return
    separator = known[0]
    *heads, last = text.split(separator)
    waiting: list[str] = []
    for piece in [*(head + separator for head in heads), last]:
        if len(piece) < size:
            waiting.append(piece)
            continue
        yield from _joined(waiting, size, overlap)
        waiting = []
        yield from _recursive(piece, size, overlap, known[1:])
    yield from _joined(waiting, size, overlap)


def _joined(pieces: Iterable[str], size: int, overlap: int) -> Iterator[str]:
    """As many pieces at a time as fit; the last ones of a chunk begin the next one."""
    chunk: list[str] = []
    for piece in pieces:
        if chunk and sum(map(len, chunk)) + len(piece) > size:
            yield "".join(chunk).strip()
            while chunk and (
                sum(map(len, chunk)) > overlap or sum(map(len, chunk)) + len(piece) > size
            ):
                chunk.pop(0)
        chunk.append(piece)
    if text := "".join(chunk).strip():
        yield text


def _by_characters(text: str, size: int, overlap: int) -> Iterator[str]:
    step = max(1, size - overlap)
    for start in range(0, max(1, len(text) - overlap), step):
        yield text[start : start + size]
