"""One way to talk to OpenAI-compatible chat servers, errors in our own words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx2
import stamina

from video_rag import tallies
from video_rag.errors import BackendError, NeedsExtra, Rejected, Unavailable
from video_rag.settings.redaction import redact

if TYPE_CHECKING:
    import openai

ATTEMPTS = 3
_DIRECTIONS = (("input", "prompt_tokens"), ("output", "completion_tokens"))
LONGEST_WAIT = 30.0
"""Seconds. Who waits for an answer is rather told that the server is busy."""


class Message(NamedTuple):
    """One message to the model."""

    role: str
    """`system`, `user` or `assistant`."""
    content: str


class Chat:
    """A model on a server. Raises `NeedsExtra`, `Unavailable` or `Rejected`.

    A busy server (429, 5xx) is asked twice more, after the pause that it names.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str = "",
        timeout: float = 300.0,
        prices: tuple[float, float] = (0.0, 0.0),
        **sampling: float,
    ) -> None:
        """`sampling` goes with every request, such as `temperature` and `max_tokens`.

        `prices` of a million tokens read, and written, are only counted.
        """
        try:
            import openai
        except ImportError as error:
            raise NeedsExtra("openai", "llm") from error
        self.base_url = base_url
        self.model = model
        self._timeout = timeout
        self._sampling = sampling
        self._prices = prices
        self._asks_usage = True
        # Local servers want no key, but the library insists on one.
        # It would also repeat time-outs, which makes people wait three times as long.
        client = openai.OpenAI(
            base_url=base_url, api_key=api_key or "none", timeout=timeout, max_retries=0
        )
        # Typed for its own servers' models. It is imported here, by one thread.
        self._completions: Any = client.chat.completions

    def complete(self, messages: Sequence[Message]) -> str:
        """The whole reply."""
        with self._counted(), self._translated():
            reply = self._create(messages, stream=False)
            if isinstance(reply, str) or not reply.choices:
                raise self._strange(str(reply))
            self._spent(reply.usage.model_dump() if reply.usage else None)
            return "".join(without_thoughts([reply.choices[0].message.content or ""])).strip()

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """The reply in pieces, as they come. A stream that breaks off raises `Unavailable`."""
        with self._counted(), self._translated():
            yield from without_thoughts(self._pieces(messages))

    def _pieces(self, messages: Sequence[Message]) -> Iterator[str]:
        """The pieces of a stream that came to its end: a finish reason, or `[DONE]`.

        The lines are read here because the client does not tell whether `[DONE]` came, which some
        servers send without any finish reason; without either, the stream was cut.
        """
        finished = begun = False
        with ExitStack() as open_until_read:
            reply = self._opened(messages, open_until_read)
            for line in self._lines(reply, messages):
                name, _, data = line.partition(":")
                if name != "data":
                    continue
                begun, is_end = True, data.strip() == "[DONE]"
                finished = finished or is_end
                for choice in () if is_end else self._choices(data):
                    finished = finished or choice.get("finish_reason") is not None
                    if piece := (choice.get("delta") or {}).get("content"):
                        yield piece
        if not begun:
            raise self._strange("an empty stream")
        if not finished:
            raise self._broken()

    def _opened(self, messages: Sequence[Message], until: ExitStack) -> Any:
        """A stream that tells at its end how many tokens it took, where the server knows how."""
        if self._asks_usage:
            try:
                more = {"stream_options": {"include_usage": True}}
                return self._create(messages, stream=True, until=until, more=more)
            except Rejected as error:
                if "stream_options" not in str(error):
                    raise
                self._asks_usage = False
        return self._create(messages, stream=True, until=until)

    def _lines(self, reply: Any, messages: Sequence[Message]) -> Iterator[str]:
        begun = False
        try:
            for line in reply.iter_lines():
                begun = begun or line.startswith("data")
                yield line
        except httpx2.TimeoutException as error:
            waited_for = "the rest of its reply" if begun else _first_word(messages)
            raise self._slow(waited_for) from error

    def _choices(self, data: str) -> list[dict[str, Any]]:
        """What one event of a stream adds; an error may come as an event, too."""
        event = json.loads(data)
        if not isinstance(event, dict):
            raise self._strange(data)
        self._spent(event.get("usage"))
        if error := event.get("error"):
            message = error.get("message", "") if isinstance(error, dict) else str(error)
            raise Unavailable(f"{self.base_url}: {_short(message)}", hint="try again")
        return event.get("choices") or []

    def _create(
        self,
        messages: Sequence[Message],
        *,
        stream: bool,
        until: ExitStack | None = None,
        more: Mapping[str, Any] = MappingProxyType({}),
    ) -> Any:
        """The reply; with `until`, its lines, open until that is left."""
        chat = self._completions
        create = chat.with_streaming_response.create if until else chat.create
        for attempt in stamina.retry_context(on=_pause, attempts=ATTEMPTS, timeout=None):
            with attempt, self._translated(_first_word(messages)):
                reply = create(
                    model=self.model,
                    messages=[message._asdict() for message in messages],
                    stream=stream,
                    **more,
                    **self._sampling,
                )
                return until.enter_context(reply) if until else reply
        raise AssertionError("stamina either returns or raises")

    def _counted(self) -> AbstractContextManager[None]:
        return tallies.call("model_calls", kind="chat", model=self.model)

    def _spent(self, usage: Any) -> None:
        """Count tokens, where a server tells how many there were."""
        for index, (direction, name) in enumerate(_DIRECTIONS):
            many = usage.get(name) if isinstance(usage, dict) else None
            if isinstance(many, int) and many > 0:
                tallies.add("model_tokens", many, model=self.model, direction=direction)
                if price := self._prices[index]:
                    tallies.add("model_cost", many * price / 1e6, model=self.model)

    @contextmanager
    def _translated(self, waited_for: str = "its reply") -> Iterator[None]:
        import openai

        try:
            yield
        except openai.APITimeoutError as error:
            raise self._slow(waited_for) from error
        except openai.APIConnectionError as error:
            raise Unavailable(
                f"no chat server answers at {self.base_url}",
                hint="is the server running (`ollama serve`)? Is the option base_url right?",
            ) from error
        except openai.APIStatusError as error:
            raise self._status(error) from error
        except httpx2.HTTPError as error:
            raise self._broken() from error
        except openai.APIError as error:  # an error event inside a stream
            raise Unavailable(
                f"{self.base_url}: {_short(error.message)}", hint="try again"
            ) from error
        except ValueError as error:  # not JSON
            raise self._strange(str(error)) from error

    def _status(self, error: openai.APIStatusError) -> BackendError:
        said = f"{self.base_url} answered {error.status_code}: {_short(error.message)}"
        if error.status_code in {408, 409, 425, 429} or error.status_code >= 500:
            return Unavailable(
                said,
                hint="the server is busy or broken; try again later",
                retry_after=_retry_after(error.response.headers),
            )
        hints = {
            401: "check the option api_key",
            403: "check the option api_key and what it may do",
            404: f"is the model {self.model!r} there (`ollama pull {self.model}`)? "
            "Does the option base_url end as the server wants it, mostly in /v1?",
        }
        return Rejected(said, hint=hints.get(error.status_code, "check the answerer's options"))

    def _slow(self, waited_for: str) -> Unavailable:
        return Unavailable(
            f"{self.model} at {self.base_url} did not answer in time: "
            f"after {self._timeout:g} s we still waited for {waited_for}",
            hint="raise the option timeout, lower the options passages and length, or choose a "
            "smaller model; the first question after a start also waits for the model to load",
        )

    def _broken(self) -> Unavailable:
        return Unavailable(
            f"the answer of {self.model} at {self.base_url} broke off",
            hint="ask again; if it happens often, look at the server's log",
        )

    def _strange(self, reply: str) -> Rejected:
        return Rejected(
            f"{self.base_url} does not answer like a chat server: {_short(reply)}",
            hint="is the option base_url right? It mostly ends in /v1",
        )


def _first_word(messages: Sequence[Message]) -> str:
    """What a silent model is at: it reads all of the prompt before it says anything."""
    text = "".join(message.content for message in messages)
    dense = len(re.findall(r"[\u3040-\u30ff\u3400-\u9fff]", text))
    tokens = (len(text) - dense) / 4 + dense / 1.5  # rules of thumb
    read = max(10, round(tokens, -1))
    return f"the first word, which comes when about {read:.0f} tokens are read"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server wants to be left alone, when it says so."""
    for name, seconds in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if re.fullmatch(r"\d+(\.\d+)?", headers.get(name, "")):
            return float(headers[name]) * seconds
    return None


def _pause(error: Exception) -> bool | float:
    """Whether to ask again, or after how many seconds: only what a busy server refused."""
    if not isinstance(error, Unavailable) or not hasattr(error.__cause__, "status_code"):
        return False
    if error.retry_after is None:
        return True
    return error.retry_after if error.retry_after <= LONGEST_WAIT else False


def without_thoughts(pieces: Iterable[str]) -> Iterator[str]:
    """Leave out what a reasoning model thinks aloud first, between `<think>` and `</think>`."""
    begin, end = "<think>", "</think>"
    held, state = "", "unsure"
    for piece in pieces:
        if state == "said":
            yield piece
            continue
        held += piece
        start = held.lstrip()
        if state == "unsure" and not begin.startswith(start[: len(begin)]):
            state = "said"
            yield held
        elif start.startswith(begin) and end in start:
            state = "said"
            yield from filter(None, [start.partition(end)[2].lstrip()])
    if state == "unsure" and not held.lstrip().startswith(begin):
        yield from filter(None, [held])


def _short(text: str) -> str:
    line = redact(" ".join(text.split()))  # before a key is cut in two
    return line if len(line) <= 200 else f"{line[:199]}…"
