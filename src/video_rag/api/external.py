"""Dify's External Knowledge API: `POST /retrieval`, as Dify 1.16.1 really calls it.

- Registering sends an empty probe, and fails on 403, 404 and 502 alone. An empty question is
  answered with no records; a wrong key with 403, so that it is noticed when it is entered and not
  when somebody asks.
- An endpoint that ends in a slash makes it `//retrieval`.
- Dify gives up after 5 s and asks three times more, also after 503. After `SECONDS` we answer 503,
  while the search goes on: the repeated request takes its result (see `timely`). An empty answer
  instead would tell people that there is nothing.
- Dify neither sorts nor cuts nor applies its threshold: we do (see `operations.retrieval`).
- `metadata` must be an object in every record.

`knowledge_id` names a collection; "", `all` and `default` mean the whole library.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BaseModel, Field

from video_rag.api.ask import looked_up
from video_rag.api.auth import NAMED, TheGate, TheLibrary
from video_rag.api.links import Links, TheLinks
from video_rag.api.models import DifyProblem, Problem, Records, refusals
from video_rag.api.problems import Forbidden, Unauthorized
from video_rag.api.timely import Timely
from video_rag.dify.passages import footer, one_line
from video_rag.errors import NotFound, VideoRagError
from video_rag.operations import keys
from video_rag.operations.conditions import Conditions, day
from video_rag.operations.retrieval import Found, Wanted, retrieve
from video_rag.settings.redaction import redact_urls
from video_rag.text.memberships import framed

log = logging.getLogger("video_rag")

SECONDS = 2.5
"""Longest search. Dify waits 5 s, of which its proxy and the network take some."""
MAX_QUERY = 2000
"""Characters; of a longer question the first so many are looked for."""
MAX_RECORDS = 100
WHOLE_LIBRARY = frozenset({"", "all", "default"})

BAD_HEADER, BAD_KEY, NO_KNOWLEDGE = 1001, 1002, 2001
"""Error codes of Dify's convention."""
BAD_REQUEST, NOT_NOW = 3001, 3002
"""Error codes of ours, which the convention leaves open."""


def _is_text(text: str) -> str:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("half of a character (a lone surrogate) is no text")
    return text


Text = Annotated[str, AfterValidator(_is_text)]


class Setting(BaseModel):
    """How many records are wanted, and how good."""

    top_k: Annotated[int, Field(ge=0)] = 3
    score_threshold: float | None = 0.0


class Asked(BaseModel):
    """The body of a request."""

    knowledge_id: Annotated[Text, Field(max_length=300)] | None = ""
    query: Text | None = ""
    retrieval_setting: Setting = Setting()
    metadata_condition: Conditions | None = None


class _Refusal(Forbidden):
    """Who asks may not come in."""

    def __init__(self, code: int, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class _Convention(APIRoute):
    """Tells errors as Dify's convention wants them: `{"error_code", "error_msg"}`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of a request, errors told."""
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
                return _error(BAD_REQUEST, f"{where}: {first['msg']}", 400)
            except VideoRagError as error:
                code = NO_KNOWLEDGE if isinstance(error, NotFound) else NOT_NOW
                said = f"{error}; {error.hint}" if error.hint else str(error)
                if not isinstance(error, NotFound | _Refusal):
                    log.warning("no answer for Dify: %s", said)
                return _error(getattr(error, "code", code), said, error.http_status)

        return told


def _error(code: int, message: str, status: int) -> JSONResponse:
    return JSONResponse({"error_code": code, "error_msg": redact_urls(message)}, status)


def _needs_key(request: Request, gate: TheGate) -> None:
    """Let in who may read, as elsewhere; but with the codes and the status that Dify looks at."""
    try:
        role = gate.caller(request).role
    except Unauthorized as error:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise _Refusal(
                BAD_HEADER,
                "Invalid Authorization header format",
                hint="send `Authorization: Bearer vr_…`, a key of `video-rag keys`",
            ) from error
        raise _Refusal(
            BAD_KEY,
            "Authorization failed: this key is not known here",
            hint="make one: video-rag keys add dify --role read",
        ) from error
    if not keys.allows(role, "read"):
        raise _Refusal(BAD_KEY, "this key may not read", hint="video-rag keys add dify --role read")


async def _timely_of(request: Request) -> Timely[list[Found]]:
    timely: Timely[list[Found]] = request.app.state.timely
    return timely


router = APIRouter(
    tags=["dify"],
    route_class=_Convention,
    dependencies=[Depends(_needs_key), *NAMED],
    responses=refusals(400, 403, 404, 429, 503, model=DifyProblem | Problem),
)


@router.post("//retrieval", include_in_schema=False)
@router.post("/retrieval", response_model=Records, response_model_exclude_unset=True)
async def retrieval(
    asked: Asked,
    request: Request,
    library: TheLibrary,
    links: TheLinks,
    timely: Annotated[Timely[list[Found]], Depends(_timely_of)],
) -> dict[str, list[dict[str, Any]]]:
    """The best passages for Dify, each with a link that opens its moment."""
    text = (asked.query or "").strip()[:MAX_QUERY]
    setting, collection = asked.retrieval_setting, asked.knowledge_id or ""
    limit = min(setting.top_k, MAX_RECORDS)
    if not text or limit < 1:
        return {"records": []}
    wanted = Wanted(
        text=text,
        limit=limit,
        threshold=setting.score_threshold or 0.0,
        collection=None if collection in WHOLE_LIBRARY else collection,
        conditions=asked.metadata_condition or Conditions(),
    )
    found = await looked_up(
        request, lambda: timely.get(repr(wanted), lambda: retrieve(library, wanted))
    )
    return {"records": [_record(one, links) for one in found]}


def _record(found: Found, links: Links) -> dict[str, Any]:
    """A passage as Dify takes it."""
    chunk, video = found.chunk, found.video
    facts = {
        "url": links.open({"url": chunk.url, "video_id": chunk.video_id, "start": chunk.start})[
            "url"
        ],
        "start": chunk.start,
        "end": chunk.end,
        "title": chunk.title,
        "video_id": chunk.video_id,
        "heading": chunk.heading,
        "site": chunk.video_id.partition(":")[0],
        "author": video.channel if video else None,
        "published": day(chunk.published).number,
        "duration": video.duration if video else None,
        "language": chunk.language,
        "origin": chunk.origin,
        "collection": framed(chunk.collections),
    }
    slides = (one_line(line) for line in chunk.slide_text.splitlines())
    content = [one_line(chunk.text), *slides, footer(chunk, str(facts["url"]))]
    return {
        "content": "\n".join(part for part in content if part),
        "score": round(found.score, 4),
        "title": chunk.title,
        "metadata": {name: fact for name, fact in facts.items() if fact not in {None, ""}},
    }
