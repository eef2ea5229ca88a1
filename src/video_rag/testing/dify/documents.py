"""Routes of documents: post, update, list, delete, switch on and off."""

from __future__ import annotations

import json
import time
from pathlib import PurePath
from typing import Any

from video_rag.testing.dify import keywords
from video_rag.testing.dify.calls import Call
from video_rag.testing.dify.indexing import enqueue, forget_segments
from video_rag.testing.dify.metadata import built_in
from video_rag.testing.dify.payloads import (
    DocumentIds,
    DocumentTextCreatePayload,
    DocumentTextUpdate,
    KnowledgeConfig,
    ProcessRule,
    ProcessRuleMode,
)
from video_rag.testing.dify.records import DONE, Dataset, Document, Rule, Upload
from video_rag.testing.dify.shapes import document_detail, document_json, page, status_json
from video_rag.testing.dify.state import World
from video_rag.testing.dify.wire import (
    NO_CONTENT,
    ApiError,
    File,
    Reply,
    Request,
    Routes,
    forbidden,
    invalid,
    not_found,
    validated,
)

routes = Routes("/v1/datasets/{dataset}")
TYPES = frozenset(
    [
        "txt",
        "md",
        "mdx",
        "markdown",
        "pdf",
        "html",
        "htm",
        "xlsx",
        "xls",
        "docx",
        "csv",
        "vtt",
        "properties",
    ]
)
"""What Dify takes as a document with `ETL_TYPE=dify`."""
_ACTIONS = ["enable", "disable", "archive", "un_archive"]


@routes.add("POST", "/document/create-by-text", "/document/create_by_text")
def create_by_text(call: Call) -> Reply:
    """A document from text; it is stored as `.txt` whatever its name."""
    found = call.dataset
    _need_room(call.world)
    asked = validated(DocumentTextCreatePayload, call.request.json)
    if not found.technique and not asked.indexing_technique:
        raise invalid("indexing_technique is required.")
    config = validated(KnowledgeConfig, call.request.json)
    config.duplicate = True
    _need_form(found, config)
    _need_rule(config.process_rule)
    upload = _text_upload(call.world, asked.name, asked.text)
    return _save(call.world, found, config, upload)


@routes.add("POST", "/document/create-by-file", "/document/create_by_file")
def create_by_file(call: Call) -> Reply:
    """A document from a file; settings that are not sent are the dataset's."""
    found = call.dataset
    _need_room(call.world)
    if found.external is not None:  # text is taken: seen on 1.16.1
        raise invalid("External datasets are not supported.")
    data = _data(call.request)
    if not found.technique and not data.get("indexing_technique"):
        raise invalid("indexing_technique is required.")
    upload = _file_upload(call.world, _file(call.request))
    config = validated(KnowledgeConfig, {"indexing_technique": found.technique} | data)
    _need_form(found, config)
    _need_rule(config.process_rule)
    if not (config.original_document_id or config.process_rule or found.latest_rule):
        raise invalid("process_rule is required.")
    return _save(call.world, found, config, upload)


@routes.add("POST", "/documents/{document}/update-by-text", "/documents/{document}/update_by_text")
def update_by_text(call: Call) -> Reply:
    """New content, a new name, or both."""
    found = call.dataset
    asked = validated(DocumentTextUpdate, call.request.json)
    if asked.text and not asked.name:
        raise invalid("name is required when text is provided.")
    _need_rule(asked.process_rule)
    upload = _text_upload(call.world, asked.name or "", asked.text) if asked.text else None
    return _update(call.world, found, call.ids["document"], upload, asked.process_rule, asked.name)


@routes.add("PATCH", "/documents/{document}")
@routes.add("POST", "/documents/{document}/update-by-file", "/documents/{document}/update_by_file")
def update_by_file(call: Call) -> Reply:
    """New content from a file, whose name the document takes unless another is sent."""
    found = call.dataset
    data = {"indexing_technique": found.technique or "economy"} | _data(call.request)
    config = validated(KnowledgeConfig, data)
    _need_rule(config.process_rule)
    sent = call.request.form[1]
    upload = _file_upload(call.world, _file(call.request), told=True) if sent else None
    name = config.name or (upload.name if upload else None)
    return _update(call.world, found, call.ids["document"], upload, config.process_rule, name)


@routes.add("GET", "/documents")
def list_documents(call: Call) -> Reply:
    """The documents, the newest first."""
    found = call.dataset
    keyword = call.request.query.get("keyword", "").casefold()
    status = call.request.query.get("status")
    rows = [
        document
        for document in found.documents.values()
        if keyword in document.name.casefold() and status in {None, document.display_status}
    ]
    shown, said = page(rows[::-1], call.request.number("page", 1), call.request.number("limit", 20))
    return Reply({"data": [document_json(call.world, found, one) for one in shown], **said})


@routes.add("GET", "/documents/{document}")
def get_document(call: Call) -> Reply:
    """One document."""
    found = call.dataset
    part = call.request.query.get("metadata", "all")
    if part not in {"all", "only", "without"}:
        raise ApiError(400, "invalid_metadata", f"Invalid metadata value: {part}")
    return Reply(document_detail(call.world, found, call.document, part))


@routes.add("GET", "/documents/{batch:any}/indexing-status")
def indexing_status(call: Call) -> Reply:
    """How far the documents of a posting are; a later posting takes them over."""
    found = call.dataset
    rows = [one for one in found.documents.values() if one.batch == call.ids["batch"]]
    if not rows:
        raise not_found("Documents not found.")
    return Reply({"data": [status_json(one) for one in rows]})


@routes.add("GET", "/documents/{document}/download")
def download(call: Call) -> Reply:
    """Where the file could be fetched."""
    upload = call.document.upload
    host = call.request.headers.get("host", "")
    return Reply({"url": f"http://{host}/files/{upload.id}/file-preview?as_attachment=true"})


@routes.add("DELETE", "/documents/{document}")
def delete_document(call: Call) -> Reply:
    """Delete it, also while it is indexed; not from the archive."""
    found = call.dataset
    gone = found.document(call.ids["document"], "Document Not Exists.")
    if gone.archived:
        raise ApiError(403, "archived_document_immutable", "The archived document is not editable.")
    forget_segments(found, gone)
    del found.documents[gone.id]
    return NO_CONTENT


@routes.add("PATCH", "/documents/status/{action:any}")
def change_status(call: Call) -> Reply:
    """Switch documents on or off, into the archive and back."""
    found, action = call.dataset, call.ids["action"]
    if action not in _ACTIONS:
        raise ApiError(
            400, "invalid_action", f"Invalid action: {action}. Must be one of {_ACTIONS}"
        )
    for document_id in validated(DocumentIds, call.request.json).document_ids:
        if document := found.documents.get(document_id):
            _change(call.world, found, document, action)
    return Reply({"result": "success"})


def _change(world: World, dataset: Dataset, document: Document, action: str) -> None:
    if document.busy_until > time.monotonic():
        raise ApiError(
            400,
            "invalid_action",
            f"Document:{document.name} is being indexed, please try again later",
        )
    if action == "disable" and document.status != DONE:
        raise ApiError(400, "invalid_action", f"Document: {document.name} is not completed.")
    before = (document.enabled, document.archived)
    if action in {"enable", "disable"}:
        document.enabled = action == "enable"
        document.disabled_at = None if document.enabled else int(time.time())
    else:
        document.archived = action == "archive"
    if (document.enabled, document.archived) == before:
        return
    wait = world.status_seconds if world.worker_alive else float("inf")
    document.busy_until = time.monotonic() + wait
    nodes = {one.node_id: one.keywords for one in document.segments if one.keywords}
    document.in_index = document.enabled and not document.archived
    if document.searchable:
        dataset.table = keywords.added(dataset.table, ((id_, nodes[id_] or ()) for id_ in nodes))
    else:
        dataset.table = keywords.removed(dataset.table, nodes)


def _save(world: World, dataset: Dataset, config: KnowledgeConfig, upload: Upload) -> Reply:
    """Put a posted document into the dataset: over the enabled one of its name, or beside."""
    if config.original_document_id:
        id_ = config.original_document_id
        return _update(world, dataset, id_, upload, config.process_rule, upload.name)
    _settle(dataset, config)
    rule = _rule(world, dataset, config.process_rule)
    batch = world.new_batch()
    same = (one for one in dataset.documents.values() if one.name == upload.name and one.enabled)
    document = next(same, None) if config.duplicate else None
    if document is None:
        document = Document(
            id=world.new_id(),
            name=upload.name,
            position=max((one.position for one in dataset.documents.values()), default=0) + 1,
            upload=upload,
            rule=rule,
            batch=batch,
            doc_form=config.doc_form,
            doc_language=config.doc_language,
        )
        dataset.documents[document.id] = document
        document.metadata = built_in(document) if dataset.built_in_fields else None
    document.upload, document.rule, document.batch = upload, rule, batch
    document.doc_form = config.doc_form
    document.updated_at = time.time()
    enqueue(world, dataset, document)
    return Reply({"document": document_json(world, dataset, document), "batch": batch})


def _update(
    world: World,
    dataset: Dataset,
    document_id: str,
    upload: Upload | None,
    rule: ProcessRule | None,
    name: str | None,
) -> Reply:
    """Change a document that is available; its batch stays the old one."""
    document = dataset.document(document_id)
    if document.display_status != "available":
        raise invalid("Document is not available")
    document.rule = _rule(world, dataset, rule)
    document.upload = upload or document.upload
    document.name = name or document.name
    document.created_from = "web"
    document.updated_at = time.time()
    enqueue(world, dataset, document)
    shown = document_json(world, dataset, document)
    return Reply({"document": shown, "batch": document.batch})


def _settle(dataset: Dataset, config: KnowledgeConfig) -> None:
    """The first document fixes the technique and the form of its dataset."""
    dataset.settings["indexing_technique"] = dataset.technique or config.indexing_technique
    dataset.doc_form = dataset.doc_form or config.doc_form


def _rule(world: World, dataset: Dataset, asked: ProcessRule | None) -> Rule:
    """The rule that was sent, which is the dataset's latest from now on; else the latest."""
    if asked is None and dataset.latest_rule:
        return dataset.latest_rule
    mode = asked.mode.value if asked else "automatic"
    dataset.latest_rule = Rule(world.new_id(), mode, asked.rules if asked else None)
    return dataset.latest_rule


def _need_rule(rule: ProcessRule | None) -> None:
    if rule is None or rule.mode is ProcessRuleMode.AUTOMATIC:
        return
    if not rule.rules:
        raise invalid("Process rule rules is required")
    if rule.rules.get("pre_processing_rules") is None:
        raise invalid("Process rule pre_processing_rules is required")
    cut = rule.rules.get("segmentation")
    if not cut:
        raise invalid("Process rule segmentation is required")
    if not cut.get("separator"):
        raise invalid("Process rule segmentation separator is required")
    if not isinstance(cut.get("max_tokens"), int):
        raise invalid("Process rule segmentation max_tokens is invalid")


def _need_form(dataset: Dataset, config: KnowledgeConfig) -> None:
    if dataset.doc_form and config.doc_form != dataset.doc_form:
        raise invalid("doc_form is different from the dataset doc_form.")


def _need_room(world: World) -> None:
    limits = world.limits
    if limits.documents is not None:
        count = sum(len(one.documents) for one in world.datasets.values())
        if count >= limits.documents:
            raise forbidden("The number of documents has reached the limit of your subscription.")
    if limits.vector_space_is_full:
        raise forbidden(
            "The capacity of the vector space has reached the limit of your subscription."
        )


def _data(request: Request) -> dict[str, Any]:
    """The JSON beside a file."""
    try:
        found = json.loads(request.form[0].get("data") or "{}")
    except ValueError as error:
        raise invalid(str(error)) from None
    return found if isinstance(found, dict) else {}


def _file(request: Request) -> File:
    files = request.form[1]
    if not files:
        raise ApiError(400, "no_file_uploaded", "Please upload your file.")
    if len(files) > 1:
        raise ApiError(400, "too_many_files", "Only one file is allowed.")
    if not files[0].name:
        raise ApiError(400, "filename_not_exists_error", "The specified filename does not exist.")
    return files[0]


def _file_upload(world: World, file: File, *, told: bool = False) -> Upload:
    """Check and keep a file. `told`: whether a refusal says why, which a new one's does not."""
    extension = PurePath(file.name).suffix.removeprefix(".").lower()
    if any(sign in file.name for sign in "/\\"):
        raise invalid("Filename contains invalid characters")
    if extension not in TYPES:
        raise (
            ApiError(415, "unsupported_file_type", "File type not allowed.")
            if told
            else invalid("")
        )
    if len(file.content) > world.limits.upload_bytes:
        raise (
            ApiError(413, "file_too_large", "File size exceeded. {message}")
            if told
            else invalid("")
        )
    most = world.limits.name_length
    name = file.name
    if len(name) > most:
        name = f"{name.split('.')[0][:most]}.{extension}"
    text = file.content.decode(errors="replace")
    size = len(file.content)
    return Upload(world.new_id(), name, text, size, extension, file.mime_type)


def _text_upload(world: World, name: str, text: str) -> Upload:
    name = name[: world.limits.name_length]
    return Upload(world.new_id(), name, text, len(text), "txt", "text/plain")
