"""One way to talk to HTTP servers: time-outs, retries, and errors in our own words."""

from __future__ import annotations

import email.utils
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx2
import stamina

from video_rag.errors import NotFound, Rejected, Unavailable, VideoRagError
from video_rag.settings.redaction import redact

USER_AGENT = "video-rag"
_LONGEST_WAIT = 60.0
"""Seconds. A server that wants more time gets it from the ledger, not from a sleeping process."""
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_BUSY = frozenset({408, 425, 429})
_HINTS = {
    401: "check the API key",
    402: "check the account's balance",
    403: "check the API key and what it may do",
    413: "send less at once",
}


class Client:
    """A server behind one base URL. Calls raise `Unavailable`, `Rejected` or `NotFound`.

    `Unavailable` is tried again up to `attempts` times, after the pause that the server asked for
    in `Retry-After`. A POST is tried again only where the server said that it did nothing (429,
    503), or always with `repeatable=True`. A server with errors of its own is a subclass, which
    overrides `error_of` and `read`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str = "",
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        attempts: int = 4,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.name = name or httpx2.URL(base_url).host
        self.attempts = attempts
        self._client = httpx2.Client(
            base_url=base_url,
            headers={"User-Agent": USER_AGENT, **(headers or {})},
            timeout=httpx2.Timeout(timeout, connect=min(timeout, 10.0)),
            transport=transport,
        )
        weakref.finalize(self, self._client.close)  # who drops a client leaves no connection open

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def get_json(self, path: str, **params: Any) -> Any:
        """The JSON behind a path."""
        return self.call("GET", path, params=params or None)

    def post_json(self, path: str, body: Any, *, repeatable: bool = False) -> Any:
        """Send JSON, get JSON. `repeatable` says that doing it twice is harmless."""
        return self.call("POST", path, repeatable=repeatable, json=body)

    def call(self, method: str, path: str, *, repeatable: bool | None = None, **more: Any) -> Any:
        """One request, repeated while that may help; its JSON, or None without a body."""
        response = self.request(method, path, repeatable=repeatable, **more)
        return self.read(response) if response.content else None

    def request(
        self, method: str, path: str, *, repeatable: bool | None = None, **more: Any
    ) -> httpx2.Response:
        """Like `call`, but the whole response: headers, cookies, bytes."""
        may_repeat = method in _REPEATABLE if repeatable is None else repeatable

        def pause(error: Exception) -> bool | float:
            return _pause(error, may_repeat)

        for attempt in stamina.retry_context(on=pause, attempts=self.attempts, timeout=None):
            with attempt, translated(self.name, self.error_of):
                response = self._client.request(method, path, **more)
                response.raise_for_status()
                return response
        raise AssertionError("stamina either returns or raises")

    @contextmanager
    def stream(self, method: str, path: str, **more: Any) -> Iterator[Iterator[str]]:
        """The lines of an answer as they come; never repeated."""
        with (
            translated(self.name, self.error_of),
            self._client.stream(method, path, **more) as response,
        ):
            if response.is_error:
                response.read()
            response.raise_for_status()
            self.check_stream(response)
            yield _lines(response.iter_text())

    def error_of(self, response: httpx2.Response) -> VideoRagError:
        """The error that a response with status 3xx, 4xx or 5xx means."""
        return error_of(self.name, response)

    def read(self, response: httpx2.Response) -> Any:
        """The JSON of an answer."""
        return _json(response, self.name)

    def check_stream(self, response: httpx2.Response) -> None:
        """Raise where an answer that should be streamed cannot be one, told from its headers."""


@contextmanager
def translated(
    name: str, table: Callable[[httpx2.Response], VideoRagError] | None = None
) -> Iterator[None]:
    """Turn the HTTP library's errors into ours; `name` says whose server it is.

    `table` says what a status means. Messages hold neither URLs, whose queries may carry keys, nor
    headers.
    """
    try:
        yield
    except httpx2.HTTPStatusError as error:
        raise (table(error.response) if table else error_of(name, error.response)) from error
    except httpx2.TimeoutException as error:
        raise Unavailable(f"{name} did not answer in time", hint="try again later") from error
    except (httpx2.ReadError, httpx2.RemoteProtocolError) as error:
        raise Unavailable(f"{name} broke the connection off", hint="try again") from error
    except httpx2.TransportError as error:
        raise Unavailable(
            f"{name} cannot be reached: {error or type(error).__name__}",
            hint="check its address and whether it runs",
        ) from error
    except (httpx2.RequestError, httpx2.InvalidURL) as error:
        raise Rejected(f"{name}: {type(error).__name__}", hint="check its address") from error


def _lines(pieces: Iterator[str]) -> Iterator[str]:
    """The lines of a text that comes in pieces, split at line feeds only.

    The HTTP library also splits at U+2028, U+0085 and others, which JSON may hold as they are.
    """
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + piece).split("\n")
        yield from (line.removesuffix("\r") for line in lines)
    if rest:
        yield rest


def error_of(name: str, response: httpx2.Response) -> VideoRagError:
    """The error that a response with status 3xx, 4xx or 5xx means."""
    status = response.status_code
    what = f"{name} answered {status} {response.reason_phrase}".rstrip()
    if status in _BUSY or status >= 500:
        return Unavailable(
            what,
            hint="try again later",
            retry_after=retry_after(response.headers.get("Retry-After")),
        )
    said = _reason(response)
    message = f"{what}: {said}" if said else what
    if status == 404:
        return NotFound(message, hint="check the name and the server's address")
    return Rejected(message, hint=_HINTS.get(status, "see the server's message"))


def retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a `Retry-After` header: a number or a date (RFC 9110 §10.2.3)."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        date = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - time.time())


def _pause(error: Exception, may_repeat: bool) -> bool | float:
    """Whether to try again, or after how many seconds."""
    if not isinstance(error, Unavailable):
        return False
    cause = error.__cause__
    refused = isinstance(cause, httpx2.ConnectError) or (
        # `Unavailable` with a status 4xx: the server took no request, it asks for patience
        isinstance(cause, httpx2.HTTPStatusError)
        and (cause.response.status_code < 500 or cause.response.status_code == 503)
    )
    if not may_repeat and not refused:
        return False
    if error.retry_after is None:
        return True
    return error.retry_after if error.retry_after <= _LONGEST_WAIT else False


def _json(response: httpx2.Response, name: str) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise Rejected(
            f"{name} sent something that is no JSON", hint="check its address: is it the API's?"
        ) from error


def _reason(response: httpx2.Response) -> str:
    """What the server says went wrong, on one line."""
    try:
        body = response.json()
    except (ValueError, httpx2.ResponseNotRead):
        return ""
    if not isinstance(body, dict):
        return ""
    found = body.get("error") or body.get("message") or body.get("detail") or ""
    if isinstance(found, dict):
        found = found.get("message") or ""
    return redact(" ".join(str(found).split()))[:200]  # before a key is cut in two
