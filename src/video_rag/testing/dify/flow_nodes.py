"""What each type of node of a Chatflow does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from video_rag.errors import NeedsExtra
from video_rag.testing.dify import language_model
from video_rag.testing.dify.flow import NodeFailed, Run, Step, usage
from video_rag.testing.dify.flow_search import search

Json = dict[str, Any]


def execute(run: Run, node: Json) -> Step:
    """Run one node. Raises `NodeFailed`."""
    kind = node["data"]["type"]
    if kind not in _NODES:
        raise NodeFailed(f"the test Dify has no nodes of type {kind}")
    return _NODES[kind](run, node)


def _start(run: Run, _node: Json) -> Step:
    given = run.form_values()
    return Step(outputs=given, inputs=given)


def _model(run: Run, node: Json) -> Step:
    """A language model: an object by a schema, or a text from its context."""
    data = node["data"]
    _need_model(run, node)
    if data.get("structured_output_enabled"):
        schema = (data.get("structured_output") or {}).get("schema") or {}
        found = language_model.structured(run.query, schema)
        return _said(run, node, json.dumps(found, ensure_ascii=False), structured_output=found)
    context = data.get("context") or {}
    records = run.value(context["variable_selector"]) if context.get("enabled") else None
    passages = [record["content"] for record in records or ()]
    run.resources += [_resource(record) for record in records or ()]
    answering = run.world.answering or language_model.answer
    step = _said(run, node, answering(run.query, passages))
    if passages:
        step.inputs = {"#context#": "\n".join(passages), **step.inputs}
    if _is_printed(run, node["id"]):
        step.pieces = [*re.findall(r"\S*\s*", step.outputs["text"])]
    return step


def _said(run: Run, node: Json, text: str, **outputs: Any) -> Step:
    spent = usage(10, max(1, len(text) // 4))
    names = _names(node)
    prompts = [
        {"role": one["role"], "text": run.text(one["text"]), "files": []}
        for one in node["data"].get("prompt_template") or ()
    ]
    said = {"text": text, "reasoning_content": "", "usage": spent, "finish_reason": "stop"}
    process = {"model_mode": "chat", "prompts": prompts, "usage": spent, "finish_reason": "stop"}
    return Step(
        outputs=said | outputs, inputs=names, process=process | names, tokens=spent["total_tokens"]
    )


def _names(node: Json) -> Json:
    model = node["data"]["model"]
    return {"model_provider": model["provider"], "model_name": model["name"]}


def _is_printed(run: Run, node_id: str) -> bool:
    """Whether an answer begins with this model's words, which are then shown as they come."""
    return any(
        node["data"]["type"] == "answer" and f"{{{{#{node_id}.text#}}}}" in node["data"]["answer"]
        for node in run.workflow.nodes.values()
    )


def _parameters(run: Run, node: Json) -> Step:
    _need_model(run, node)
    data = node["data"]
    query = str(run.value(data["query"]) or "")
    found = {
        one["name"]: language_model.value(query, one["name"], one.get("options") or ())
        for one in data["parameters"]
    }
    spent = usage(10, 10)
    told = {"__is_success": 1, "__reason": None, "__usage": spent}
    names = ("name", "type", "options", "description", "required")
    wanted = [{name: one.get(name) for name in names} for one in data["parameters"]]
    inputs = {"query": query, "files": [], "parameters": wanted}
    inputs |= {"instruction": data.get("instruction", "")} | _names(node)
    return Step(outputs=told | found, inputs=inputs, tokens=spent["total_tokens"])


def _classes(run: Run, node: Json) -> Step:
    _need_model(run, node)
    query = str(run.value(node["data"]["query_variable_selector"]) or "")
    names = {one["name"]: one["id"] for one in node["data"]["classes"]}
    chosen = language_model.choice(query, list(names))
    spent = usage(10, 10)
    outputs = {"class_name": chosen, "class_id": names[chosen], "usage": spent}
    outputs["class_label"] = f"CLASS {list(names).index(chosen) + 1}"
    inputs = {"query": query} | _names(node)
    return Step(outputs=outputs, inputs=inputs, handle=names[chosen], tokens=20)


def _branch(run: Run, node: Json) -> Step:
    seen: list[Json] = []
    chosen = "false"
    for one in node["data"]["cases"]:
        join = any if one.get("logical_operator") == "or" else all
        seen += [_compared(run, condition) for condition in one["conditions"]]
        if join(_meets(run, condition) for condition in one["conditions"]):
            chosen = one["case_id"]
            break
    outputs = {"result": chosen != "false", "selected_case_id": chosen}
    return Step(outputs=outputs, inputs={"conditions": seen}, handle=chosen)


def _compared(run: Run, condition: Json) -> Json:
    return {
        "actual_value": run.value(condition["variable_selector"]),
        "expected_value": run.text(str(condition.get("value") or "")),
        "comparison_operator": condition["comparison_operator"],
    }


def _meets(run: Run, condition: Json) -> bool:
    found = run.value(condition["variable_selector"])
    wanted = run.text(str(condition.get("value") or ""))
    tests: dict[str, Callable[[], bool]] = {
        "empty": lambda: not found,
        "not empty": lambda: bool(found),
        "is": lambda: str(found) == wanted,
        "is not": lambda: str(found) != wanted,
        "contains": lambda: wanted in str(found or ""),
        "not contains": lambda: wanted not in str(found or ""),
        "start with": lambda: str(found or "").startswith(wanted),
        "end with": lambda: str(found or "").endswith(wanted),
    }
    operator = condition["comparison_operator"]
    if operator not in tests:
        raise NodeFailed(f"the test Dify does not compare by {operator}")
    return tests[operator]()


def _aggregate(run: Run, node: Json) -> Step:
    for selector in node["data"]["variables"]:
        if (found := run.value(selector)) is not None:
            return Step(outputs={"output": found}, inputs={".".join(selector[1:]): found})
    return Step(outputs={"output": None})


def _template(run: Run, node: Json) -> Step:
    """A Jinja template, which Dify's code sandbox fills in."""
    data = node["data"]
    given = {row["variable"]: run.value(row["value_selector"]) for row in data["variables"]}
    if not run.world.has_sandbox:
        raise NodeFailed("Failed to execute code, which is likely a network issue", given)
    try:
        import jinja2
    except ImportError as error:
        raise NeedsExtra("jinja2", "testing") from error
    try:
        text = jinja2.Template(data["template"]).render(given)
    except jinja2.TemplateError as error:
        raise NodeFailed(str(error), given) from error
    return Step(outputs={"output": text}, inputs=given)


def _iterate(run: Run, node: Json) -> Step:
    data = node["data"]
    gathered = []
    for index, item in enumerate(run.value(data["iterator_selector"]) or ()):
        run.outputs[node["id"]] = {"item": item, "index": index}
        run.inner(node["id"], execute)
        gathered.append(run.value(data["output_selector"]))
    return Step(outputs={"output": gathered})


def _answer(run: Run, node: Json) -> Step:
    """The reply; words that a model has already said are not shown again."""
    template = node["data"]["answer"]
    text = run.text(template)
    before = run.answer
    rest = text.removeprefix(before) if before and text.startswith(before) else text
    pieces = [rest] if rest and rest != before else []
    return Step(outputs={"answer": text, "files": []}, pieces=pieces)


def _need_model(run: Run, node: Json) -> None:
    if not run.world.model_alive:
        raise NodeFailed("[Errno 111] Connection refused", _names(node))


def _resource(record: Json) -> Json:
    """A passage that a model was given, as the end of the message names it."""
    told = record["metadata"]
    keys = (
        *("position", "dataset_id", "dataset_name", "document_id", "document_name"),
        *("data_source_type", "segment_id", "retriever_from", "score"),
    )
    renamed = {
        "hit_count": "segment_hit_count",
        "word_count": "segment_word_count",
        "segment_position": "segment_position",
        "index_node_hash": "segment_index_node_hash",
    }
    return {
        **{key: told.get(key) for key in keys},
        **{key: told.get(name) for key, name in renamed.items()},
        "content": record["content"],
        "page": None,
        "doc_metadata": told.get("doc_metadata"),
        "title": None,
        "files": None,
        "summary": None,
    }


_NODES: dict[str, Callable[[Run, Json], Step]] = {
    "start": _start,
    "llm": _model,
    "parameter-extractor": _parameters,
    "question-classifier": _classes,
    "knowledge-retrieval": search,
    "if-else": _branch,
    "variable-aggregator": _aggregate,
    "template-transform": _template,
    "iteration": _iterate,
    "iteration-start": lambda _run, _node: Step(),
    "answer": _answer,
}
