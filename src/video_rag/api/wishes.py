"""What can be asked for over the API: one model for each kind, and who may ask for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from video_rag.api.auth import Caller
from video_rag.api.problems import Forbidden
from video_rag.errors import UnsupportedUrl, VideoRagError
from video_rag.library import Library, Wishes
from video_rag.operations import keys, wishes
from video_rag.settings.redaction import remember, secrets_of
from video_rag.stores.requests import Request

Name = Annotated[str, Field(min_length=1, max_length=300)]
Url = Annotated[str, Field(min_length=1, max_length=4000)]
Names = Annotated[list[Name], Field(max_length=1000)]


class Wished(BaseModel):
    """What may be said about what is added."""

    collection: Name | None = None
    title: Annotated[str, Field(max_length=300)] | None = None
    """For a single video; an empty one takes back what was given."""
    language: Name | None = None
    fetch: Annotated[str, Field(max_length=20)] | None = None
    """`video`, `audio`, `subtitles`, or a greatest height such as `480p`."""


class AddWish(Wished):
    """Take in what lies behind paths and URLs; paths, those of the server, need an admin."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["add"]
    urls: Annotated[list[Url], Field(min_length=1, max_length=1000)]


class RetryWish(BaseModel):
    """Try videos again."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["retry"]
    video_ids: Annotated[Names, Field(min_length=1)]


class CheckWish(BaseModel):
    """Look at these lists now, or at all that are followed, and work on what is new."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["check"]
    urls: Names = []


class PublishWish(BaseModel):
    """Bring a knowledge base, or every one, in line with these videos, or with all."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["publish"]
    to: Name | None = None
    video_ids: Names = []


class ExportWish(BaseModel):
    """Write documents into a folder of the server, which needs an admin."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["export"]
    format: Name
    folder: Annotated[str, Field(min_length=1, max_length=4000)]
    video_ids: Names = []


class DiscoverWish(BaseModel):
    """Look at these addresses, or at the subscriptions that are due; what is new is taken in.

    Nothing is worked on: `video_ids` of the request are those that want work.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["discover"]
    urls: Annotated[list[Url], Field(max_length=1000)] = []
    collection: Name | None = None
    language: Name | None = None
    fetch: Annotated[str, Field(max_length=20)] | None = None
    force: bool = False
    """Look at all subscriptions, also those that are not due."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 500
    """Videos that are told at most; the others are told the next time."""


class ProcessWish(BaseModel):
    """Work on videos until nothing more can be done for them now."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["process"]
    video_ids: Annotated[Names, Field(min_length=1)]


class VerifyWish(BaseModel):
    """Compare knowledge bases, or all, with the library; drift is a failure of the request."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["verify"]
    bases: Names = []


class ReportWish(BaseModel):
    """Sum up requests: these, or those that were asked for in a time (seconds since the epoch)."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["report"]
    request_ids: Annotated[list[Name], Field(max_length=5000)] = []
    since: float = 0.0
    until: float | None = None
    """None: until it is summed up."""


class DoctorWish(BaseModel):
    """Look at all that video-rag needs, which needs an admin; what is wrong is a failure."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["doctor"]
    thorough: bool = False
    """Read all that is stored."""


class SweepWish(BaseModel):
    """Delete stored results that no video needs any more, which needs an admin."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["sweep"]


Wish = Annotated[
    AddWish
    | RetryWish
    | CheckWish
    | PublishWish
    | ExportWish
    | DiscoverWish
    | ProcessWish
    | VerifyWish
    | ReportWish
    | DoctorWish
    | SweepWish,
    Field(discriminator="kind"),
]


def request(wish: Wish, library: Library, caller: Caller) -> Request:
    """The request for a wish, checked as far as it can be at once.

    Raises what refuses it: `Forbidden`, `NotFound`, `UnsupportedUrl`, `UsageError`.
    """
    make: Callable[[Any, Library, Caller], Request] = _MAKERS[type(wish)]
    try:
        made = make(wish, library, caller)
    except VideoRagError:  # its message may have a key that was pasted into the wrong field
        remember(secrets_of(wish.model_dump()))
        raise
    # ids look like keys, and none is one: each was looked up, or is told by no request
    remember(secrets_of(wish.model_dump(exclude={"video_ids", "request_ids"})))
    return made


def to_add(urls: list[str], wished: Wished, library: Library, caller: Caller) -> Request:
    """The request to add these, by who may.

    Raises `Forbidden` for paths but of an admin, `UnsupportedUrl` for what no source takes.
    """
    _refuse(urls, library, caller)
    said = Wishes(wished.collection, wished.title, wished.language, wished.fetch)
    return wishes.add(urls, said, asker(caller))


def asker(caller: Caller) -> str:
    """Who asks, as a request remembers it."""
    return caller.name or "local"


def _admin(caller: Caller, refused: str, hint: str) -> None:
    if not keys.allows(caller.role, "admin"):
        raise Forbidden(refused, hint=hint)


def _refuse(urls: list[str], library: Library, caller: Caller) -> None:
    """Raise `Forbidden` for paths but of an admin, `UnsupportedUrl` for what no source takes."""
    if not all(url.lower().startswith(("http://", "https://")) for url in urls):
        refused = "only URLs can be added with this key"
        _admin(caller, refused, "paths on the server need the role admin")
    for url in urls:
        try:
            library.refuse_unsupported(url)
        except UnsupportedUrl as error:  # what was sent may be a key, pasted into the wrong field
            raise UnsupportedUrl("nothing can read that url", hint=error.hint) from None


def _add(wish: AddWish, library: Library, caller: Caller) -> Request:
    return to_add(wish.urls, wish, library, caller)


def _retry(wish: RetryWish, library: Library, caller: Caller) -> Request:
    return wishes.retry(_known(wish.video_ids, library), asker(caller))


def _check(wish: CheckWish, library: Library, caller: Caller) -> Request:
    return wishes.check([library.watch.find(name).url for name in wish.urls], asker(caller))


def _publish(wish: PublishWish, library: Library, caller: Caller) -> Request:
    if wish.to is not None:
        library.parts.knowledge(wish.to)
    return wishes.publish(wish.to or "", _known(wish.video_ids, library), asker(caller))


def _export(wish: ExportWish, library: Library, caller: Caller) -> Request:
    _admin(caller, "this key cannot write files", "exporting needs the role admin")
    return wishes.export(_known(wish.video_ids, library), wish.format, wish.folder, asker(caller))


def _discover(wish: DiscoverWish, library: Library, caller: Caller) -> Request:
    _refuse(wish.urls, library, caller)
    said = Wishes(wish.collection, None, wish.language, wish.fetch)
    return wishes.discover(wish.urls, said, asker(caller), limit=wish.limit, force=wish.force)


def _process(wish: ProcessWish, library: Library, caller: Caller) -> Request:
    return wishes.process(_known(wish.video_ids, library), asker(caller))


def _verify(wish: VerifyWish, library: Library, caller: Caller) -> Request:
    for base in wish.bases:
        library.parts.knowledge(base)
    return wishes.verify(wish.bases, asker(caller))


def _report(wish: ReportWish, _library: Library, caller: Caller) -> Request:
    return wishes.report(wish.request_ids, wish.since, wish.until, asker(caller))


def _doctor(wish: DoctorWish, _library: Library, caller: Caller) -> Request:
    _admin(caller, "this key cannot look at the server", "doctor needs the role admin")
    return wishes.doctor(asker(caller), thorough=wish.thorough)


def _sweep(_wish: SweepWish, _library: Library, caller: Caller) -> Request:
    _admin(caller, "this key cannot delete stored results", "sweep needs the role admin")
    return wishes.sweep(asker(caller))


def _known(video_ids: list[str], library: Library) -> list[str]:
    """The same ids. Raises `NotFound` for one that no video has."""
    for video_id in video_ids:
        library.status(video_id)
    return video_ids


_MAKERS: Mapping[type[BaseModel], Callable[..., Request]] = {
    AddWish: _add,
    RetryWish: _retry,
    CheckWish: _check,
    PublishWish: _publish,
    ExportWish: _export,
    DiscoverWish: _discover,
    ProcessWish: _process,
    VerifyWish: _verify,
    ReportWish: _report,
    DoctorWish: _doctor,
    SweepWish: _sweep,
}
