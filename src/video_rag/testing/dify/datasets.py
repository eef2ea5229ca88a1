"""Routes of datasets and tags."""

from __future__ import annotations

from typing import Any

from video_rag.testing.dify import external
from video_rag.testing.dify.calls import Call
from video_rag.testing.dify.payloads import (
    DatasetCreatePayload,
    DatasetUpdatePayload,
    RetrievalModel,
)
from video_rag.testing.dify.records import Dataset
from video_rag.testing.dify.shapes import dataset_json, page
from video_rag.testing.dify.state import World
from video_rag.testing.dify.wire import (
    NO_CONTENT,
    ApiError,
    Reply,
    Routes,
    invalid,
    not_found,
    validated,
)

routes = Routes("/v1")
_NO_RERANKER = {"reranking_provider_name": "", "reranking_model_name": ""}
_DEFAULT_SEARCH = {
    "search_method": "semantic_search",
    "reranking_enable": False,
    "reranking_mode": None,
    "reranking_model": _NO_RERANKER,
    "weights": None,
    "top_k": 2,
    "score_threshold_enabled": False,
    "score_threshold": None,
}


@routes.add("GET", "/datasets")
def list_datasets(call: Call) -> Reply:
    """All datasets, the newest first. Asks the plugin daemon."""
    call.world.need_plugin_daemon()
    keyword = call.request.query.get("keyword", "").casefold()
    found = [one for one in call.world.datasets.values() if keyword in one.name.casefold()]
    limit = call.request.number("limit", 20)
    shown, said = page(found[::-1], call.request.number("page", 1), limit)
    said["has_more"] = call.request.number("page", 1) * min(limit, 100) < len(found)
    return Reply({"data": [dataset_json(call.world, one, listed=True) for one in shown], **said})


@routes.add("POST", "/datasets")
def create_dataset(call: Call) -> Reply:
    """A new, empty dataset."""
    asked = validated(DatasetCreatePayload, call.request.json)
    _need_free_name(call.world, asked.name)
    if asked.indexing_technique == "high_quality":
        _need_model(call.world, asked.embedding_model)
    dataset = Dataset(
        id=call.world.new_id(),
        name=asked.name,
        settings={
            "description": asked.description,
            "provider": asked.provider,
            "permission": asked.permission or "only_me",
            "indexing_technique": asked.indexing_technique,
            **_embedding(call.world, asked),
            "retrieval_model_dict": _search(asked.retrieval_model),
        },
        search_was_set=asked.retrieval_model is not None,
    )
    if asked.provider == "external":
        dataset.external = external.bind(
            call.world, asked.external_knowledge_api_id, asked.external_knowledge_id
        )
    call.world.datasets[dataset.id] = dataset
    return Reply(dataset_json(call.world, dataset))


def _embedding(world: World, asked: DatasetCreatePayload) -> dict[str, Any]:
    if asked.indexing_technique != "high_quality":
        return {"embedding_model": None, "embedding_model_provider": None}
    provider, model = world.embedding_models[0]
    return {
        "embedding_model": asked.embedding_model or model,
        "embedding_model_provider": asked.embedding_model_provider or provider,
    }


@routes.add("GET", "/datasets/{dataset}")
def get_dataset(call: Call) -> Reply:
    """One dataset. Asks the plugin daemon."""
    found = call.dataset
    call.world.need_plugin_daemon()
    shown = dataset_json(call.world, found, listed=True)
    if found.technique == "economy":
        shown["retrieval_model_dict"] = {
            **shown["retrieval_model_dict"],
            "search_method": "keyword_search",
        }
    return Reply(shown)


@routes.add("PATCH", "/datasets/{dataset}")
def change_dataset(call: Call) -> Reply:
    """Change what was sent."""
    found = call.dataset
    asked = validated(DatasetUpdatePayload, call.request.json)
    if asked.name is not None and asked.name != found.name:
        _need_free_name(call.world, asked.name)
        found.name = asked.name
    for name in ("description", "permission", "embedding_model", "embedding_model_provider"):
        if (value := getattr(asked, name)) is not None:
            found.settings[name] = value
    if asked.indexing_technique == "high_quality" != found.technique:
        _need_model(call.world, asked.embedding_model)
    if asked.indexing_technique:
        found.settings["indexing_technique"] = asked.indexing_technique
    if asked.retrieval_model:
        found.settings["retrieval_model_dict"] = _search(asked.retrieval_model)
        found.search_was_set = True
    if asked.external_retrieval_model and found.external:
        found.external["retrieval_model"] = asked.external_retrieval_model
    return Reply(dataset_json(call.world, found) | {"partial_member_list": []})


@routes.add("DELETE", "/datasets/{dataset}")
def delete_dataset(call: Call) -> Reply:
    """Delete it, whoever uses it."""
    del call.world.datasets[call.dataset.id]
    return NO_CONTENT


@routes.add("GET", "/workspaces/current/models/model-types/{kind:any}")
def list_models(call: Call) -> Reply:
    """The models of a kind, by provider. Asks the plugin daemon."""
    call.world.need_plugin_daemon()
    models = call.world.embedding_models if call.ids["kind"] == "text-embedding" else []
    rows = [
        {
            "tenant_id": call.world.workspace_id,
            "provider": provider,
            "label": {"en_US": provider.rpartition("/")[2]},
            "status": "active",
            "models": [
                {
                    "model": model,
                    "label": {"en_US": model},
                    "model_type": call.ids["kind"],
                    "features": None,
                    "fetch_from": "customizable-model",
                    "model_properties": {"context_size": 4096},
                    "deprecated": False,
                    "status": "active",
                    "load_balancing_enabled": False,
                    "has_invalid_load_balancing_configs": False,
                }
            ],
        }
        for provider, model in models
    ]
    return Reply({"data": rows})


@routes.add("GET", "/datasets/tags")
def list_tags(call: Call) -> Reply:
    """All tags."""
    return Reply([_tag(call.world, tag) for tag in call.world.tags])


@routes.add("POST", "/datasets/tags")
def create_tag(call: Call) -> Reply:
    """A new tag."""
    tag = call.world.new_id()
    call.world.tags[tag] = str(call.request.object.get("name", ""))
    return Reply(_tag(call.world, tag))


@routes.add("DELETE", "/datasets/tags")
def delete_tag(call: Call) -> Reply:
    """Delete a tag everywhere."""
    tag = str(call.request.object.get("tag_id"))
    if call.world.tags.pop(tag, None) is None:
        raise not_found("Tag not found")
    for dataset in call.world.datasets.values():
        dataset.tags = [one for one in dataset.tags if one != tag]
    return NO_CONTENT


@routes.add("POST", "/datasets/tags/binding")
def bind_tags(call: Call) -> Reply:
    """Give a dataset tags."""
    asked = call.request.object
    found = call.world.dataset(str(asked.get("target_id")))
    found.tags += [tag for tag in asked.get("tag_ids", ()) if tag not in found.tags]
    return NO_CONTENT


@routes.add("POST", "/datasets/tags/unbinding")
def unbind_tags(call: Call) -> Reply:
    """Take tags from a dataset."""
    asked = call.request.object
    found = call.world.dataset(str(asked.get("target_id")))
    gone = {*asked.get("tag_ids", ()), asked.get("tag_id")}
    found.tags = [tag for tag in found.tags if tag not in gone]
    return NO_CONTENT


@routes.add("GET", "/datasets/{dataset}/tags")
def tags_of_dataset(call: Call) -> Reply:
    """The tags of a dataset."""
    rows = [{"id": tag, "name": call.world.tags[tag]} for tag in call.dataset.tags]
    return Reply({"data": rows, "total": len(rows)})


def _tag(world: World, tag: str) -> dict[str, Any]:
    uses = sum(tag in dataset.tags for dataset in world.datasets.values())
    return {
        "id": tag,
        "name": world.tags[tag],
        "type": "knowledge",
        "binding_count": str(uses),
    }


def _need_free_name(world: World, name: str) -> None:
    if any(one.name == name for one in world.datasets.values()):
        raise ApiError(
            409,
            "dataset_name_duplicate",
            "The dataset name already exists. Please modify your dataset name.",
        )


def _need_model(world: World, model: str | None) -> None:
    world.need_plugin_daemon()
    if not world.embedding_models:
        raise invalid("Default model not found for text-embedding")
    if model and model not in {known for _, known in world.embedding_models}:
        raise invalid(f"Model {model} credentials is not initialized.")


def _search(model: RetrievalModel | None) -> dict[str, Any]:
    if model is None:
        return dict(_DEFAULT_SEARCH)
    stored = model.model_dump(mode="json", exclude={"metadata_filtering_conditions"})
    return stored | {"reranking_model": stored["reranking_model"] or dict.fromkeys(_NO_RERANKER)}
