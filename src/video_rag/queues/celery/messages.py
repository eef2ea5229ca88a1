"""What a message is: one Celery task, a video and a stage; all else is no message of ours."""

from __future__ import annotations

import json
import uuid
from typing import Any

from video_rag.model import Job

TASK = "video_rag.stage"
FORMAT = 1
"""Of a message: raised when its arguments mean something else."""
URGENT = ".now"
"""How the name of a queue ends that holds what a person waits for."""
_NAMESPACE = uuid.UUID("5dd3a3a6-54c2-4a6e-9f0b-7f2a3a6a1c11")


def task_id(job: Job) -> str:
    """The same for the same job, so that it is known in logs and among dead letters."""
    return str(uuid.uuid5(_NAMESPACE, f"{job.video_id}\n{job.stage}"))


def job_in(message: Any, *, of_any_version: bool = False) -> Job:
    """The job that a message asks for. Raises `ValueError` saying why it is none."""
    args, more = _arguments(message)
    version = more.get("version")
    if version != FORMAT and not of_any_version:
        told = f"a message of version {version!r}, where this worker knows {FORMAT}"
        raise ValueError(f"{told}: bring every host to one version of video-rag")
    if len(args) != 2 or not all(isinstance(one, str) and one for one in args):
        raise ValueError("a message that names no video and stage")
    return Job(video_id=args[0], stage=args[1])


def _arguments(message: Any) -> tuple[list[Any], dict[str, Any]]:
    task = message.headers.get("task")
    if task != TASK:
        raise ValueError(f"a message for another task ({task})" if task else "a message of no task")
    if message.content_type != "application/json":
        raise ValueError(f"a message that is no JSON ({message.content_type})")
    try:
        body = json.loads(message.body)
    except ValueError:
        raise ValueError("a message that is no JSON") from None
    if isinstance(body, list) and len(body) == 3 and isinstance(body[0], list):
        return body[0], body[1] if isinstance(body[1], dict) else {}
    raise ValueError("a message that names no video and stage")
