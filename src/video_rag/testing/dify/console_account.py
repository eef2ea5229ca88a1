"""Routes of the console API around the account: login, models, datasets and their keys."""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any

from video_rag.testing.dify.calls import Call
from video_rag.testing.dify.shapes import dataset_json, page
from video_rag.testing.dify.state import ACCOUNT_NAME, World
from video_rag.testing.dify.wire import ApiError, Reply, Request, Routes, forbidden

routes = Routes("/console/api")
OPEN = frozenset({"/console/api/login", "/console/api/setup"})
"""Paths that need no login."""
_MOST_KEYS = 10
Json = dict[str, Any]
_SUCCESS = Reply({"result": "success"})


def authorize(world: World, request: Request) -> None:
    """Raise 401 unless a login or the admin key opens the console."""
    admin = (f"Bearer {world.admin_key}", world.workspace_id)
    if (request.headers.get("authorization"), request.headers.get("x-workspace-id")) == admin:
        return
    pairs = (one.strip().partition("=") for one in request.headers.get("cookie", "").split(";"))
    cookies = {name: value for name, _, value in pairs}
    csrf = world.sessions.get(cookies.get("access_token", ""))
    if csrf is None:
        raise ApiError(401, "unauthorized", "Invalid Authorization token.")
    if not csrf == request.headers.get("x-csrf-token") == cookies.get("csrf_token"):
        raise ApiError(401, "unauthorized", "CSRF token is missing or invalid.")


@routes.add("GET", "/setup")
def setup_status(call: Call) -> Reply:
    """Whether there is an owner."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S") if call.world.set_up else None
    step = "finished" if call.world.set_up else "not_started"
    return Reply({"step": step, "setup_at": at})


@routes.add("POST", "/setup")
def setup(call: Call) -> Reply:
    """Make the owner's account."""
    if call.world.set_up:
        said = "Dify has been successfully installed. Please refresh the page or return to home."
        raise ApiError(403, "already_setup", said)
    asked = call.request.object
    call.world.email, call.world.password = str(asked["email"]), str(asked["password"])
    call.world.set_up = True
    return Reply({"result": "success"}, 201)


@routes.add("POST", "/login")
def log_in(call: Call) -> Reply:
    """Cookies for an e-mail address and the password in base64."""
    world, asked = call.world, call.request.object
    try:
        password = base64.b64decode(str(asked.get("password")), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        password = ""
    if (asked.get("email"), password) != (world.email, world.password):
        raise ApiError(401, "authentication_failed", "Invalid email or password.")
    access, csrf, refresh = (world.new_key(kind) for kind in ("access", "csrf", "refresh"))
    world.sessions[access] = csrf
    cookies = (
        f"access_token={access}; HttpOnly; Path=/; SameSite=Lax",
        f"refresh_token={refresh}; HttpOnly; Path=/; SameSite=Lax",
        f"csrf_token={csrf}; Path=/; SameSite=Lax",
    )
    return Reply({"result": "success"}, cookies=cookies)


@routes.add("POST", "/workspaces/current")
def workspace(call: Call) -> Reply:
    """The workspace."""
    name = f"{ACCOUNT_NAME}'s Workspace"
    return Reply(
        {"id": call.world.workspace_id, "name": name, "plan": None, "status": "normal"}
        | {"role": "owner", "created_at": int(time.time())}
    )


@routes.add("GET", "/workspaces/current/models/model-types/{kind:any}")
def models(call: Call) -> Reply:
    """The models of a kind, by provider."""
    call.world.need_plugin_daemon()
    known = {"llm": call.world.chat_models, "text-embedding": call.world.embedding_models}
    rows = [
        {
            "tenant_id": call.world.workspace_id,
            "provider": provider,
            "label": {"en_US": provider.rpartition("/")[2]},
            "status": "active",
            "models": [{"model": name, "model_type": call.ids["kind"], "status": "active"}],
        }
        for provider, name in known.get(call.ids["kind"], [])
    ]
    return Reply({"data": rows})


@routes.add("GET", "/workspaces/current/default-model")
def default_model(call: Call) -> Reply:
    """The workspace's first model of a kind."""
    call.world.need_plugin_daemon()
    kind = call.request.query.get("model_type", "llm")
    known = {"llm": call.world.chat_models, "text-embedding": call.world.embedding_models}
    found = known.get(kind) or []
    data = (
        {
            "model": found[0][1],
            "model_type": kind,
            "provider": {"tenant_id": call.world.workspace_id, "provider": found[0][0]},
        }
        if found
        else None
    )
    return Reply({"data": data})


@routes.add("POST", "/workspaces/current/default-model")
def set_default_model(call: Call) -> Reply:
    """Accepted; the fixture has one model of each kind."""
    call.world.need_plugin_daemon()
    return _SUCCESS


def new_key(world: World, kind: str, count: int) -> Json:
    """A row of a list of keys. Raises `ApiError` when there are ten already."""
    if count >= _MOST_KEYS:
        said = f"Cannot create more than {_MOST_KEYS} API keys for this resource type."
        raise ApiError(400, "max_keys_exceeded", said)
    ids = {"id": world.new_id(), "type": kind, "token": world.new_key(kind)}
    return ids | {"last_used_at": None, "created_at": int(time.time())}


@routes.add("GET", "/datasets/api-keys")
def dataset_keys(call: Call) -> Reply:
    """The keys of the workspace's knowledge."""
    rows = [{"id": key, "type": "dataset", "token": key} for key in call.world.dataset_keys]
    return Reply({"data": [row | {"last_used_at": None, "created_at": 0} for row in rows]})


@routes.add("POST", "/datasets/api-keys")
def make_dataset_key(call: Call) -> Reply:
    """A new key of the workspace's knowledge."""
    row = new_key(call.world, "dataset", len(call.world.dataset_keys))
    call.world.dataset_keys.append(row["token"])
    return Reply(row)


@routes.add("POST", "/datasets/{dataset}/api-keys/{action:any}")
def switch_api(call: Call) -> Reply:
    """Open or close a dataset's API."""
    found = call.world.dataset(call.ids["dataset"], calls_allowed=False)
    if call.ids["action"] not in {"enable", "disable"}:
        raise forbidden("Invalid action")
    found.enable_api = call.ids["action"] == "enable"
    return _SUCCESS


@routes.add("GET", "/datasets")
def list_datasets(call: Call) -> Reply:
    """All datasets, the newest first."""
    number, limit = call.request.number("page", 1), call.request.number("limit", 20)
    shown, said = page([*call.world.datasets.values()][::-1], number, limit)
    rows = [dataset_json(call.world, one, listed=True) for one in shown]
    return Reply({"data": rows, **said})
