"""External knowledge: Dify as the client of somebody's `POST {endpoint}/retrieval`."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

from video_rag.testing.dify.records import Dataset, ExternalApi
from video_rag.testing.dify.state import World
from video_rag.testing.dify.wire import ApiError, invalid, not_found

Json = dict[str, Any]
_AGAIN = frozenset({429, 500, 502, 503, 504})
_ATTEMPTS = 4


class ExternalError(Exception):
    """What Dify tells of a failed request: the raw body, or its own words."""


def as_json(world: World, api: ExternalApi) -> Json:
    """A registered server as the console shows it."""
    bound = [
        {"id": dataset.id, "name": dataset.name}
        for dataset in world.datasets.values()
        if dataset.external and dataset.external["api_id"] == api.id
    ]
    return {
        "id": api.id,
        "tenant_id": world.workspace_id,
        "name": api.name,
        "description": api.description,
        "settings": {"endpoint": api.endpoint, "api_key": api.key},
        "dataset_bindings": bound,
        "created_by": world.account_id,
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(api.created_at)),
    }


def probe(api: ExternalApi, timeout: float) -> None:
    """What registering does: one empty question. Raises `ApiError`."""
    if not api.endpoint.startswith(("http://", "https://")):
        raise invalid(f"invalid endpoint: {api.endpoint} must start with http:// or https://")
    body = {
        "retrieval_setting": {"top_k": 1, "score_threshold": 0.0},
        "query": "",
        "knowledge_id": "",
    }
    try:
        status, _ = _post(api, body, timeout)
    except OSError:
        raise invalid(f"failed to connect to the endpoint: {api.url}") from None
    if status == 403:
        raise invalid(f"Forbidden: Authorization failed with api_key: {api.key}")
    if status in {404, 502}:
        words = {404: "Not Found", 502: "Bad Gateway"}[status]
        raise invalid(f"{words}: failed to connect to the endpoint: {api.url}")


def ask(
    world: World, dataset: Dataset, query: str, setting: Json, condition: Json | None
) -> list[Json]:
    """The records of an external dataset as they came, neither cut nor filtered.

    Raises `ExternalError` after four requests that failed, or at the first other answer than 200.
    """
    told = dataset.external or {}
    api = world.external_apis[told["api_id"]]
    threshold = setting.get("score_threshold") if setting.get("score_threshold_enabled") else None
    body = {
        "retrieval_setting": {"top_k": setting.get("top_k"), "score_threshold": threshold or 0.0},
        "query": query,
        "knowledge_id": told["id"],
        "metadata_condition": condition,
    }
    status, text = _patiently(api, body, world.external_seconds)
    if status != 200:
        raise ExternalError(text)
    try:
        records = json.loads(text).get("records", [])
    except (ValueError, AttributeError):
        raise ExternalError("invalid external knowledge response") from None
    return list(records)


def _patiently(api: ExternalApi, body: Json, timeout: float) -> tuple[int, str]:
    for _ in range(_ATTEMPTS):
        try:
            status, text = _post(api, body, timeout)
        except OSError:
            continue
        if status not in _AGAIN:
            return status, text
    raise ExternalError(f"Reached maximum retries ({_ATTEMPTS - 1}) for URL {api.url}")


def _post(api: ExternalApi, body: Json, timeout: float) -> tuple[int, str]:
    """Status and body of one request. Raises `OSError`."""
    parts = urlsplit(api.url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=timeout)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {api.key}"}
    try:
        connection.request("POST", parts.path or "/", json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


def bind(world: World, api_id: str | None, knowledge_id: str | None) -> Json:
    """What an external dataset is told of its server. Raises `ApiError` for an unknown one."""
    api = world.external_apis.get(api_id or "")
    if api is None:
        raise invalid("External API template not found")
    if not knowledge_id:
        raise invalid("external_knowledge_id is required")
    return {
        "id": knowledge_id,
        "api_id": api.id,
        "api_name": api.name,
        "api_endpoint": api.endpoint,
        "retrieval_model": {"top_k": 2, "score_threshold": 0.0, "score_threshold_enabled": None},
    }


def find(world: World, api_id: str) -> ExternalApi:
    """A registered server; else 404."""
    if api_id not in world.external_apis:
        raise not_found("API template not found.")
    return world.external_apis[api_id]


def internal_error(message: str) -> ApiError:
    """What the console makes of a failed search."""
    return ApiError(500, "internal_server_error", message)
