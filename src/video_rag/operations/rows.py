"""The JSON that both doors give: `--json` of the command line and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from video_rag.library import Status
from video_rag.model import Answer, Citation, Hit
from video_rag.settings.redaction import redact, redact_urls
from video_rag.stores import ApiKey
from video_rag.text.addresses import public

if TYPE_CHECKING:
    from video_rag.stores.requests import Request

Row = dict[str, Any]
_HOW_FAR = ("video_id", "stage", "share", "note", "result")


def video_row(status: Status) -> Row:
    """A line of `list`; `source` is the path or URL that the video came from."""
    video = status.video
    return {
        "video_id": video.video_id,
        "title": video.title,
        "source": public(video.url),
        "state": status.state,
        "language": video.language,
        "collection": video.collection,
        "collections": list(video.collections),
        "duration": video.duration,
    }


def failure_rows(status: Status) -> list[Row]:
    """Why a video is not ready, and what to do about it."""
    return [
        {
            "stage": failure.stage,
            "message": redact(failure.message),
            "hint": redact_urls(failure.hint),
        }
        for failure in status.failures
    ]


def hit_row(hit: Hit) -> Row:
    """A found passage; `url` opens the video at `start`."""
    chunk = hit.chunk
    return {
        "video_id": chunk.video_id,
        "title": chunk.title,
        "source": public(chunk.source),
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "score": hit.score,
        "url": public(chunk.url),
        "language": chunk.language,
        "collection": chunk.collection,
        "collections": list(chunk.collections),
        "origin": chunk.origin,
        "speakers": list(chunk.speakers),
    }


def citation_row(citation: Citation) -> Row:
    """The proof of a claim; `start` and `end` are those of the quoted lines."""
    return {
        "number": citation.number,
        "video_id": citation.video_id,
        "title": citation.title,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "url": public(citation.url),
    }


def answer_row(answer: Answer) -> Row:
    """An answer whole; `model` is None when no language model wrote it."""
    return {
        "answer": answer.answer,
        "citations": [citation_row(citation) for citation in answer.citations],
        "refused": answer.refused,
        "model": answer.model,
    }


def request_row(request: Request) -> Row:
    """What was asked for and how far it is; times are seconds since the epoch."""
    return {
        "request_id": request.request_id,
        "kind": request.kind,
        "about": redact(request.about),
        "state": request.state,
        "asked_by": request.asked_by,
        "asked": request.asked,
        "begun": request.begun,
        "ended": request.ended,
        "attempts": request.attempts,
        **{name: value for name, value in vars(request.progress).items() if name in _HOW_FAR},
        "video_ids": list(request.video_ids),
        "failures": [
            {**vars(one), "message": redact(one.message), "hint": redact_urls(one.hint)}
            for one in request.failures
        ],
    }


def key_row(key: ApiKey) -> Row:
    """An API key without its hash."""
    return {
        "key_id": key.key_id,
        "name": key.name,
        "role": key.role,
        "created": key.created,
        "revoked": key.revoked,
    }
