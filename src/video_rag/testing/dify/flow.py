"""Running a Chatflow's graph: node by node, as events of Dify's stream without their envelope."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from threading import Event
from typing import Any

from video_rag.testing.dify.apps import Workflow
from video_rag.testing.dify.state import World

Json = dict[str, Any]
_VARIABLE = re.compile(r"\{\{#([\w.-]+)#\}\}")
_ZERO = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
_PRICES = (
    *("prompt_unit_price", "prompt_price_unit", "prompt_price"),
    *("completion_unit_price", "completion_price_unit", "completion_price", "total_price"),
)


class NodeFailed(Exception):
    """A node ends the run; the message is Dify's."""

    def __init__(self, message: str, inputs: Json | None = None) -> None:
        super().__init__(message)
        self.inputs = inputs or {}


class Stopped(Exception):
    """Somebody stopped the run."""


@dataclass
class Step:
    """What a node did."""

    outputs: Json = field(default_factory=dict)
    inputs: Json = field(default_factory=dict)
    process: Json = field(default_factory=dict)
    handle: str = "source"
    """The edge that is followed."""
    pieces: list[str] = field(default_factory=list)
    """Text that is shown while the node runs."""
    tokens: int = 0


@dataclass
class Run:
    """One question to a Chatflow."""

    world: World
    workflow: Workflow
    query: str
    inputs: Mapping[str, Any]
    system: Json
    stop: Event = field(default_factory=Event)
    outputs: dict[str, Any] = field(default_factory=dict)
    """Outputs by node."""
    resources: list[Json] = field(default_factory=list)
    """The passages that a language model was given as its context."""
    answer: str = ""
    tokens: int = 0
    steps: int = 0

    def value(self, selector: list[str]) -> Any:
        """What a selector such as `[node, output, key]` points at; None when there is nothing."""
        if selector and selector[0] == "sys":
            return self.system.get(f"sys.{selector[1]}")
        found: Any = self.outputs
        for name in selector:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def text(self, template: str) -> str:
        """A template with its variables filled in."""
        return _VARIABLE.sub(lambda match: printed(self.value(match[1].split("."))), template)

    def form_values(self) -> Json:
        """What the user filled in, or the form's defaults."""
        given = {one["variable"]: self.inputs.get(one["variable"]) for one in self.workflow.form}
        defaults = {one["variable"]: one.get("default") for one in self.workflow.form}
        return {name: defaults[name] if one is None else one for name, one in given.items()}

    def events(self, execute: Callable[[Run, Json], Step]) -> Iterator[Json]:
        """Every event from the first node to the last. Raises `NodeFailed` or `Stopped`."""
        nodes = {id_: node for id_, node in self.workflow.nodes.items() if not node.get("parentId")}
        yield from self._walk(nodes, execute)

    def inner(self, parent: str, execute: Callable[[Run, Json], Step]) -> None:
        """The nodes inside an iteration, once; they are not shown."""
        nodes = {
            id_: node for id_, node in self.workflow.nodes.items() if node.get("parentId") == parent
        }
        for _ in self._walk(nodes, execute):
            pass

    def _walk(
        self, nodes: Mapping[str, Json], execute: Callable[[Run, Json], Step]
    ) -> Iterator[Json]:
        edges = [
            edge
            for edge in self.workflow.graph.get("edges") or ()
            if edge["source"] in nodes and edge["target"] in nodes
        ]
        before: dict[str, set[str]] = {id_: set() for id_ in nodes}
        for edge in edges:
            before[edge["target"]].add(edge["source"])
        reached = {id_ for id_ in nodes if not before[id_]}
        for id_ in TopologicalSorter(before).static_order():
            if id_ not in reached:
                continue
            step = Step()
            yield from self._node(nodes[id_], step, execute)
            reached |= {
                edge["target"]
                for edge in edges
                if edge["source"] == id_ and edge.get("sourceHandle", "source") == step.handle
            }

    def _node(self, node: Json, step: Step, execute: Callable[[Run, Json], Step]) -> Iterator[Json]:
        if self.stop.is_set():
            raise Stopped
        told = self._told(node)
        yield {"event": "node_started", "data": told | _started()}
        began = time.monotonic()
        self.steps += 1
        try:
            done = execute(self, node)
        except NodeFailed as error:
            seconds = time.monotonic() - began
            failed = _finished(Step(inputs=error.inputs), seconds, str(error))
            yield {"event": "node_finished", "data": told | failed}
            raise
        step.__dict__.update(done.__dict__)
        self.outputs[node["id"]] = step.outputs
        self.tokens += step.tokens
        if _shown_as_it_comes(node):
            yield from self._pieces(node, step)
        yield from self._fixed_reply(node, step)
        yield {"event": "node_finished", "data": told | _finished(step, time.monotonic() - began)}

    def _fixed_reply(self, node: Json, step: Step) -> Iterator[Json]:
        """An answer without variables is shown as soon as it is sure to come."""
        for edge in self.workflow.graph.get("edges") or ():
            handle = edge.get("sourceHandle", "source")
            target = self.workflow.nodes[edge["target"]]
            fixed = target["data"].get("answer", "{{#")
            if (edge["source"], handle) == (node["id"], step.handle) and "{{#" not in fixed:
                yield from self._pieces(target, Step(pieces=[fixed]))

    def _pieces(self, node: Json, step: Step) -> Iterator[Json]:
        output = "answer" if node["data"]["type"] == "answer" else "text"
        for piece in step.pieces:
            if self.stop.wait(self.world.piece_seconds):
                raise Stopped
            self.answer += piece
            selector = [node["id"], output]
            yield {"event": "message", "answer": piece, "from_variable_selector": selector}

    def _told(self, node: Json) -> Json:
        with self.world.lock:
            id_ = self.world.new_id()
        return {
            "id": id_,
            "node_id": node["id"],
            "node_type": node["data"]["type"],
            "title": node["data"].get("title", ""),
            "index": 1,
            "predecessor_node_id": None,
            "created_at": int(time.time()),
        }


def _shown_as_it_comes(node: Json) -> bool:
    return node["data"]["type"] in {"answer", "llm"} and not node.get("parentId")


def _started() -> Json:
    return {
        "inputs": None,
        "inputs_truncated": False,
        "extras": {},
        "iteration_id": None,
        "loop_id": None,
        "agent_strategy": None,
    }


def _finished(step: Step, seconds: float, error: str | None = None) -> Json:
    return {
        "inputs": step.inputs,
        "inputs_truncated": False,
        "process_data": step.process,
        "process_data_truncated": False,
        "outputs": step.outputs,
        "outputs_truncated": False,
        "status": "failed" if error else "succeeded",
        "error": error,
        "elapsed_time": seconds,
        "execution_metadata": None,
        "finished_at": int(time.time()),
        "files": [],
        "iteration_id": None,
        "loop_id": None,
    }


def usage(prompt: int, completion: int) -> Json:
    """What a model spent, and that it cost nothing."""
    counts = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    times = {"latency": 0.0, "time_to_first_token": None, "time_to_generate": None}
    return _ZERO | counts | dict.fromkeys(_PRICES, "0") | {"currency": "USD"} | times


def printed(value: Any) -> str:
    """A value inside a text: lists one item under the other, as Dify prints them."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(f"- {one}" for one in value)
    return str(value)
