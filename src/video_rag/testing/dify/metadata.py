"""Routes of metadata: the fields of a dataset and the values of its documents."""

from __future__ import annotations

from typing import Any

from video_rag.testing.dify.calls import Call
from video_rag.testing.dify.payloads import (
    DocumentMetadataOperation,
    MetadataArgs,
    MetadataOperationData,
    MetadataUpdatePayload,
)
from video_rag.testing.dify.records import Dataset, Document, Field
from video_rag.testing.dify.shapes import BUILT_IN
from video_rag.testing.dify.state import ACCOUNT_NAME
from video_rag.testing.dify.wire import (
    NO_CONTENT,
    ApiError,
    Reply,
    Routes,
    invalid,
    validated,
)

routes = Routes("/v1/datasets/{dataset}")


@routes.add("POST", "/metadata")
def create_field(call: Call) -> Reply:
    """A new field."""
    found = call.dataset
    asked = validated(MetadataArgs, call.request.json)
    _need_free_name(found, asked.name)
    field = Field(call.world.new_id(), asked.name, asked.type)
    found.fields.append(field)
    return Reply({"id": field.id, "type": field.type, "name": field.name}, 201)


@routes.add("GET", "/metadata")
def list_fields(call: Call) -> Reply:
    """The fields, and how many documents have each."""
    found = call.dataset
    rows = [
        {
            "id": field.id,
            "name": field.name,
            "type": field.type,
            "count": sum(field.id in one.bindings for one in found.documents.values()),
        }
        for field in found.fields
    ]
    return Reply({"doc_metadata": rows, "built_in_field_enabled": found.built_in_fields})


@routes.add("GET", "/metadata/built-in")
def list_built_in(call: Call) -> Reply:
    """The fields that every dataset has."""
    call.world.dataset(call.ids["dataset"])
    rows = [{"name": name, "type": kind} for name, kind in BUILT_IN.items()]
    return Reply({"fields": rows})


@routes.add("POST", "/metadata/built-in/{action:any}")
def switch_built_in(call: Call) -> Reply:
    """Whether the built-in fields are kept with the values, where filters see them."""
    found = call.dataset
    found.built_in_fields = call.ids["action"] == "enable"
    for document in found.documents.values():
        values = dict(document.metadata or {})
        if found.built_in_fields:
            document.metadata = values | built_in(document)
        elif document.metadata:
            document.metadata = {k: v for k, v in values.items() if k not in BUILT_IN}
    return Reply({"result": "success"})


@routes.add("PATCH", "/metadata/{field}")
def rename_field(call: Call) -> Reply:
    """Another name, also where values are kept under the old one."""
    found = call.dataset
    asked = validated(MetadataUpdatePayload, call.request.json)
    _need_free_name(found, asked.name)
    known = call.field
    for document in found.documents.values():
        if known.id in document.bindings and document.metadata:
            document.metadata[asked.name] = document.metadata.pop(known.name, None)
    known.name = asked.name
    return Reply({"id": known.id, "type": known.type, "name": known.name})


@routes.add("DELETE", "/metadata/{field}")
def delete_field(call: Call) -> Reply:
    """Delete a field and its values."""
    found = call.dataset
    known = call.field
    found.fields.remove(known)
    for document in found.documents.values():
        if known.id in document.bindings and document.metadata:
            document.metadata.pop(known.name, None)
    return NO_CONTENT


@routes.add("POST", "/documents/metadata")
def set_values(call: Call) -> Reply:
    """Give documents values. Without `partial_update` all other values are lost.

    They are kept under the name that was sent; ids that belong to no field are not noticed.
    """
    found = call.dataset
    for operation in validated(MetadataOperationData, call.request.json).operation_data:
        if operation.document_id not in found.documents:
            raise invalid("Document not found.")
        _set(found, found.documents[operation.document_id], operation)
    return Reply({"result": "success"})


def _set(dataset: Dataset, document: Document, asked: DocumentMetadataOperation) -> None:
    values = dict(document.metadata or {}) if asked.partial_update else {}
    bindings = list(document.bindings) if asked.partial_update else []
    for detail in asked.metadata_list:
        values[detail.name] = detail.value
        if detail.id not in bindings:
            bindings.append(detail.id)
    if dataset.built_in_fields:
        values |= built_in(document)
    # PostgreSQL's jsonb keeps keys by length, then by letters.
    ordered = sorted(values, key=lambda name: (len(name.encode()), name))
    document.metadata = {name: values[name] for name in ordered}
    document.bindings = bindings


def built_in(document: Document) -> dict[str, Any]:
    """The values of the built-in fields, as they are kept with the others."""
    return {
        "document_name": document.name,
        "uploader": ACCOUNT_NAME,
        "upload_date": float(document.created_at),
        "last_update_date": document.updated_at,
        "source": "file_upload",
    }


def _need_free_name(dataset: Dataset, name: str) -> None:
    if len(name) > 255:
        raise ApiError(400, "invalid_param", "Metadata name cannot exceed 255 characters.")
    if any(field.name == name for field in dataset.fields):
        raise invalid("Metadata name already exists.")
    if name in BUILT_IN:
        raise invalid("Metadata name already exists in Built-in fields.")
