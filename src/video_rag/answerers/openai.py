"""Answers by a language model: intent and keywords, retrieval, a cited answer, the check."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from pydantic import Field, SecretStr

from video_rag import plugins
from video_rag.answerers import Delta, Done, Search
from video_rag.answerers.chat import Chat, Message
from video_rag.answerers.phrases import language_of, phrase
from video_rag.errors import BadSettings
from video_rag.evidence import citing
from video_rag.model import Answer, Chunk, Query, Question
from video_rag.text import timecode
from video_rag.text.tokens import terms

SMALL_TALK = {"greeting", "thanks", "meta"}
SMALL = 3
"""Small talk has at most this many terms; a message with more is searched for in any case."""
TURNS = 6
"""So many messages of the conversation go to the model, each cut to `TURN_LENGTH` characters."""
TURN_LENGTH = 2000
RANK = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""


class OpenAI:
    """Any OpenAI-compatible chat server, Ollama included. Every sentence is checked and cited."""

    version = 1

    class Options(plugins.Options):
        """Which server and model, and how they are asked."""

        base_url: str = plugins.inert(
            "http://127.0.0.1:11434/v1",
            description="Address of the OpenAI-compatible API; the default is Ollama's.",
        )
        api_key: SecretStr = plugins.inert(
            SecretStr(""), description="Key of the API; local servers need none."
        )
        model: str = Field("qwen3:8b", description="Name of the model, as the server calls it.")
        temperature: float = Field(
            0.1, ge=0, le=2, description="Freedom of the wording; low keeps to the passages."
        )
        max_tokens: int = Field(1500, ge=64, description="Longest reply, in tokens.")
        timeout: float = plugins.inert(
            120.0, gt=0, description="Seconds to wait for the server to say something."
        )
        passages: int = Field(8, ge=1, description="How many passages the model is given.")
        prompts: Path | None = Field(
            None,
            description="Folder with own prompts (intent.en.txt, intent.zh.txt, answer.en.txt, "
            "answer.zh.txt); those it lacks are the built-in ones.",
        )

    def __init__(self, options: Options) -> None:
        self.options = options
        if options.prompts and not options.prompts.is_dir():
            raise BadSettings(
                f"no folder {options.prompts}", hint="set the option prompts to a folder"
            )
        self._chat = Chat(
            options.base_url,
            options.model,
            api_key=options.api_key.get_secret_value(),
            timeout=options.timeout,
            temperature=options.temperature,
            max_tokens=options.max_tokens,
        )

    def ask(self, question: Question, search: Search) -> Iterator[Delta | Done]:
        """Stream the answer. A sentence that no passage supports is gone from the last event."""
        plan = self._plan(question)
        if plan.intent in SMALL_TALK:
            yield from self._say(phrase(plan.intent, question.text))
            return
        passages = self._retrieve(question, plan, search)
        if not passages:
            yield from self._say(phrase("refusal", question.text), refused=True)
            return
        said = ""
        for piece in self._chat.stream(self._messages(question, plan, passages)):
            said += piece
            yield Delta(piece)
        checked = citing.check(said, passages)
        yield Done(
            Answer(
                answer=checked.text or phrase("refusal", question.text),
                citations=checked.citations,
                refused=not checked.citations,
                model=self.options.model,
            )
        )

    def _say(self, sentence: str, *, refused: bool = False) -> Iterator[Delta | Done]:
        yield Delta(sentence)
        yield Done(Answer(answer=sentence, refused=refused, model=self.options.model))

    def _plan(self, question: Question) -> Plan:
        """What to look for. A reply that cannot be read means: the question as it stands."""
        system = self._prompt("intent", question.text)
        talk = [*_turns(question), Message("user", question.text)]
        return read_plan(self._chat.complete([Message("system", system), *talk]), question)

    def _retrieve(self, question: Question, plan: Plan, search: Search) -> list[Chunk]:
        """The best passages over all wordings, fused by reciprocal rank."""
        scores: dict[str, float] = {}
        chunks: dict[str, Chunk] = {}
        count = max(self.options.passages, question.limit)
        for text in dict.fromkeys([question.text, plan.question, *plan.keywords]):
            query = Query(
                text=text,
                limit=3 * count,
                collection=question.collection,
                language=question.language,
                speaker=question.speaker,
            )
            for rank, hit in enumerate(search(query), start=1):
                key = hit.chunk.chunk_id
                chunks[key] = hit.chunk
                scores[key] = scores.get(key, 0.0) + 1 / (RANK + rank)
        best = sorted(scores, key=lambda key: -scores[key])
        return [chunks[key] for key in best[:count]]

    def _messages(self, question: Question, plan: Plan, passages: Sequence[Chunk]) -> list[Message]:
        system = self._prompt("answer", question.text, language=plan.language)
        given = "\n\n".join(_passage(number, chunk) for number, chunk in enumerate(passages, 1))
        asked = {"en": "Question", "zh": "问题"}[language_of(question.text)]
        return [
            Message("system", system),
            *_turns(question),
            Message("user", f"{given}\n\n{asked}: {question.text}"),
        ]

    def _prompt(self, name: str, question: str, **values: str) -> str:
        """A prompt in the language of the question, from the own folder first."""
        file = f"{name}.{language_of(question)}.txt"
        own = self.options.prompts / file if self.options.prompts else None
        text = own.read_text("utf-8") if own and own.is_file() else _built_in(file)
        return Template(text).safe_substitute(values)


@dataclass(frozen=True)
class Plan:
    """What the model made of a question before the search."""

    intent: str
    question: str
    """The question so that it stands alone."""
    keywords: tuple[str, ...]
    """One query per language."""
    language: str


def read_plan(reply: str, question: Question) -> Plan:
    """The plan in a model's reply, which may have words or code fences around its JSON."""
    values = _json_object(reply)
    intent = str(values.get("intent", "")).strip().lower()
    if intent not in SMALL_TALK or len(terms(question.text)) > SMALL:
        intent = "question"
    alone = values.get("question")
    language = values.get("language")
    keywords = (_words(values.get(name)) for name in ("keywords_en", "keywords_zh"))
    return Plan(
        intent=intent,
        question=alone.strip() if isinstance(alone, str) and alone.strip() else question.text,
        keywords=tuple(words for words in keywords if words),
        language=language
        if isinstance(language, str) and re.fullmatch(r"[\w-]{2,20}", language)
        else language_of(question.text),
    )


def _json_object(reply: str) -> dict[str, Any]:
    match = re.search(r"\{.*\}", reply, re.DOTALL)
    try:
        values = json.loads(match.group()) if match else {}
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _words(value: Any) -> str:
    """Keywords as one query, whether the model wrote a list or a line."""
    parts = value if isinstance(value, list) else [value]
    return " ".join(part.strip() for part in parts if isinstance(part, str))[:300].strip()


def _turns(question: Question) -> list[Message]:
    return [Message(turn.role, turn.text[:TURN_LENGTH]) for turn in question.conversation[-TURNS:]]


def _passage(number: int, chunk: Chunk) -> str:
    """A passage between tags that its own words cannot close."""
    title = " ".join(chunk.title.replace('"', "'").split())
    words = chunk.text + (f"\n(slide) {chunk.slide_text}" if chunk.slide_text else "")
    span = timecode.span(chunk.start, chunk.end)
    head = f'<passage number="{number}" video="{_inside(title)}" time="{span}">'
    return f"{head}\n{_inside(words)}\n</passage>"


def _inside(text: str) -> str:
    return re.sub(r"<(?=\s*/?\s*passage)", "‹", text, flags=re.IGNORECASE)


def _built_in(file: str) -> str:
    return resources.files("video_rag.answerers").joinpath("prompts", file).read_text("utf-8")
