"""Chat apps: their DSL as it is imported, their drafts and what is published."""

from __future__ import annotations

import copy
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import yaml

DSL_VERSION = (0, 7, 0)
"""Of the release whose behaviour is followed."""
Json = dict[str, Any]


@dataclass
class Workflow:
    """A graph, as a draft or as it was published."""

    id: str
    graph: Json
    features: Json
    created_at: int = field(default_factory=lambda: int(time.time()))

    @property
    def nodes(self) -> dict[str, Json]:
        """The nodes by id."""
        return {node["id"]: node for node in self.graph.get("nodes") or ()}

    @property
    def dataset_ids(self) -> set[str]:
        """All datasets that it searches."""
        found = (node["data"].get("dataset_ids") or () for node in self.nodes.values())
        return {one for several in found for one in several}

    @property
    def form(self) -> list[Json]:
        """The variables that a user fills in."""
        for node in self.nodes.values():
            if node["data"].get("type") == "start":
                return list(node["data"].get("variables") or ())
        return []


@dataclass
class App:
    """An app of the workspace."""

    id: str
    name: str
    description: str
    mode: str
    icon: Json
    draft: Workflow
    site_code: str
    site_title: str = ""
    """The app's name when it was made."""
    published: Workflow | None = None
    keys: list[Json] = field(default_factory=list)
    created_at: int = field(default_factory=lambda: int(time.time()))


@dataclass
class Import:
    """What became of a DSL that was sent."""

    id: str
    status: str
    version: str = ""
    app: App | None = None
    error: str = ""
    waiting: Json | None = None
    """The request body, while somebody has to confirm it."""

    def json(self) -> Json:
        """As Dify answers."""
        return {
            "id": self.id,
            "status": self.status,
            "app_id": self.app.id if self.app else None,
            "app_mode": self.app.mode if self.app else None,
            "permission_keys": [],
            "current_dsl_version": ".".join(map(str, DSL_VERSION)),
            "imported_dsl_version": self.version,
            "error": self.error,
            "warnings": [],
        }

    @property
    def http_status(self) -> int:
        """Failed 400, pending 202, else 200."""
        return {"failed": 400, "pending": 202}.get(self.status, 200)


class BadDsl(Exception):
    """A DSL that Dify cannot read."""


def read(text: str) -> Json:
    """The DSL as a value. Raises `BadDsl` with Dify's words."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadDsl(f"Invalid YAML format: {error}") from error
    if not isinstance(found, dict):
        raise BadDsl("Invalid YAML format: content must be a mapping")
    version = found.setdefault("version", "0.1.0")
    if not isinstance(version, str):
        raise BadDsl(f"Invalid version type, expected str, got {type(version)}")
    if not found.get("app"):
        raise BadDsl("Missing app data in YAML content")
    return found


def status(version: str) -> str:
    """What a DSL of this version is on this server."""
    numbers = [int(one) for one in re.findall(r"\d+", version)[:3]]
    imported = tuple(numbers + [0] * (3 - len(numbers)))
    if imported > DSL_VERSION or imported[0] < DSL_VERSION[0]:
        return "pending"
    return "completed-with-warnings" if imported[1] < DSL_VERSION[1] else "completed"


def workflow(dsl: Json, new_id: str) -> Workflow:
    """The DSL's graph. Dataset ids that are no UUIDs are dropped without a word."""
    said = copy.deepcopy(dsl.get("workflow") or {})
    for node in said.get("graph", {}).get("nodes") or ():
        data = node.get("data") or {}
        if data.get("type") == "knowledge-retrieval":
            data["dataset_ids"] = [one for one in data.get("dataset_ids") or () if _is_uuid(one)]
    return Workflow(new_id, said.get("graph") or {}, said.get("features") or {})


def _is_uuid(text: Any) -> bool:
    try:
        uuid.UUID(str(text))
    except ValueError:
        return False
    return True


def app_json(app: App, account_id: str, web: str) -> Json:
    """An app in detail, as the console shows it."""
    at = app.published.created_at if app.published else app.created_at
    flow = {"id": app.published.id} if app.published else None
    return {
        "id": app.id,
        "name": app.name,
        "description": app.description,
        "mode": app.mode,
        **app.icon,
        "icon_url": None,
        "enable_site": True,
        "enable_api": True,
        "model_config": None,
        "workflow": flow
        and {
            **flow,
            "created_by": account_id,
            "created_at": at,
            "updated_by": None,
            "updated_at": at,
        },
        "site": {
            "access_token": app.site_code,
            "code": app.site_code,
            "title": app.name,
            "default_language": "en-US",
            "app_base_url": web,
        },
        "api_base_url": f"{web}/v1",
        "use_icon_as_answer_icon": False,
        "created_by": account_id,
        "created_at": app.created_at,
        "updated_by": account_id,
        "updated_at": app.created_at,
        "deleted_tools": [],
        "access_mode": None,
        "tags": [],
    }
