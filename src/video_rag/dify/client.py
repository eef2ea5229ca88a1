"""The way to Dify's service API: keys, retries, and its errors in our own words.

    client = Client("https://api.dify.ai/v1", api_key="dataset-…")
    client.call("GET", "/datasets", params={"page": 1})

Network errors, 429, 5xx and the cloud's rate limit (a 403) are tried again; see
`video_rag.net.http.Client` for when a POST is. What Dify said is kept:
`errors.said_by(error).code`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx2

from video_rag import tallies
from video_rag.dify.errors import DifyError, DifyRejected, Said, error_for
from video_rag.errors import BadSettings, Unavailable
from video_rag.net import http

_ADDRESS = "base_url must be the service API's, which ends in /v1"
_DATASET_PATHS = ("/datasets", "/workspaces")


class Client(http.Client):
    """Dify behind one base URL, opened by one key. Calls raise what `dify.errors` tells."""

    address_hint = _ADDRESS
    """What to check when something else than the API answers."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str = "",
        headers: Mapping[str, str] | None = None,
        name: str = "Dify",
        timeout: float = 30.0,
        attempts: int = 4,
        rate_limit_wait: float = 60.0,
    ) -> None:
        """Times in seconds. `rate_limit_wait` is the pause when Dify names none itself."""
        key = _key(api_key)
        self.base_url = _address(base_url)
        super().__init__(
            self.base_url,
            name=name,
            headers={**({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})},
            timeout=timeout,
            attempts=attempts,
        )
        self.version = ""
        """Dify's version, such as `1.16.1`, from its last answer; empty before any."""
        self.rate_limit_wait = rate_limit_wait
        self._key = key

    def request(
        self, method: str, path: str, *, repeatable: bool | None = None, **more: Any
    ) -> httpx2.Response:
        """One request, repeated while that may help; counted once."""
        with self._counted(path):
            return super().request(method, path, repeatable=repeatable, **more)

    @contextmanager
    def stream(self, method: str, path: str, **more: Any) -> Iterator[Iterator[str]]:
        """The lines of an answer as they come; never repeated."""
        with self._counted(path), super().stream(method, path, **more) as lines:
            yield lines

    def _counted(self, path: str) -> AbstractContextManager[None]:
        return tallies.call("dify_calls", kind=kind_of(self.base_url, path))

    def error_of(self, response: httpx2.Response) -> DifyError:
        """The error that a status 3xx, 4xx or 5xx means, with what Dify said about it."""
        self._note(response)
        said = _said(response)
        if response.has_redirect_location:
            return self._rejected(said, "the address leads elsewhere")
        if said in {(404, "", ""), (405, "", "")}:
            return self._rejected(said, "no such route", "; an id must be a UUID")
        wait = http.retry_after(response.headers.get("Retry-After"))
        if wait is None and said.is_rate_limit:
            wait = self.rate_limit_wait
        is_about_key = said.status == 401 and said.code in {"", "unauthorized"}
        hint = self.key_hint(response.request.url.path) if is_about_key else ""
        return error_for(self.name, said, retry_after=wait, hint=hint)

    def read(self, response: httpx2.Response) -> Any:
        """The JSON of an answer."""
        self._note(response)
        try:
            return response.json()
        except ValueError as error:
            if _is_json(response):
                raise Unavailable(
                    f"{self.name}'s answer was cut off", hint="try again later"
                ) from error
            raise self._rejected(
                Said(response.status_code), "what came is no JSON", _ADDRESS
            ) from error

    def check_stream(self, response: httpx2.Response) -> None:
        """Raise where a web page or something else came in place of a stream."""
        self._note(response)
        if "text/event-stream" not in response.headers.get("Content-Type", ""):
            raise self._rejected(Said(response.status_code), "what came is no stream")

    def key_hint(self, path: str) -> str:
        """What may be wrong with the key, for a request that was answered 401."""
        if not self._key:
            return "set the key: dataset-… for knowledge, app-… for a Chatflow"
        is_knowledge = any(f"/v1{start}" in path for start in _DATASET_PATHS)
        if is_knowledge and self._key.startswith("app-"):
            return "the key is an app's (app-…); knowledge needs one that begins with dataset-"
        if not is_knowledge and self._key.startswith("dataset-"):
            return "the key is for knowledge (dataset-…); a Chatflow's begins with app-"
        return "check the key; it may have been deleted in Dify"

    def _note(self, response: httpx2.Response) -> None:
        self.version = response.headers.get("X-Version", self.version)

    def _rejected(self, said: Said, what: str, more: str = "") -> DifyRejected:
        text = f"{self.name} answered {said.status}: {what}"
        error = DifyRejected(text, hint=self.address_hint + more)
        error.said = said
        return error


def kind_of(base_url: str, path: str) -> str:
    """What a call is about, in one of few words: `datasets`, `documents`, `chat`, `console` …

    >>> kind_of("http://dify/v1", "/datasets/0a/documents/0b/segments?page=1")
    'segments'
    """
    if base_url.endswith("/console/api"):
        return "console"
    words = path.partition("?")[0].strip("/").split("/")
    known = [_KINDS[word] for word in words if word in _KINDS]
    return known[-1] if known else "other"


_KINDS = {
    "datasets": "datasets",
    "documents": "documents",
    "document": "documents",
    "segments": "segments",
    "metadata": "metadata",
    "retrieve": "retrieve",
    "indexing-status": "indexing",
    "chat-messages": "chat",
    "conversations": "chat",
    "info": "app",
    "parameters": "app",
    "site": "app",
    "workspaces": "models",
}


def _address(base_url: str) -> str:
    """The address without a last slash. Raises `BadSettings` where it cannot be one."""
    try:
        url = httpx2.URL(base_url.strip())
    except httpx2.InvalidURL as error:
        raise BadSettings("base_url is no address", hint=_ADDRESS) from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise BadSettings("base_url is no http(s) address", hint=_ADDRESS)
    return str(url).rstrip("/")


def _key(api_key: str) -> str:
    """The key without the blanks around it, which come from files and copying."""
    key = api_key.strip()
    if re.search(r"[^\x21-\x7e]", key):
        raise BadSettings(
            "the key for Dify holds characters that no key has", hint="copy it from Dify again"
        )
    return key


def _said(response: httpx2.Response) -> Said:
    """Status, code and message of an error; only the status where the body is no JSON."""
    try:
        body = response.json()
    except (ValueError, httpx2.ResponseNotRead):
        body = None
    if not isinstance(body, dict):
        return Said(response.status_code)
    message = body.get("message") or body.get("error") or ""
    return Said(response.status_code, str(body.get("code") or ""), str(message))


def _is_json(response: httpx2.Response) -> bool:
    return "json" in response.headers.get("Content-Type", "")
