"""All state of one Dify, and the switches that make it behave badly."""

from __future__ import annotations

import random
import time
import uuid
from collections import deque
from collections.abc import Iterable
from itertools import count
from threading import Condition, Event, RLock

from video_rag.testing.dify.apps import App, Import
from video_rag.testing.dify.records import Conversation, Dataset, Document, ExternalApi
from video_rag.testing.dify.switches import Switches
from video_rag.testing.dify.wire import (
    ApiError,
    Request,
    bearer,
    forbidden,
    invalid,
    not_found,
    unauthorized,
)

ACCOUNT_NAME = "admin"


class World(Switches):
    """All state of one server. `lock` guards it; `changed` wakes those who index."""

    def __init__(self, *, index_seconds: float, workers: int, seed: int) -> None:
        super().__init__(index_seconds=index_seconds, workers=workers)
        self.lock = RLock()
        self.changed = Condition(self.lock)
        self._random = random.Random(seed)  # noqa: S311 - the same ids every time
        self._serials = count(1)
        self.workspace_id = self.new_id()
        self.account_id = self.new_id()
        self.dataset_key = self.new_key("dataset")
        self.read_only_key = self.new_key("dataset")
        """A dataset key with which nothing may be changed."""
        self.dataset_keys = [self.dataset_key]
        self.app_keys: dict[str, str] = {}
        """App key → app id."""
        self.admin_key = self.new_key("admin")
        """Opens the console as ADMIN_API_KEY does."""
        self.sessions: dict[str, str] = {}
        """Access token of a login → its CSRF token."""
        self.datasets: dict[str, Dataset] = {}
        self.tags: dict[str, str] = {}
        self.apps: dict[str, App] = {}
        self.imports: dict[str, Import] = {}
        self.external_apis: dict[str, ExternalApi] = {}
        self.conversations: dict[str, Conversation] = {}
        self.running: dict[str, Event] = {}
        """Task id → what stops it."""
        self.embedded: set[str] = set()
        """Texts whose embeddings are cached."""
        self.queue: deque[tuple[Dataset, Document, int]] = deque()
        self._worker_alive = True
        self._calls: deque[float] = deque()

    @property
    def worker_alive(self) -> bool:
        """Whether documents are indexed at all; without a worker they wait for ever."""
        return self._worker_alive

    @worker_alive.setter
    def worker_alive(self, alive: bool) -> None:
        with self.changed:
            self._worker_alive = alive
            self.changed.notify_all()

    def new_id(self) -> str:
        """A UUID, the same ones in the same order for the same seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def new_key(self, kind: str) -> str:
        """An API key: `dataset-…` or `app-…`."""
        return f"{kind}-{self._random.getrandbits(96):024x}"

    def new_batch(self) -> str:
        """The id that Dify gives to one posting: the time and six digits."""
        return time.strftime("%Y%m%d%H%M%S") + f"{self._random.randrange(100_000, 999_999)}"

    def new_serial(self) -> int:
        """The next number in the order of making."""
        return next(self._serials)

    def dataset(self, dataset_id: str, *, calls_allowed: bool = True) -> Dataset:
        """A dataset; 404 without it, 403 when its API is switched off."""
        if dataset_id not in self.datasets:
            raise not_found("Dataset not found.")
        found = self.datasets[dataset_id]
        if calls_allowed and not found.enable_api:
            raise forbidden("Dataset api access is not enabled.")
        return found

    def need_plugin_daemon(self) -> None:
        """Raise what Dify says where it asks the plugin daemon for models."""
        if not self.has_plugin_daemon:
            where = f"plugin/{self.workspace_id}/management/models"
            raise invalid(f"Failed to request plugin daemon, url: {where}")

    def embed(self, texts: Iterable[str]) -> None:
        """Call the embedding model for the texts that it was not called for before.

        Raises what Dify says where it cannot: embeddings are cached by text.
        """
        new = set(texts) - self.embedded
        if new and not self.embedding_alive:
            raise invalid(self.embedding_error)
        self.embedded |= new

    def need_reranker(self, name: str | None) -> None:
        """Raise what Dify says for a rerank model that it does not have."""
        if name and name not in {known for _, known in self.rerank_models}:
            raise invalid(f"Model {name} credentials is not initialized.")

    def app_count(self, dataset_id: str) -> int:
        """How many apps search a dataset."""
        flows = (app.published for app in self.apps.values() if app.published)
        return sum(dataset_id in flow.dataset_ids for flow in flows)

    def app_of(self, request: Request) -> App:
        """The app whose key a request has; 401 without one."""
        key = bearer(request)
        if key not in self.app_keys:
            raise unauthorized("Access token is invalid")
        return self.apps[self.app_keys[key]]

    def spend_call(self, message: str) -> None:
        """Count one knowledge call against the limit per minute."""
        allowed = self.limits.knowledge_per_minute
        if allowed is None:
            return
        now = time.monotonic()
        while self._calls and self._calls[0] < now - 60:
            self._calls.popleft()
        if len(self._calls) >= allowed:
            raise ApiError(403, "forbidden", message)
        self._calls.append(now)
