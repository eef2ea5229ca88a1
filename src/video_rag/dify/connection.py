"""The settings of one Dify server, and the ways to it."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from video_rag import plugins
from video_rag.dify.chat import Chat
from video_rag.dify.client import Client
from video_rag.dify.console import Console
from video_rag.dify.datasets import Datasets
from video_rag.errors import BadSettings


class Connection(plugins.Options):
    """Where Dify is, and the keys to it."""

    base_url: str = Field(
        "http://127.0.0.1/v1",
        description="Address of Dify's service API; it ends in `/v1`.",
    )
    api_key: SecretStr = plugins.inert(
        SecretStr(""),
        description="Key of the knowledge API (`dataset-…`); in Dify: Knowledge → Service API.",
    )
    dataset_id: str = Field(
        "",
        description="The dataset that holds the videos: the id in its address in Dify. Empty: "
        "the one that `video-rag dify create` made.",
    )
    app_key: SecretStr = plugins.inert(
        SecretStr(""), description="Key of the Chatflow (`app-…`), for the answerer `dify`."
    )
    console_email: str = plugins.inert("", description="E-mail of an account of Dify's console.")
    console_password: SecretStr = plugins.inert(
        SecretStr(""), description="Password of that account; only commands that need it use it."
    )
    admin_key: SecretStr = plugins.inert(
        SecretStr(""),
        description="Dify's ADMIN_API_KEY, in place of e-mail and password (self-hosted only).",
    )
    workspace_id: str = plugins.inert(
        "", description="The workspace that the admin key works in; other calls do not need it."
    )
    console_url: str = plugins.inert(
        "", description="Address of Dify's console; empty: that of base_url without `/v1`."
    )
    timeout: float = plugins.inert(
        30.0, gt=0, description="Seconds to wait for one answer of Dify."
    )
    rate_limit_wait: float = plugins.inert(
        60.0,
        ge=0,
        description="Seconds to wait when Dify's cloud says that its rate limit is reached.",
    )

    @field_validator("base_url", "console_url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("is no http(s) address")
        return value.rstrip("/")

    def datasets(self) -> Datasets:
        """The knowledge API. Raises `BadSettings` without a key."""
        return Datasets(self._client(self.api_key, "dataset-", "api_key", "DIFY_API_KEY"))

    def chat(self) -> Chat:
        """The Chatflow behind `app_key`. Raises `BadSettings` without a key."""
        return Chat(self._client(self.app_key, "app-", "app_key", "DIFY_APP_KEY"))

    def console(self) -> Console:
        """The console. Raises `BadSettings` without an account or admin key."""
        url = self.console_url or self.base_url.removesuffix("/v1")
        if key := self.admin_key.get_secret_value():
            if not self.workspace_id:
                raise BadSettings(
                    "the admin key works in no workspace yet",
                    hint="set workspace_id (DIFY_WORKSPACE_ID)",
                )
            return Console.with_admin_key(url, admin_key=key, workspace_id=self.workspace_id)
        if not self.has_console:
            raise BadSettings(
                "no way into Dify's console",
                hint="set console_email and console_password, or admin_key and workspace_id, "
                "in [knowledge.dify]",
            )
        password = self.console_password.get_secret_value()
        return Console.log_in(url, email=self.console_email, password=password)

    @property
    def has_console(self) -> bool:
        """Whether the settings open Dify's console."""
        return bool(self.admin_key.get_secret_value() or self.console_email)

    def _client(self, key: SecretStr, prefix: str, option: str, variable: str) -> Client:
        value = key.get_secret_value()
        if not value:
            raise BadSettings(
                f"no {option} for Dify",
                hint=f"set {variable}; of a second Dify, [knowledge.NAME], "
                f"VIDEO_RAG_KNOWLEDGE__NAME__{option.upper()}",
            )
        if value.startswith(("app-", "dataset-")) and not value.startswith(prefix):
            raise BadSettings(
                f"the {option} is of the wrong kind: it must begin with `{prefix}`",
                hint="dataset-… keys open knowledge, app-… keys one Chatflow",
            )
        return Client(
            self.base_url,
            api_key=value,
            timeout=self.timeout,
            rate_limit_wait=self.rate_limit_wait,
        )
