"""What makes a Chatflow's DSL valid: Dify itself says too little, too late.

It imports and publishes a flow with a wrong model or dataset, drops ids of datasets that are no
UUIDs without a word, and fails when somebody asks. These are the rules that it runs by (1.16.1).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Json = dict[str, Any]
Selector = Sequence[str]
_REFERENCE = re.compile(r"\{\{#([^{}#]*)#\}\}")
_NEEDED: dict[str, tuple[str, ...]] = {
    "start": ("variables",),
    "llm": ("model", "prompt_template", "context", "vision"),
    "parameter-extractor": ("model", "query", "parameters", "reasoning_mode"),
    "question-classifier": ("model", "query_variable_selector", "classes"),
    "if-else": ("cases",),
    "knowledge-retrieval": (
        "query_variable_selector",
        "dataset_ids",
        "retrieval_mode",
        "multiple_retrieval_config",
        "metadata_filtering_mode",
    ),
    "variable-aggregator": ("output_type", "variables"),
    "template-transform": ("template", "variables"),
    "iteration": ("iterator_selector", "start_node_id", "output_selector"),
    "iteration-start": (),
    "answer": ("answer", "variables"),
}
_OPERATORS = {"is", "is not", "contains", "not contains", "start with", "end with"}
_UNARY = {"empty", "not empty"}
_OUTPUTS = {
    "llm": {"text", "usage", "reasoning_content"},
    "question-classifier": {"class_id", "class_name"},
    "knowledge-retrieval": {"result"},
    "variable-aggregator": {"output"},
    "template-transform": {"output"},
    "iteration": {"output", "item", "index"},
    "answer": {"answer"},
}
_NODE_ID = re.compile(r"\w{1,50}", re.ASCII)
_OUTSIDE = {"sys", "conversation", "env"}


def check(dsl: Mapping[str, Any]) -> list[str]:
    """What Dify would refuse, drop in silence, or fail on when it runs; empty: nothing."""
    return [*_check_top(dsl), *_Graph(dsl.get("workflow", {}).get("graph", {})).check()]


def is_uuid(text: str) -> bool:
    """Whether Dify takes this as the id of a dataset; other ids it drops without a word."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _check_top(dsl: Mapping[str, Any]) -> Iterable[str]:
    if dsl.get("kind") != "app":
        yield "kind must be app"
    version = dsl.get("version")
    if not isinstance(version, str) or not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"version must be a text such as 0.3.0, not {version!r}"
    app = dsl.get("app", {})
    if app.get("mode") != "advanced-chat" or not app.get("name"):
        yield "app needs a name and the mode advanced-chat"
    features = dsl.get("workflow", {}).get("features", {})
    if not features.get("retriever_resource", {}).get("enabled"):
        yield "retriever_resource must be enabled, or answers come without sources"
    if not isinstance(features.get("opening_statement"), str):
        yield "opening_statement must be a text"
    questions = features.get("suggested_questions")
    if not isinstance(questions, list) or not all(questions):
        yield "suggested_questions must be a list of texts"


class _Graph:
    """Nodes and edges, and what is wrong with them."""

    def __init__(self, graph: Mapping[str, Any]) -> None:
        self.rows = list(graph.get("nodes", ()))
        self.edges = list(graph.get("edges", ()))
        self.nodes: dict[str, Json] = {row["id"]: row["data"] for row in self.rows}
        self.parents: dict[str, str] = {
            row["id"]: row["parentId"] for row in self.rows if "parentId" in row
        }

    def check(self) -> Iterable[str]:
        """Every fault, in words."""
        kinds = [data["type"] for data in self.nodes.values()]
        if len(self.nodes) < len(self.rows):
            yield "two nodes have the same id"
        for id_ in self.nodes:
            if not _NODE_ID.fullmatch(id_):
                yield f"no variable can name a node called {id_!r}"
        if kinds.count("start") != 1 or "answer" not in kinds:
            yield "there must be one start and at least one answer"
        for edge_ in self.edges:
            yield from self._check_edge(edge_)
        for id_, data in self.nodes.items():
            yield from (f"{id_}: {fault}" for fault in self._check_node(id_, data))

    def _check_edge(self, edge_: Mapping[str, Any]) -> Iterable[str]:
        source, target = self.nodes.get(edge_["source"]), self.nodes.get(edge_["target"])
        if source is None or target is None:
            yield f"edge {edge_['id']}: leads from or to a node that is not there"
            return
        if edge_["sourceHandle"] not in _handles(source) or edge_["targetHandle"] != "target":
            yield f"edge {edge_['id']}: no way out called {edge_['sourceHandle']!r}"
        types = (edge_["data"]["sourceType"], edge_["data"]["targetType"])
        if types != (source["type"], target["type"]):
            yield f"edge {edge_['id']}: sourceType and targetType are not those of its nodes"

    def _check_node(self, id_: str, data: Json) -> Iterable[str]:
        kind = data["type"]
        if kind not in _NEEDED:
            yield f"the type {kind} is not one that we have seen at work"
            return
        missing = [key for key in _NEEDED[kind] if key not in data]
        if missing:
            yield f"lacks {', '.join(missing)}"
            return
        taken = {edge_["sourceHandle"] for edge_ in self.edges if edge_["source"] == id_}
        may_end = kind == "answer" or id_ in self.parents
        for handle in sorted(_handles(data) - taken) if not may_end else ():
            yield f"nothing follows {handle!r}"
        earlier = self._earlier(id_)
        if id_ in earlier:
            yield "leads back to itself"
        if kind != "start" and not any(self.nodes[e]["type"] == "start" for e in earlier):
            yield "cannot be reached from start"
        for selector in _selectors(data):
            if not self._is_known(selector, earlier):
                yield f"no earlier node gives {'.'.join(selector)}"
        if kind in _CHECKS:
            yield from _CHECKS[kind](data)

    def _earlier(self, id_: str) -> set[str]:
        found: set[str] = set()
        ahead = [id_]
        while ahead:
            here = ahead.pop()
            sources = {e["source"] for e in self.edges if e["target"] == here} & set(self.nodes)
            if here in self.parents:
                sources.add(self.parents[here])
            ahead += sources - found
            found |= sources
        return found

    def _is_known(self, selector: Selector, earlier: set[str]) -> bool:
        if len(selector) < 2:
            return False
        if selector[0] in _OUTSIDE:
            return True
        return selector[0] in earlier and selector[1] in _outputs(self.nodes[selector[0]])


def _handles(data: Json) -> set[str]:
    if data["type"] == "if-else":
        return {case_["case_id"] for case_ in data["cases"]} | {"false"}
    if data["type"] == "question-classifier":
        return {class_["id"] for class_ in data["classes"]}
    return {"source"}


def _outputs(data: Json) -> set[str]:
    match data["type"]:
        case "start":
            return {variable["variable"] for variable in data["variables"]}
        case "parameter-extractor":
            return {p["name"] for p in data["parameters"]} | {"__is_success", "__reason"}
        case "llm" if data.get("structured_output_enabled"):
            return {*_OUTPUTS["llm"], "structured_output"}
        case kind:
            return _OUTPUTS.get(kind, set())


def _selectors(data: Json) -> Iterable[Selector]:
    """Every variable that a node reads, from its fields and from its texts."""
    match data["type"]:
        case "knowledge-retrieval" | "question-classifier":
            yield data["query_variable_selector"]
        case "parameter-extractor":
            yield data["query"]
        case "if-else":
            yield from (
                c["variable_selector"] for case_ in data["cases"] for c in case_["conditions"]
            )
        case "variable-aggregator" | "template-transform":
            yield from map(_selector, data["variables"])
        case "iteration":
            yield data["iterator_selector"]
        case "llm" if data["context"]["enabled"]:
            yield data["context"]["variable_selector"]
    for text in _texts(data):
        for name in _REFERENCE.findall(text):
            if name != "context":
                yield name.split(".")


def _selector(variable: Any) -> Selector:
    """What a variable of a node reads; those of a template have names of their own."""
    found: Selector = variable["value_selector"] if isinstance(variable, dict) else variable
    return found


def _texts(data: Json) -> Iterable[str]:
    yield data.get("answer", "")
    yield data.get("instruction", "")
    yield from (part["text"] for part in data.get("prompt_template", ()))
    yield data.get("memory", {}).get("query_prompt_template", "")


def _check_model(data: Json) -> Iterable[str]:
    model = data["model"]
    if not model.get("provider") or not model.get("name") or model.get("mode") != "chat":
        yield "the model needs provider, name and the mode chat"


def _check_llm(data: Json) -> Iterable[str]:
    yield from _check_model(data)
    says_context = any("{{#context#}}" in text for text in _texts(data))
    if data["context"]["enabled"] != says_context:
        yield "the prompt must hold {{#context#}} just when a context is given"
    if "memory" in data and any(part["role"] == "user" for part in data["prompt_template"]):
        yield "with a memory, a user message in the prompt sends the question twice"


def _check_extractor(data: Json) -> Iterable[str]:
    yield from _check_model(data)
    for row in data["parameters"]:
        if not {"name", "type", "required", "description"} <= set(row):
            yield f"parameter {row.get('name')} lacks a field"
        if row.get("type") == "select" and not row.get("options"):
            yield f"parameter {row.get('name')} has nothing to select"


def _check_cases(data: Json) -> Iterable[str]:
    for case_ in data["cases"]:
        if case_["logical_operator"] not in {"and", "or"} or not case_["conditions"]:
            yield f"case {case_['case_id']} has no conditions"
        for row in case_["conditions"]:
            operator = row["comparison_operator"]
            if operator not in _OPERATORS | _UNARY or (operator in _OPERATORS and not row["value"]):
                yield f"case {case_['case_id']}: cannot compare by {operator}"


def _check_retrieval(data: Json) -> Iterable[str]:
    ids = data["dataset_ids"]
    if not ids or not all(is_uuid(id_) for id_ in ids):
        yield "dataset_ids must be plain UUIDs: Dify drops others without a word"
    config = data["multiple_retrieval_config"]
    if not 1 <= config.get("top_k", 0) <= 100:
        yield "top_k must be 1 to 100"
    if not isinstance(config.get("reranking_enable"), bool):
        yield "reranking_enable must be said: Dify takes true where it is missing"
    reranker = config.get("reranking_model") or {}
    if config.get("reranking_enable") and not (reranker.get("provider") and reranker.get("model")):
        yield "reranking_model needs provider and model"


_CHECKS: dict[str, Callable[[Json], Iterable[str]]] = {
    "llm": _check_llm,
    "question-classifier": _check_model,
    "parameter-extractor": _check_extractor,
    "if-else": _check_cases,
    "knowledge-retrieval": _check_retrieval,
}
