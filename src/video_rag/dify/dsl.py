"""Dify's DSL for Chatflows: nodes, edges and the YAML file. What is valid: see `dsl_rules`.

The form is that of files which Dify 1.16.1 imported, published and ran. DSL 0.3.0 is that of Dify
1.5; later ones read it, with the remark `completed-with-warnings`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

DSL_VERSION = "0.3.0"
Json = dict[str, Any]
Selector = Sequence[str]
_NAMESPACE = uuid.UUID("3f0d3a0c-52e7-4b7d-9a53-5b5b6f0d7a11")
COLUMN, ROW = 320, 170
"""Distance of nodes on the canvas, in pixels."""


def node(id_: str, kind: str, title: str, at: tuple[float, float], **data: Any) -> Json:
    """A node at column and row `at`."""
    column, row = at
    return {
        "id": id_,
        "type": "custom",
        "position": {"x": round(column * COLUMN), "y": round(row * ROW)},
        "data": {"type": kind, "title": title, "desc": "", "selected": False, **data},
    }


def edge(source: Json, target: Json, handle: str = "source") -> Json:
    """The way from one node to the next; `handle` is the case of an if-else that takes it."""
    return {
        "id": f"{source['id']}-{handle}-{target['id']}",
        "type": "custom",
        "source": source["id"],
        "sourceHandle": handle,
        "target": target["id"],
        "targetHandle": "target",
        "zIndex": 0,
        "data": {
            "sourceType": source["data"]["type"],
            "targetType": target["data"]["type"],
            "isInIteration": "parentId" in source,
            "isInLoop": False,
            **({"iteration_id": source["parentId"]} if "parentId" in source else {}),
        },
    }


def message(node_id: str, role: str, text: str) -> Json:
    """A message of a language model's prompt; the same node gives the same id."""
    return {"id": str(uuid.uuid5(_NAMESPACE, f"{node_id}/{role}")), "role": role, "text": text}


def case(case_id: str, *conditions: Json) -> Json:
    """A way out of an if-else, taken when all conditions hold."""
    return {
        "case_id": case_id,
        "id": case_id,
        "logical_operator": "and",
        "conditions": [
            {"id": f"{case_id}-{number}", **condition}
            for number, condition in enumerate(conditions, start=1)
        ],
    }


def condition(selector: Selector, operator: str, value: str = "", kind: str = "string") -> Json:
    """`condition(["understand", "intent"], "is", "question")`."""
    return {
        "varType": kind,
        "variable_selector": list(selector),
        "comparison_operator": operator,
        "value": value,
    }


def dump(dsl: Mapping[str, Any], comment: str = "") -> str:
    """The file, prompts as readable blocks, the version quoted as Dify wants it."""
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return head + yaml.dump(
        _marked(dsl), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000
    )


class _Quoted(str):
    """A text that must not look like a number."""


class _Dumper(yaml.SafeDumper):
    """Writes lists of names on one line, blocks for texts of several lines, no references."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Equal parts are written out: Dify's editor reads no references."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else '"' if isinstance(value, _Quoted) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.SequenceNode:
    flat = all(isinstance(item, str) and len(item) < 50 for item in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=flat)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(_Quoted, _text)
_Dumper.add_representer(list, _list)


def _marked(dsl: Mapping[str, Any]) -> Json:
    return {**dsl, "version": _Quoted(dsl["version"])}
