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

from video_rag import plugins, tallies
from video_rag.answerers import Delta, Done, Search
from video_rag.answerers.chat import Chat, Message
from video_rag.answerers.phrases import language_of, phrase
from video_rag.answerers.refusing import refusal
from video_rag.errors import BadSettings
from video_rag.evidence import citing
from video_rag.evidence.choosing import Measure, block, quotes_of
from video_rag.evidence.excerpts import excerpt
from video_rag.evidence.relevance import Passage, weigh
from video_rag.model import Answer, Chunk, Citation, Query, Question
from video_rag.text.asking import Wish, asked
from video_rag.text.tokens import terms

SMALL_TALK = {"greeting", "thanks", "meta"}
SMALL = 3
"""Small talk has at most this many terms; a message with more is searched for in any case."""
TURNS = 6
"""So many messages of the conversation go to the model, each cut to `TURN_LENGTH` characters."""
TURN_LENGTH = 2000
CANDIDATES = 30
"""Passages to look at at least; they also tell which terms are rare."""
RANK = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""


class OpenAI:
    """Any OpenAI-compatible chat server, Ollama included. Every sentence is checked and cited."""

    version = 2

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
            300.0,
            gt=0,
            description="Seconds to wait for the server to say something; without a GPU a model "
            "reads 10 to 20 tokens a second before it says the first word.",
        )
        passages: int | None = Field(
            None,
            ge=1,
            description="How many passages the model is given; without it as many as an answer "
            "may cite (`[ask] passages`, `--limit`).",
        )
        length: int = Field(
            400,
            ge=160,
            description="How much of a passage the model is given, around the lines that fit the "
            "question best: about so many letters, a Chinese character being three. Models with "
            "a GPU read whole passages (1500) as fast.",
        )
        prompts: Path | None = Field(
            None,
            description="Folder with own prompts (intent.en.txt, intent.zh.txt, answer.en.txt, "
            "answer.zh.txt); those it lacks are the built-in ones.",
        )

        input_price: float = plugins.inert(
            0.0,
            ge=0,
            description="Price of a million tokens that the model reads, in any currency; only "
            "[metrics](metrics.md) use it.",
        )
        output_price: float = plugins.inert(
            0.0, ge=0, description="The same of a million tokens that it writes."
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
            prices=(options.input_price, options.output_price),
        )

    def ask(self, question: Question, search: Search) -> Iterator[Delta | Done]:
        """Stream the answer. A sentence that no passage supports is gone from the last event.

        Where nothing is left, the lines that fit the question best are quoted if they are good
        enough: `Answer.model` is None then, as with quotes of the extractive answerer.
        """
        found = Found(question, search)
        plan = self._plan(question, found)
        if plan.intent in SMALL_TALK:
            yield from self._say(phrase(plan.intent, question.text))
            return
        for text in (plan.question, *plan.keywords):
            found.look_for(text)
        whole = found.best(self.options.passages or question.limit)
        if not whole:
            yield from self._say(refusal(question.text).answer, refused=True)
            return
        wanted = {wish: wish.weight for wish in found.wanted}
        given = [excerpt(wanted, chunk, question.text, self.options.length) for chunk in whole]
        said = ""
        for piece in self._chat.stream(self._messages(question, plan, given)):
            said += piece
            yield Delta(piece)
        yield Done(self._answer(said, question, found, given))

    def _say(self, sentence: str, *, refused: bool = False) -> Iterator[Delta | Done]:
        yield Delta(sentence)
        yield Done(Answer(answer=sentence, refused=refused, model=self.options.model))

    def _answer(
        self, said: str, question: Question, found: Found, given: Sequence[Chunk]
    ) -> Answer:
        """What stands of the reply; else what the library says itself."""
        checked = citing.check(said, given)
        left_out = checked.left_out
        tallies.add("citations_dropped", checked.dropped, model=self.options.model)
        tallies.add("claims_dropped", left_out, model=self.options.model)
        if checked.text:
            note = f"\n\n{_left_out(left_out, question.text)}" if left_out else ""
            return Answer(
                answer=checked.text + note, citations=checked.citations, model=self.options.model
            )
        if named := citing.marks_alone(said, len(given)):
            chunks = [given[number - 1] for number in named]
            return _quoted("pointed", quotes_of(found.weighed(chunks), question.text), question)
        passages = found.weighed(found.best())
        quotes = Measure().choose(passages, question.text, question.limit)
        if quotes:
            return _quoted("unsupported" if left_out else "declined", quotes, question)
        return refusal(
            question.text,
            passages,
            notes=[_left_out(left_out, question.text)] if left_out else [],
            model=self.options.model,
        )

    def _plan(self, question: Question, found: Found) -> Plan:
        """What to look for. A question that stands alone and finds what speaks about it needs no
        model for that; a small one would spend half a minute on it.

        A reply that cannot be read means: the question as it stands.
        """
        found.look_for(question.text)
        if not question.conversation and Measure().answers(found.weighed(found.best())):
            return read_plan("", question)
        system = self._prompt("intent", question.text)
        talk = [*_turns(question), Message("user", question.text)]
        return read_plan(self._chat.complete([Message("system", system), *talk]), question)

    def _messages(self, question: Question, plan: Plan, passages: Sequence[Chunk]) -> list[Message]:
        """The instructions first, the same for every question: servers keep them read."""
        system = self._prompt("answer", question.text, language=plan.language)
        given = "\n\n".join(_passage(number, chunk) for number, chunk in enumerate(passages, 1))
        return [
            Message("system", system),
            *_turns(question),
            Message("user", f"{given}\n\n{phrase('last_words', question.text)}{question.text}"),
        ]

    def _prompt(self, name: str, question: str, **values: str) -> str:
        """A prompt in the language of the question, from the own folder first."""
        file = f"{name}.{language_of(question)}.txt"
        own = self.options.prompts / file if self.options.prompts else None
        text = own.read_text("utf-8") if own and own.is_file() else _built_in(file)
        return Template(text).safe_substitute(values)


class Found:
    """Passages over all wordings of a question, fused by reciprocal rank."""

    def __init__(self, question: Question, search: Search) -> None:
        self._question = question
        self._search = search
        self._texts: dict[str, None] = {}
        self._scores: dict[str, float] = {}
        self._chunks: dict[str, Chunk] = {}

    def look_for(self, text: str) -> None:
        """Search for one more wording; one that was searched for adds nothing."""
        if text in self._texts:
            return
        self._texts[text] = None
        query = Query(
            text=text,
            limit=max(CANDIDATES, 3 * self._question.limit),
            collection=self._question.collection,
            language=self._question.language,
            speaker=self._question.speaker,
        )
        for rank, hit in enumerate(self._search(query), start=1):
            key = hit.chunk.chunk_id
            self._chunks[key] = hit.chunk
            self._scores[key] = self._scores.get(key, 0.0) + 1 / (RANK + rank)

    @property
    def wanted(self) -> tuple[Wish, ...]:
        """What all wordings look for."""
        return asked("\n".join(self._texts), self._question.synonyms)

    def best(self, count: int | None = None) -> list[Chunk]:
        """The best passages, at most so many."""
        best = sorted(self._scores, key=lambda key: -self._scores[key])
        return [self._chunks[key] for key in best[:count]]

    def weighed(self, chunks: Sequence[Chunk]) -> list[Passage]:
        """What passages hold of the question."""
        return weigh(self.wanted, chunks, "\n".join(self._texts)) if self.wanted else []


def _quoted(why: str, quotes: Sequence[Citation], question: Question) -> Answer:
    """Quotes in place of an answer, named as such."""
    blocks = [phrase(why, question.text), *map(block, quotes)]
    return Answer(answer="\n\n".join(blocks), citations=tuple(quotes))


def _left_out(count: int, question: str) -> str:
    return phrase("left_out" if count > 1 else "left_out_one", question).format(count=count)


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
    """A passage between tags that its own words cannot close, after the mark that cites it."""
    title = " ".join(chunk.title.replace('"', "'").split())
    words = chunk.text + (f"\n(slide) {chunk.slide_text}" if chunk.slide_text else "")
    return f'[{number}] <passage video="{_inside(title)}">\n{_inside(words)}\n</passage>'


def _inside(text: str) -> str:
    return re.sub(r"<(?=\s*/?\s*passage)", "‹", text, flags=re.IGNORECASE)


def _built_in(file: str) -> str:
    return resources.files("video_rag.answerers").joinpath("prompts", file).read_text("utf-8")
