"""Routes of the console API for apps: their DSL, drafts, publishing and keys."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import yaml
from pydantic import BaseModel

from video_rag.testing.dify.apps import DSL_VERSION, App, BadDsl, Import, app_json, read, workflow
from video_rag.testing.dify.apps import status as dsl_status
from video_rag.testing.dify.calls import Call
from video_rag.testing.dify.console_account import new_key
from video_rag.testing.dify.shapes import page
from video_rag.testing.dify.state import ACCOUNT_NAME, World
from video_rag.testing.dify.talks import ChatRequestPayload, Talk, streamed
from video_rag.testing.dify.wire import (
    NO_CONTENT,
    ApiError,
    Reply,
    Routes,
    not_found,
    validated,
)

routes = Routes("/console/api")
Json = dict[str, Any]
_SUCCESS = Reply({"result": "success"})


class WorkflowPublishPayload(BaseModel):
    """The name of a version."""

    marked_name: str | None = None
    marked_comment: str | None = None


@routes.add("POST", "/apps/imports")
def import_app(call: Call) -> Reply:
    """A DSL becomes an app, or the draft of `app_id`."""
    found = _import(call.world, call.request.object)
    return Reply(found.json(), found.http_status)


@routes.add("POST", "/apps/imports/{import}/confirm")
def confirm(call: Call) -> Reply:
    """Import a DSL of another version after all."""
    found = call.world.imports.get(call.ids["import"])
    if found is None or found.waiting is None:
        return Reply(Import(call.ids["import"], "failed", error="Import not found").json(), 400)
    found.app = _apply(call.world, read(found.waiting["yaml_content"]), found.waiting)
    found.status, found.waiting = "completed", None
    return Reply(found.json())


def _import(world: World, asked: Json) -> Import:
    found = Import(world.new_id(), "failed")
    world.imports[found.id] = found
    try:
        dsl = read(str(asked.get("yaml_content") or ""))
    except BadDsl as error:
        found.error = str(error)
        return found
    found.version, found.status = dsl["version"], dsl_status(dsl["version"])
    if asked.get("app_id") and asked["app_id"] not in world.apps:
        found.status, found.error = "failed", "App not found"
    elif found.status == "pending":
        found.waiting = asked
    else:
        found.app = _apply(world, dsl, asked)
    return found


def _apply(world: World, dsl: Json, asked: Json) -> App:
    said = dsl["app"]
    draft = workflow(dsl, world.new_id())
    app = world.apps.get(asked.get("app_id") or "")
    if app is None:
        app = App(world.new_id(), "", "", said.get("mode", "advanced-chat"), {}, draft, "")
        app.site_code = world.new_key("site")[-16:]
        world.apps[app.id] = app
    app.draft = draft
    app.name = asked.get("name") or said.get("name") or "Untitled"
    app.description = asked.get("description") or said.get("description") or ""
    app.site_title = app.site_title or app.name
    app.icon = {name: said.get(name) for name in ("icon_type", "icon", "icon_background")}
    return app


def app_key(world: World, app_id: str) -> str:
    """A key of an app: the first, or a new one."""
    app = world.apps[app_id]
    return str((app.keys or [_new_app_key(world, app)])[0]["token"])


def add_app(world: World, dsl: str) -> str:
    """Import, publish, and make a key; the key. Raises `ValueError` for a bad DSL."""
    found = _import(world, {"yaml_content": dsl})
    if found.app is None:
        raise ValueError(found.error or f"the import is {found.status}")
    found.app.published = copy.deepcopy(found.app.draft)
    found.app.published.id = world.new_id()
    return str(_new_app_key(world, found.app)["token"])


@routes.add("GET", "/apps/imports/{app}/check-dependencies")
def check_dependencies(call: Call) -> Reply:
    """Plug-ins that are missing: none."""
    _app(call)
    return Reply({"leaked_dependencies": []})


@routes.add("GET", "/apps")
def list_apps(call: Call) -> Reply:
    """All apps, the newest first."""
    number, limit = call.request.number("page", 1), call.request.number("limit", 20)
    shown, said = page([*call.world.apps.values()][::-1], number, limit)
    rows = [app_json(app, call.world.account_id, _web(call)) for app in shown]
    return Reply({**said, "data": rows})


@routes.add("GET", "/apps/{app}")
def get_app(call: Call) -> Reply:
    """One app."""
    return Reply(app_json(_app(call), call.world.account_id, _web(call)))


@routes.add("DELETE", "/apps/{app}")
def delete_app(call: Call) -> Reply:
    """Delete an app and its keys."""
    app = _app(call)
    del call.world.apps[app.id]
    for row in app.keys:
        del call.world.app_keys[row["token"]]
    return NO_CONTENT


@routes.add("GET", "/apps/{app}/workflows/draft")
def draft(call: Call) -> Reply:
    """The graph as it is being drawn."""
    flow = _app(call).draft
    content = json.dumps([flow.graph, flow.features], sort_keys=True)
    person = {"id": call.world.account_id, "name": ACCOUNT_NAME, "email": call.world.email}
    return Reply(
        {
            "id": flow.id,
            "graph": flow.graph,
            "features": flow.features,
            "hash": hashlib.sha256(content.encode()).hexdigest(),
            "version": "draft",
            "marked_name": "",
            "marked_comment": "",
            "created_by": person,
            "created_at": flow.created_at,
            "updated_by": person,
            "updated_at": flow.created_at,
            "tool_published": False,
            "environment_variables": [],
            "conversation_variables": [],
            "rag_pipeline_variables": [],
        }
    )


@routes.add("POST", "/apps/{app}/workflows/publish")
def publish(call: Call) -> Reply:
    """The draft becomes what users get."""
    app = _app(call)
    asked = validated(WorkflowPublishPayload, call.request.json)
    for text, most in ((asked.marked_name, 20), (asked.marked_comment, 100)):
        if text and len(text) > most:
            raise ApiError(400, "invalid_param", f"Marked name cannot exceed {most} characters")
    app.published = copy.deepcopy(app.draft)
    app.published.id = call.world.new_id()
    return Reply({"result": "success", "created_at": int(time.time())})


@routes.add("POST", "/apps/{app}/advanced-chat/workflows/draft/run")
def run_draft(call: Call) -> Callable[[], Reply]:
    """Ask the draft; always a stream."""
    app = _app(call)
    asked = validated(ChatRequestPayload, {"inputs": {}} | call.request.object)
    talk = Talk(call.world, app, app.draft, asked, call.world.account_id)
    return lambda: streamed(talk)


@routes.add("POST", "/apps/{app}/chat-messages/{task:any}/stop")
def stop_draft(call: Call) -> Reply:
    """Stop a run of the draft."""
    if running := call.world.running.get(call.ids["task"]):
        running.set()
    return _SUCCESS


@routes.add("GET", "/apps/{app}/export")
def export(call: Call) -> Reply:
    """The draft as DSL, dataset ids unreadable for others."""
    call.world.need_plugin_daemon()
    app = _app(call)
    graph = copy.deepcopy(app.draft.graph)
    for node in graph.get("nodes") or ():
        if ids := node["data"].get("dataset_ids"):
            hidden = [base64.b64encode(hashlib.sha256(one.encode()).digest()) for one in ids]
            node["data"]["dataset_ids"] = [one.decode() for one in hidden]
    dsl = {
        "kind": "app",
        "version": ".".join(map(str, DSL_VERSION)),
        "app": {"name": app.name, "description": app.description, "mode": app.mode, **app.icon},
        "dependencies": [],
        "workflow": {"graph": graph, "features": app.draft.features},
    }
    return Reply({"data": yaml.safe_dump(dsl, allow_unicode=True)})


@routes.add("GET", "/apps/{app}/api-keys")
def app_keys(call: Call) -> Reply:
    """The keys of an app."""
    return Reply({"data": _app(call).keys})


@routes.add("POST", "/apps/{app}/api-keys")
def make_app_key(call: Call) -> Reply:
    """A new key of an app."""
    return Reply(_new_app_key(call.world, _app(call)), 201)


def _new_app_key(world: World, app: App) -> Json:
    row = new_key(world, "app", len(app.keys))
    app.keys.append(row)
    world.app_keys[row["token"]] = app.id
    return row


def _app(call: Call) -> App:
    app = call.world.apps.get(call.ids["app"])
    if app is None:
        raise not_found("App not found")
    return app


def _web(call: Call) -> str:
    return f"http://{call.request.headers.get('host', '')}"
