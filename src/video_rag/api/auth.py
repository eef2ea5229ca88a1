"""Who asks, and what they may do: an API key, a session of the page, or the local user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from pydantic import BaseModel, Field

from video_rag import __version__, causes
from video_rag.api.limits import Rates
from video_rag.api.models import Who, refusals
from video_rag.api.neighbours import address_of, is_at_this_machine
from video_rag.api.problems import Forbidden, TooMany, Unauthorized
from video_rag.api.sessions import COOKIE, SESSION_SECONDS, Attempts, Sessions
from video_rag.library import Library
from video_rag.operations import keys

router = APIRouter(prefix="/api/session", tags=["session"])

NAMED = [
    Security(
        HTTPBearer(
            scheme_name="key",
            auto_error=False,
            bearerFormat="vr_…",
            description="An API key of `video-rag keys add`.",
        )
    ),
    Security(
        APIKeyCookie(
            name=COOKIE,
            scheme_name="session",
            auto_error=False,
            description="The cookie of `POST /api/session`.",
        )
    ),
]
"""Tells machines how to say who asks: either will do. `Gate` is what decides."""


@dataclass(frozen=True)
class Caller:
    """Who asks."""

    name: str
    role: str
    key_id: str = ""
    address: str = ""

    @property
    def who(self) -> str:
        """What limits count: the key, else the address."""
        return self.key_id or self.address


class Gate:
    """Decides who comes in: keys; without `keys_required` also who sits here, until a key was made.

    In doubt it is closed: revoking the last key opens nothing, and who may have come through a
    proxy is not taken for someone at this machine.
    """

    def __init__(self, library: Library, *, keys_required: bool) -> None:
        self._ledger = library.ledger
        self._keys_required = keys_required
        self.public_url: str = library.settings.server.public_url
        self.sessions = Sessions(library.settings.home / "session.key")
        self.attempts = Attempts()
        self.rates = Rates(library.settings.server.requests_per_minute, "requests")

    def is_open(self) -> bool:
        """Whether people at this machine need no key: none was ever made."""
        return not self._keys_required and not keys.ever(self._ledger)

    def caller(self, request: Request) -> Caller:
        """Who sent this request. Raises `Unauthorized`, or `TooMany` of one key."""
        scheme, _, plain = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            key = keys.verify(self._ledger, plain)
        else:
            key_id = self.sessions.read(request.cookies.get(COOKIE, ""))
            key = keys.find(self._ledger, key_id) if key_id else None
        if key:
            causes.current().asked_by = key.name
            self.rates.take(key.key_id)
            return Caller(key.name, key.role, key.key_id, address_of(request))
        if self.is_open() and is_at_this_machine(request):
            return Caller("", "admin", address=address_of(request))
        raise Unauthorized("an API key is needed", hint=self._remedy())

    def _remedy(self) -> str:
        if keys.living(self._ledger):
            return "log in, or send `Authorization: Bearer vr_…`"
        return "make one on the server: video-rag keys add NAME --role admin"

    def log_in(self, plain: str, address: str) -> tuple[Caller, str]:
        """The caller whose key this is, and a session. Raises `Unauthorized`, `TooMany`."""
        if wait := self.attempts.wait(address):
            raise TooMany("too many failed logins", hint="wait some minutes", retry_after=wait)
        key = keys.verify(self._ledger, plain)
        if key is None:
            self.attempts.fail(address)
            raise Unauthorized(
                "this key is not known here", hint="make one: video-rag keys add NAME --role read"
            )
        return Caller(key.name, key.role, key.key_id), self.sessions.issue(key.key_id)


async def gate_of(request: Request) -> Gate:
    """The gate of this app."""
    gate: Gate = request.app.state.gate
    return gate


async def library_of(request: Request) -> Library:
    """The library of this app."""
    library: Library = request.app.state.library
    return library


TheGate = Annotated[Gate, Depends(gate_of)]
TheLibrary = Annotated[Library, Depends(library_of)]


def needs(role: keys.Role) -> Any:
    """A dependency that gives the caller, if they may do what needs this role."""

    def caller(
        request: Request, gate: TheGate, _key: Any = NAMED[0], _session: Any = NAMED[1]
    ) -> Caller:
        found = gate.caller(request)
        if not keys.allows(found.role, role):
            raise Forbidden(
                f"this needs a key with the role {role}",
                hint=f"yours has {found.role}: video-rag keys add NAME --role {role}",
            )
        return found

    return Depends(caller)


class Login(BaseModel):
    """What the login form sends."""

    key: str = Field(max_length=200)


@router.post("", response_model=Who, responses=refusals(400, 401, 403, 429))
def log_in(login: Login, request: Request, response: Response, gate: TheGate) -> dict[str, Any]:
    """Trade an API key for a session cookie that scripts cannot read nor other sites send."""
    address = address_of(request)
    caller, session = gate.log_in(login.key, address)
    response.set_cookie(
        COOKIE,
        session,
        max_age=int(SESSION_SECONDS),
        httponly=True,
        samesite="strict",
        secure=_is_https(request, gate),
    )
    return _who(caller, gate)


@router.get("", response_model=Who, responses=refusals(401, 429), dependencies=NAMED)
def who_am_i(request: Request, gate: TheGate) -> dict[str, Any]:
    """Whom the server takes the asker for."""
    return _who(gate.caller(request), gate)


@router.delete("", status_code=204, responses=refusals(403, 503))
def log_out(request: Request, response: Response, gate: TheGate) -> None:
    """End the session: the cookie opens nothing any more, whoever has a copy of it."""
    gate.sessions.end(request.cookies.get(COOKIE, ""))
    response.delete_cookie(
        COOKIE, httponly=True, samesite="strict", secure=_is_https(request, gate)
    )


def _who(caller: Caller, gate: Gate) -> dict[str, Any]:
    return {
        "name": caller.name,
        "role": caller.role,
        "keys_required": not gate.is_open(),
        "version": __version__,
    }


def _is_https(request: Request, gate: Gate) -> bool:
    """Whether the browser's side of the connection is encrypted; a proxy may end it before us."""
    return request.url.scheme == "https" or gate.public_url.startswith("https://")
