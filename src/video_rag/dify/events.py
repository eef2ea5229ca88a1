"""What a Dify chat app streams, in six kinds of event, and the many ways in which it ends.

A run can end with `workflow_finished` (succeeded, partial-succeeded, stopped, failed), with
`message_end` alone (apps without a workflow), with `error`, or by breaking off; `message_end` may
come before `workflow_finished`, after it, or not at all. Names and order: recordings of 1.16.1, and
`core/app/entities/task_entities.py::StreamEvent` in Dify's source.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from video_rag.dify.errors import DifyRejected, Said, error_for, failed_run
from video_rag.errors import Unavailable, VideoRagError


@dataclass(frozen=True)
class Started:
    """The server took the question; `task_id` stops it."""

    task_id: str
    conversation_id: str


@dataclass(frozen=True)
class Piece:
    """The answer goes on with this text."""

    text: str


@dataclass(frozen=True)
class Replaced:
    """The answer so far is void; this text stands in its place (moderation does that)."""

    text: str


class Resource(BaseModel):
    """A passage that the answer was made from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    position: int = 0
    """From 1, in the order in which the model was shown them."""
    dataset_id: str = ""
    dataset_name: str = ""
    document_id: str = ""
    """Empty for passages of an external knowledge base."""
    document_name: str = ""
    segment_id: str = ""
    score: float = 0.0
    content: str = ""
    title: str = ""
    metadata: dict[str, Any] = Field(default={}, alias="doc_metadata")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        return {name: value for name, value in row.items() if value is not None}


@dataclass(frozen=True)
class Resources:
    """The passages that the answer was made from; none where no model was shown any."""

    items: tuple[Resource, ...]


@dataclass(frozen=True)
class Ended:
    """The run is over, and the answer is all that there will be."""

    status: str
    """`succeeded`, `partial-succeeded` (a node failed, and the flow went on) or `stopped`."""
    conversation_id: str = ""
    message_id: str = ""
    error: str = ""
    """What went wrong in a run that succeeded in part."""
    searched: bool = field(default=False, compare=False)
    """Whether the workflow looked into a knowledge base, be it in vain."""


Event = Started | Piece | Replaced | Resources | Ended


def events(name: str, lines: Iterable[str]) -> Iterator[Event]:
    """The events in the lines of a stream; the last one is `Ended`.

    Raises `Rejected` or `Unavailable` in Dify's words for an `error` event and a failed run, and
    `Unavailable` for a stream that breaks off. `name` says whose words they are.
    """
    return _Run(name).read(_messages(name, lines))


def follow(
    name: str, stream: AbstractContextManager[Iterator[str]], stop: Callable[[str], None]
) -> Iterator[Event]:
    """The events of a stream; who leaves them early has `stop` called with the task's id."""
    running = ""
    try:
        with stream as lines:
            for event in events(name, lines):
                if isinstance(event, Started):
                    running = event.task_id
                elif isinstance(event, Ended):
                    running = ""
                yield event
    except (GeneratorExit, KeyboardInterrupt):  # left early, or Ctrl-C while waiting
        if running:
            # nobody is left to tell that it could not be stopped; it ends by itself
            with suppress(VideoRagError):
                stop(running)
        raise


@dataclass
class _Run:
    """What is known of a run while its stream is read."""

    name: str
    task_id: str = ""
    conversation_id: str = ""
    message_id: str = ""
    outcome: dict[str, Any] = field(default_factory=dict)
    """The data of `workflow_finished`."""
    answered: bool = False
    """Whether `message_end` came."""
    searched: bool = False
    """Whether a node for knowledge retrieval ran."""

    def read(self, messages: Iterable[dict[str, Any]]) -> Iterator[Event]:
        for message in messages:
            if self._note(message):
                yield Started(self.task_id, self.conversation_id)
            yield from self._events(message)
            if self.outcome and (self.answered or self._status == "stopped"):
                break
        if not (self.outcome or self.answered):
            raise Unavailable(f"{self.name}'s answer broke off", hint="try again")
        yield Ended(
            self._status,
            self.conversation_id,
            self.message_id,
            str(self.outcome.get("error") or ""),
            self.searched,
        )

    @property
    def _status(self) -> str:
        return str(self.outcome.get("status") or "succeeded")

    def _note(self, message: dict[str, Any]) -> bool:
        """Keep the ids; whether this is the first message that names its task."""
        self.conversation_id = str(message.get("conversation_id") or self.conversation_id)
        self.message_id = str(message.get("message_id") or self.message_id)
        is_first = not self.task_id and bool(message.get("task_id"))
        self.task_id = self.task_id or str(message.get("task_id") or "")
        return is_first

    def _events(self, message: dict[str, Any]) -> Iterator[Event]:
        match message.get("event"):
            case "message" | "agent_message":
                if text := message.get("answer"):
                    yield Piece(str(text))
            case "message_replace":
                yield Replaced(str(message.get("answer") or ""))
            case "message_end":
                self.answered = True
                yield Resources(self._resources(message))
            case "error":
                raise error_for(self.name, _said(message))
            case "workflow_finished":
                self._finish(message)
            case "workflow_paused":
                raise DifyRejected(
                    f"{self.name}: the app waits for a person's input",
                    hint="take the human-input node out of the app",
                )
            case "node_started":
                node = message.get("data")
                kind = node.get("node_type") if isinstance(node, dict) else ""
                self.searched = self.searched or kind == "knowledge-retrieval"
            case _:  # other nodes' news, loops, speech, and what a later Dify may add
                pass

    def _finish(self, message: dict[str, Any]) -> None:
        data = message.get("data")
        self.outcome = data if isinstance(data, dict) and data else {"status": "succeeded"}
        if self._status == "failed":
            raise failed_run(self.name, str(self.outcome.get("error") or ""))

    def _resources(self, message: dict[str, Any]) -> tuple[Resource, ...]:
        metadata = message.get("metadata") or {}
        try:
            rows = metadata.get("retriever_resources") or ()
            return tuple(Resource.model_validate(row) for row in rows)
        except (AttributeError, TypeError, ValidationError) as error:
            raise DifyRejected(
                f"{self.name} names its sources in a form that is not understood",
                hint="tell us its version",
            ) from error


def _messages(name: str, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The JSON behind the `data:` lines; signs of life and comments are passed over."""
    for line in lines:
        kind, _, data = line.partition(":")
        if kind != "data":
            continue
        try:
            message = json.loads(data)
        except ValueError as error:
            # the stream was cut within a line, or a proxy wrote into it
            raise Unavailable(f"{name}'s answer broke off", hint="try again") from error
        if isinstance(message, dict):
            yield message


def _said(message: dict[str, Any]) -> Said:
    status = message.get("status")
    return Said(
        status if isinstance(status, int) else 0,
        str(message.get("code") or ""),
        str(message.get("message") or ""),
    )
