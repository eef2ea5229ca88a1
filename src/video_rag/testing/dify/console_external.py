"""Routes of the console for external knowledge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from video_rag.testing.dify import external
from video_rag.testing.dify.calls import Call
from video_rag.testing.dify.records import Dataset, ExternalApi
from video_rag.testing.dify.shapes import dataset_json, page
from video_rag.testing.dify.wire import NO_CONTENT, ApiError, Reply, Request, Routes, invalid

routes = Routes("/console/api/datasets")
_DEFAULTS = {
    "search_method": "semantic_search",
    "reranking_enable": False,
    "reranking_mode": None,
    "reranking_model": {"reranking_provider_name": "", "reranking_model_name": ""},
    "weights": None,
}


@routes.add("GET", "/external-knowledge-api")
def list_apis(call: Call) -> Reply:
    """The registered servers."""
    number, limit = call.request.number("page", 1), call.request.number("limit", 20)
    shown, said = page([*call.world.external_apis.values()], number, limit)
    return Reply({"data": [external.as_json(call.world, one) for one in shown], **said})


@routes.add("POST", "/external-knowledge-api")
def create_api(call: Call) -> Callable[[], Reply]:
    """Register a server, which is asked at once."""
    name, endpoint, key = _asked(call.request)
    api = ExternalApi(call.world.new_id(), name, endpoint, key)
    world = call.world

    def register() -> Reply:
        external.probe(api, world.external_seconds)
        with world.lock:
            world.external_apis[api.id] = api
            return Reply(external.as_json(world, api), 201)

    return register


@routes.add("GET", "/external-knowledge-api/{api}")
def get_api(call: Call) -> Reply:
    """One server."""
    return Reply(external.as_json(call.world, external.find(call.world, call.ids["api"])))


@routes.add("PATCH", "/external-knowledge-api/{api}")
def change_api(call: Call) -> Callable[[], Reply]:
    """Another address or key, which is tried at once."""
    known = external.find(call.world, call.ids["api"])
    name, endpoint, key = _asked(call.request)
    world = call.world

    def change() -> Reply:
        external.probe(ExternalApi(known.id, name, endpoint, key), world.external_seconds)
        with world.lock:
            known.name, known.endpoint, known.key = name, endpoint, key
            return Reply(external.as_json(world, known))

    return change


@routes.add("DELETE", "/external-knowledge-api/{api}")
def delete_api(call: Call) -> Reply:
    """Forget a server that no dataset needs."""
    known = external.find(call.world, call.ids["api"])
    if external.as_json(call.world, known)["dataset_bindings"]:
        raise ApiError(403, "forbidden", "External knowledge api is in use.")
    del call.world.external_apis[known.id]
    return NO_CONTENT


@routes.add("POST", "/external")
def create_dataset(call: Call) -> Reply:
    """A dataset that a registered server answers."""
    asked = call.request.object
    name = str(asked.get("name") or "")
    if not 1 <= len(name) <= 100:
        raise invalid("name must be between 1 and 100 characters")
    if any(one.name == name for one in call.world.datasets.values()):
        said = "The dataset name already exists. Please modify your dataset name."
        raise ApiError(409, "dataset_name_duplicate", said)
    told = external.bind(
        call.world, asked.get("external_knowledge_api_id"), asked.get("external_knowledge_id")
    )
    told["retrieval_model"] = asked.get("external_retrieval_model") or told["retrieval_model"]
    settings: dict[str, Any] = {
        "description": asked.get("description") or "",
        "provider": "external",
        "permission": "only_me",
        "indexing_technique": None,
        "embedding_model": None,
        "embedding_model_provider": None,
        "retrieval_model_dict": _DEFAULTS | told["retrieval_model"],
    }
    dataset = Dataset(call.world.new_id(), name, settings, external=told)
    call.world.datasets[dataset.id] = dataset
    shown = dataset_json(call.world, dataset) | {"permission_keys": [], "updated_by": None}
    return Reply(shown, 201)


@routes.add("POST", "/{dataset}/external-hit-testing")
def try_out(call: Call) -> Callable[[], Reply]:
    """Ask the server behind a dataset; what it says is shown as it came."""
    found = call.world.dataset(call.ids["dataset"], calls_allowed=False)
    asked, world = call.request.object, call.world
    query = str(asked.get("query") or "")
    setting = asked.get("external_retrieval_model") or (found.external or {})["retrieval_model"]
    condition = asked.get("metadata_filtering_conditions")

    def ask() -> Reply:
        try:
            records = external.ask(world, found, query, setting, condition)
        except external.ExternalError as error:
            raise external.internal_error(str(error)) from error
        names = ("content", "title", "score", "metadata")
        rows = [{name: record.get(name) for name in names} for record in records]
        return Reply({"query": {"content": query}, "records": rows})

    return ask


def _asked(request: Request) -> tuple[str, str, str]:
    asked = request.object
    name, settings = str(asked.get("name") or ""), asked.get("settings") or {}
    if not 1 <= len(name) <= 40:
        raise invalid("Name must be between 1 to 40 characters.")
    if not settings.get("endpoint"):
        raise invalid("endpoint is required")
    if not settings.get("api_key"):
        raise invalid("api_key is required")
    return name, str(settings["endpoint"]), str(settings["api_key"])
