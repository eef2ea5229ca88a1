"""Dify's console API: apps, keys, models and external knowledge, as its web page does it.

    console = Console.log_in("https://dify.example.com/v1", email=…, password=…)
    app = console.import_app(dsl)
    console.publish(app.app_id)

The console API is not a stable one: this was made for 1.16.1, from recordings and from Dify's
source (`controllers/console`). Everything here can be done by hand in the web page, too.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

import httpx2

from video_rag.dify.client import Client
from video_rag.dify.errors import DifyRejected, Said, error_for, said_by
from video_rag.dify.events import Event, follow
from video_rag.errors import Rejected, VideoRagError

_CLOUD = "https://api.dify.ai"
_CLOUD_CONSOLE = "https://cloud.dify.ai"
_COOKIES = ("access_token", "csrf_token", "refresh_token")
_HOST = "__Host-"
"""What the names of the cookies begin with over HTTPS (`libs/token.py`)."""
_MARK = 20
_COMMENT = 100
"""Characters of a version's name and comment; Dify refuses longer ones."""
_PAGE = 100
_TIMEOUT = 60.0
"""Seconds. An import may ask Dify's marketplace, which takes its time."""

Headers = Mapping[str, str]


class Imported(NamedTuple):
    """An app that was made or changed from a DSL; only its draft, until it is published."""

    app_id: str
    status: str
    """`completed`, or `completed-with-warnings` for a DSL of an older version."""
    version: str
    """The DSL's version as Dify read it."""
    server_version: str
    """The DSL version that this Dify writes itself."""
    warnings: tuple[str, ...]


class Console:
    """The console of one workspace. Calls raise what `Client.call` raises."""

    def __init__(self, client: Client, log_in: Callable[[], Headers]) -> None:
        """`log_in` gives the headers that open the console; it is called again after a 401."""
        self.client = client
        self._log_in = log_in
        self._headers = log_in()

    @classmethod
    def log_in(cls, base_url: str, *, email: str, password: str, timeout: float = _TIMEOUT) -> Self:
        """As a person with an account. `base_url` may be that of the service API, too."""
        client = _ConsoleClient(console_url(base_url), name="Dify's console", timeout=timeout)
        try:
            return cls(client, lambda: _log_in(client, email, password))
        except VideoRagError:
            client.close()
            raise

    @classmethod
    def with_admin_key(
        cls, base_url: str, *, admin_key: str, workspace_id: str, timeout: float = _TIMEOUT
    ) -> Self:
        """As the owner of a workspace, with the server's own ADMIN_API_KEY (self-hosted only)."""
        client = _ConsoleClient(
            console_url(base_url),
            api_key=admin_key,
            headers={"X-WORKSPACE-ID": workspace_id},
            name="Dify's console",
            timeout=timeout,
        )
        return cls(client, dict)

    # apps

    def import_app(self, dsl: str, *, app_id: str = "", name: str = "") -> Imported:
        """Make an app from a DSL (YAML), or overwrite the draft of `app_id` with it.

        Without `app_id` each call makes one more app. A DSL newer than the server is confirmed, as
        one would in the web page. Raises `Rejected` for a DSL that Dify cannot read.
        """
        body = {"mode": "yaml-content", "yaml_content": dsl, "app_id": app_id, "name": name}
        given = {key: value for key, value in body.items() if value}
        answer = self._call("POST", "/apps/imports", json=given)
        if answer["status"] == "pending":
            answer = self._call("POST", f"/apps/imports/{answer['id']}/confirm")
        if not answer.get("app_id"):
            words = answer.get("error") or f"the import is {answer['status']}"
            raise error_for(self.client.name, Said(message=words))
        return Imported(
            answer["app_id"],
            answer["status"],
            answer.get("imported_dsl_version") or "",
            answer.get("current_dsl_version") or "",
            tuple(map(_words, answer.get("warnings") or ())),
        )

    def check_dependencies(self, app_id: str) -> list[dict[str, Any]]:
        """Plug-ins that an imported app needs and the workspace has not."""
        answer = self._call("GET", f"/apps/imports/{app_id}/check-dependencies")
        missing: list[dict[str, Any]] = answer.get("leaked_dependencies") or []
        return missing

    def app(self, app_id: str) -> dict[str, Any]:
        """Everything about an app, such as `name`, `mode`, `enable_api` and `site`."""
        answer: dict[str, Any] = self._call("GET", f"/apps/{app_id}")
        return answer

    def chat_page(self, app_id: str) -> str:
        """The address of an app's own chat page; empty where it has none or it is closed."""
        app = self.app(app_id)
        site = app.get("site") or {}
        token = site.get("access_token") or site.get("code")
        if not token or not app.get("enable_site", True):
            return ""
        base = site.get("app_base_url") or self.page_url
        return f"{base.rstrip('/')}/chat/{token}"

    @property
    def page_url(self) -> str:
        """The address of the web page, without a last slash."""
        return self.client.base_url.removesuffix("/console/api")

    def draft(self, app_id: str) -> dict[str, Any]:
        """The draft: `graph` with nodes and edges, `features`, `hash`."""
        answer: dict[str, Any] = self._call("GET", f"/apps/{app_id}/workflows/draft")
        return answer

    def publish(self, app_id: str, *, name: str = "", comment: str = "") -> None:
        """Make the draft what users get. Dify checks little: try a question afterwards."""
        body = {"marked_name": name[:_MARK], "marked_comment": comment[:_COMMENT]}
        self._call("POST", f"/apps/{app_id}/workflows/publish", repeatable=True, json=body)

    def try_draft(
        self, app_id: str, query: str, *, inputs: Mapping[str, Any] | None = None
    ) -> Iterator[Event]:
        """Ask the draft of a Chatflow, which need not be published; like `Chat.send`."""
        path = f"/apps/{app_id}/advanced-chat/workflows/draft/run"
        # A stream is never repeated: here a login that has run out shows, and is renewed.
        self.draft(app_id)
        body = {"query": query, "inputs": dict(inputs or {}), "files": []}
        stream = self.client.stream("POST", path, json=body, headers=self._headers)
        stop = f"/apps/{app_id}/chat-messages/{{}}/stop"
        return follow(
            self.client.name, stream, lambda task_id: self._call("POST", stop.format(task_id))
        )

    # keys

    def app_keys(self, app_id: str) -> list[str]:
        """The keys (`app-…`) of an app."""
        return _tokens(self._call("GET", f"/apps/{app_id}/api-keys"))

    def make_app_key(self, app_id: str) -> str:
        """A key of an app: one that exists, else a new one; Dify allows ten."""
        keys = self.app_keys(app_id)
        return keys[0] if keys else self._new_key(f"/apps/{app_id}/api-keys")

    def dataset_keys(self) -> list[str]:
        """The keys (`dataset-…`) of the workspace's knowledge."""
        return _tokens(self._call("GET", "/datasets/api-keys"))

    def make_dataset_key(self) -> str:
        """A key of the workspace's knowledge: one that exists, else a new one."""
        keys = self.dataset_keys()
        return keys[0] if keys else self._new_key("/datasets/api-keys")

    # models

    def models(self, kind: str) -> list[dict[str, Any]]:
        """The providers that are set up, each with its `models`; `kind` as in Dify.

        `llm`, `text-embedding`, `rerank`, `speech2text` or `tts`.
        """
        answer = self._call("GET", f"/workspaces/current/models/model-types/{kind}")
        rows: list[dict[str, Any]] = answer.get("data") or []
        return rows

    def default_model(self, kind: str) -> dict[str, Any] | None:
        """The workspace's own choice: `model`, and `provider.provider`; None without one."""
        params = {"model_type": kind}
        answer = self._call("GET", "/workspaces/current/default-model", params=params)
        chosen: dict[str, Any] | None = answer.get("data")
        return chosen

    # external knowledge

    def external_apis(self) -> Iterator[dict[str, Any]]:
        """The servers that answer external datasets: `id`, `name`, `settings.endpoint`."""
        page, more = 1, True
        while more:
            params = {"page": page, "limit": _PAGE}
            answer = self._call("GET", "/datasets/external-knowledge-api", params=params)
            rows = answer.get("data") or []
            yield from rows
            page, more = page + 1, bool(rows and answer.get("has_more"))

    def make_external_api(self, name: str, endpoint: str, key: str) -> str:
        """Register such a server; its id. Dify asks it at once: it must run, and be reachable.

        `endpoint` is the address without `/retrieval`, which Dify adds; `name` has 1 to 40
        characters.
        """
        body = _external_api(name, endpoint, key)
        answer = self._call("POST", "/datasets/external-knowledge-api", json=body)
        return str(answer["id"])

    def change_external_api(self, api_id: str, name: str, endpoint: str, key: str) -> None:
        """Tell Dify another address or key of such a server."""
        path = f"/datasets/external-knowledge-api/{api_id}"
        self._call("PATCH", path, repeatable=True, json=_external_api(name, endpoint, key))

    def make_external_dataset(
        self,
        name: str,
        api_id: str,
        knowledge_id: str,
        top_k: int,
        score_threshold: float | None = None,
    ) -> str:
        """A dataset that such a server answers; its id. Dify sends it `knowledge_id`."""
        body = {
            "name": name,
            "external_knowledge_api_id": api_id,
            "external_knowledge_id": knowledge_id,
            "external_retrieval_model": _retrieval(top_k, score_threshold),
        }
        return str(self._call("POST", "/datasets/external", json=body)["id"])

    def try_external(
        self, dataset_id: str, query: str, top_k: int, score_threshold: float | None = None
    ) -> list[dict[str, Any]]:
        """What an external dataset finds: `content`, `title`, `score`, `metadata` of each record.

        The service API cannot ask external datasets (1.16.1 answers 500 or nothing).
        """
        path = f"/datasets/{dataset_id}/external-hit-testing"
        settings = _retrieval(top_k, score_threshold)
        body = {"query": query, "external_retrieval_model": settings}
        answer = self._call("POST", path, repeatable=True, json=body)
        rows: list[dict[str, Any]] = answer.get("records") or []
        return rows

    def close(self) -> None:
        """Let go of the connections."""
        self.client.close()

    def _new_key(self, path: str) -> str:
        return str(self._call("POST", path)["token"])

    def _call(self, method: str, path: str, **more: Any) -> Any:
        """One call; when the login has run out (after an hour), once more with a new one."""
        try:
            return self.client.call(method, path, headers=self._headers, **more)
        except Rejected as error:
            if said_by(error).status != 401 or not self._headers:
                raise
        self._headers = self._log_in()
        return self.client.call(method, path, headers=self._headers, **more)


class _ConsoleClient(Client):
    """The transport, with the console's own advice."""

    address_hint = "base_url must be that of Dify (…/v1), or console_url that of its web page"

    def key_hint(self, path: str) -> str:  # noqa: ARG002  # one login opens every path
        """What may be wrong with the login."""
        if self._key:
            return "check admin_key and workspace_id, and that ADMIN_API_KEY_ENABLE is true in Dify"
        return "check console_email and console_password"


def console_url(base_url: str) -> str:
    """The console API of the Dify whose service API, web page or console API this is."""
    url = base_url.strip().rstrip("/")
    for ending in ("/v1", "/console/api"):
        url = url.removesuffix(ending)
    return f"{_CLOUD_CONSOLE if url == _CLOUD else url}/console/api"


def _log_in(client: Client, email: str, password: str) -> Headers:
    """The headers of a logged-in person: cookies, and the token against forged requests."""
    encoded = base64.b64encode(password.encode()).decode()
    body = {"email": email, "password": encoded, "remember_me": True}
    response = client.request("POST", "/login", json=body)
    cookies = _cookies(response)
    csrf = cookies.get("csrf_token") or cookies.get(f"{_HOST}csrf_token")
    if not csrf:
        answer = client.read(response)
        said = answer.get("data") if isinstance(answer, dict) else ""
        raise DifyRejected(
            f"{client.name} gave no login" + (f": {said}" if isinstance(said, str) else ""),
            hint="log in to Dify's web page with this account",
        )
    # By hand, because a cookie jar keeps back `Secure` cookies where TLS ends before Dify.
    return {
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        "X-CSRF-Token": csrf,
    }


def _cookies(response: httpx2.Response) -> dict[str, str]:
    """The login's cookies that an answer sets, by their names."""
    found = {}
    for header in response.headers.get_list("Set-Cookie"):
        name, _, value = header.partition(";")[0].partition("=")
        if name.strip().removeprefix(_HOST) in _COOKIES:
            found[name.strip()] = value.strip()
    return found


def _tokens(answer: Any) -> list[str]:
    """The keys that are shown whole; one with stars in it opens nothing."""
    tokens = [str(row["token"]) for row in answer.get("data") or ()]
    return [token for token in tokens if "*" not in token and "..." not in token]


def _words(warning: Any) -> str:
    return str(warning.get("message") or warning) if isinstance(warning, dict) else str(warning)


def _external_api(name: str, endpoint: str, key: str) -> dict[str, Any]:
    return {"name": name, "settings": {"endpoint": endpoint.rstrip("/"), "api_key": key}}


def _retrieval(top_k: int, score_threshold: float | None) -> dict[str, Any]:
    return {
        "top_k": top_k,
        "score_threshold": score_threshold or 0.0,
        "score_threshold_enabled": score_threshold is not None,
    }
