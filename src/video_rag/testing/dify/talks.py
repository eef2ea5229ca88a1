"""One question on its way through a Chatflow, and the conversation that it belongs to."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from threading import Event
from typing import Any

from pydantic import BaseModel

from video_rag.testing.dify.apps import App, Workflow
from video_rag.testing.dify.flow import NodeFailed, Run, Stopped, usage
from video_rag.testing.dify.flow_nodes import execute
from video_rag.testing.dify.records import Conversation
from video_rag.testing.dify.state import World
from video_rag.testing.dify.wire import Reply, invalid, not_found

Json = dict[str, Any]
_NO_PARENT = "00000000-0000-0000-0000-000000000000"
_SSE = "text/event-stream; charset=utf-8"


class ChatRequestPayload(BaseModel):
    """A question."""

    inputs: dict[str, Any]
    query: str
    response_mode: str | None = None
    conversation_id: str | None = None


class Talk:
    """One question on its way through an app's workflow."""

    def __init__(
        self, world: World, app: App, workflow: Workflow, asked: ChatRequestPayload, user: str
    ) -> None:
        self.world, self.app, self.workflow, self.asked = world, app, workflow, asked
        self.user = user
        self.at = int(time.time())
        self.task_id, self.run_id, self.message_id = (world.new_id() for _ in range(3))
        self.conversation = _conversation(world, app, asked, user)
        world.running[self.task_id] = stop = Event()
        self.run = Run(world, workflow, asked.query, asked.inputs, self._system(), stop)

    def _system(self) -> Json:
        return {
            "sys.query": self.asked.query,
            "sys.files": [],
            "sys.user_id": self.user,
            "sys.dialogue_count": len(self.conversation.messages) + 1,
            "sys.app_id": self.app.id,
            "sys.workflow_id": self.workflow.id,
            "sys.workflow_run_id": self.run_id,
        }

    def events(self) -> Iterator[Json]:
        """Every event; failures are events too."""
        if error := _bad_model(self.world, self.workflow):
            yield from self._refused(error, first=True)
            return
        if error := _bad_input(self.workflow, self.asked.inputs):
            yield from self._refused(error, first=False)
            return
        given = self.run.form_values()
        yield self._event("workflow_started", data=self._started(self.run.system | given))
        status, words = "succeeded", None
        try:
            for event in self.run.events(execute):
                yield self._event(**event)
        except NodeFailed as failed:
            status, words = "failed", str(failed)
        except Stopped:
            status = "stopped"
        finally:
            self.world.running.pop(self.task_id, None)
        if status == "succeeded":
            self._keep()
            yield self._event("message_end", metadata=self.metadata(), files=[])
        yield self._event("workflow_finished", data=self._finished(status, words))

    def metadata(self) -> Json:
        """What stands beside an answer."""
        return {
            "annotation_reply": None,
            "retriever_resources": self.run.resources,
            "usage": usage(0, self.run.tokens),
            "reasoning": {},
        }

    def _event(self, event: str, **more: Any) -> Json:
        told = {
            "event": event,
            "conversation_id": self.conversation.id,
            "message_id": self.message_id,
            "created_at": self.at,
            "task_id": self.task_id,
        }
        key = "id" if event.startswith("message") else "workflow_run_id"
        return told | {key: self.message_id if key == "id" else self.run_id} | more

    def _started(self, inputs: Any) -> Json:
        return {
            "id": self.run_id,
            "workflow_id": self.workflow.id,
            "inputs": inputs,
            "created_at": self.at,
            "reason": "initial",
        }

    def _finished(self, status: str, error: str | None) -> Json:
        outputs = {"answer": self.run.answer, "files": []} if status == "succeeded" else {}
        return {
            "id": self.run_id,
            "workflow_id": self.workflow.id,
            "status": status,
            "outputs": outputs,
            "error": error,
            "elapsed_time": 0.0,
            "total_tokens": self.run.tokens,
            "total_steps": self.run.steps,
            "created_by": {"id": self.message_id, "user": self.user},
            "created_at": self.at,
            "finished_at": int(time.time()),
            "exceptions_count": int(status == "failed"),
            "files": [],
        }

    def _refused(self, error: str, *, first: bool) -> Iterator[Json]:
        """A run that did not begin: an invented start and end, before them the error or not."""
        said = "Workflow stream ended without a terminal event" if first else error
        if first:
            yield {
                "event": "error",
                "conversation_id": self.conversation.id,
                "message_id": self.message_id,
                "created_at": self.at,
                "code": "invalid_param",
                "status": 400,
                "message": error,
            }
        ids = {"task_id": self.run_id, "workflow_run_id": self.run_id}
        inputs = self._started({} if first else dict(self.asked.inputs))
        yield {"event": "workflow_started", **ids, "data": inputs}
        end = self._finished("failed", said) | {"outputs": None, "created_by": {}}
        yield {"event": "workflow_finished", **ids, "data": end}

    def _keep(self) -> None:
        """Remember question and answer."""
        self.conversation.messages.append(
            {
                "id": self.message_id,
                "conversation_id": self.conversation.id,
                "parent_message_id": _NO_PARENT,
                "inputs": dict(self.asked.inputs),
                "query": self.asked.query,
                "answer": self.run.answer,
                "feedback": None,
                "retriever_resources": [self._kept(one) for one in self.run.resources],
                "created_at": self.at,
                "agent_thoughts": [],
                "message_files": [],
                "extra_contents": [],
                "message_tokens": 0,
                "answer_tokens": self.run.tokens,
                "total_tokens": self.run.tokens,
                "provider_response_latency": 0.0,
                "total_price": "0",
                "currency": "USD",
                "status": "normal",
                "error": None,
            }
        )

    def _kept(self, resource: Json) -> Json:
        """A passage of an answer, as it is kept with the message."""
        lost = {"retriever_from", "page", "doc_metadata", "title", "files"}
        kept = {name: value for name, value in resource.items() if name not in lost}
        return {"id": self.run_id, "message_id": self.message_id, **kept, "created_at": None}


def streamed(talk: Talk) -> Reply:
    """The events as a stream; the world's `stream_fault` may break it."""
    return Reply(headers={"content-type": _SSE}, stream=_lines(talk))


def _lines(talk: Talk) -> Iterator[bytes]:
    yield b"event: ping\n\n"
    fault = talk.world.stream_fault
    for event in talk.events():
        if fault and event["event"] in {"message_end", "workflow_finished"}:
            if fault == "cut":
                raise ConnectionResetError
            return
        yield f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


def blocking(talk: Talk) -> Reply:
    """The whole answer at once; a failed run is a 400."""
    last: Json = {}
    for event in talk.events():
        if event["event"] == "error":
            raise invalid(event["message"])
        last = event
    if last["data"]["status"] != "succeeded":
        raise invalid(f"Run failed: {last['data']['error']}")
    body = {
        "event": "message",
        "task_id": talk.task_id,
        "id": talk.message_id,
        "message_id": talk.message_id,
        "conversation_id": talk.conversation.id,
        "mode": talk.app.mode,
        "answer": talk.run.answer,
        "metadata": talk.metadata(),
        "created_at": talk.at,
    }
    return Reply(body, headers={"content-type": "application/json; charset=utf-8"})


def _conversation(world: World, app: App, asked: ChatRequestPayload, user: str) -> Conversation:
    if asked.conversation_id:
        found = world.conversations.get(asked.conversation_id)
        if found is None or (found.app_id, found.user) != (app.id, user):
            raise not_found("Conversation Not Exists.")
        return found
    query = asked.query
    name = query if len(query) <= 75 else f"{query[:75]}..."
    introduction = (app.published or app.draft).features.get("opening_statement", "")
    made = Conversation(world.new_id(), app.id, user, name, introduction)
    world.conversations[made.id] = made
    return made


def _bad_model(world: World, workflow: Workflow) -> str:
    """What Dify says of the first model that it does not have."""
    if not world.has_plugin_daemon:
        providers: set[str] = set()
    else:
        providers = {provider for provider, _ in world.chat_models}
    for node in workflow.nodes.values():
        model = node["data"].get("model")
        if not model:
            continue
        if world.has_plugin_daemon and model["provider"] not in providers:
            return f"Provider {model['provider']} does not exist."
        if (model["provider"], model["name"]) not in world.chat_models or not providers:
            return f"Model {model['name']} not exist."
    return ""


def _bad_input(workflow: Workflow, inputs: Json) -> str:
    """What Dify says of the first value that the form does not allow."""
    for one in workflow.form:
        name, given = one["variable"], inputs.get(one["variable"])
        if given in {None, ""}:
            if one.get("required"):
                return f"{name} is required in input form"
        elif one["type"] == "select" and given not in one["options"]:
            return f"{name} in input form must be one of the following: {one['options']}"
    return ""
