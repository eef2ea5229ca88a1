"""A Dify chat app, such as a Chatflow, through its service API and an `app-…` key.

    for event in Chat(client).send("What is chunking?", user="anna"):
        ...

`user` is any name that stays the same: conversations belong to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from video_rag.dify.client import Client
from video_rag.dify.events import Event, follow

_NO_INPUTS: Mapping[str, Any] = MappingProxyType({})
_PAGE = 100
"""Conversations of a page; Dify gives no more."""


class Chat:
    """One chat app. Calls raise what `Client.call` raises."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def send(
        self,
        query: str,
        *,
        user: str,
        conversation_id: str = "",
        inputs: Mapping[str, Any] = _NO_INPUTS,
    ) -> Iterator[Event]:
        """Ask; the answer as it comes. Leaving the iterator early stops the run on the server.

        `inputs` are the variables of the app's start node. Raises `NotFound` for a conversation
        that is not this user's; else see `events.events`.
        """
        body = {
            "inputs": dict(inputs),
            "query": query,
            "user": user,
            "response_mode": "streaming",
            "conversation_id": conversation_id,
        }
        stream = self.client.stream("POST", "/chat-messages", json=body)
        return follow(self.client.name, stream, lambda task_id: self.stop(task_id, user))

    def stop(self, task_id: str, user: str) -> None:
        """Stop a run; one that is over or unknown is no error."""
        self.client.call(
            "POST", f"/chat-messages/{task_id}/stop", repeatable=True, json={"user": user}
        )

    def info(self) -> dict[str, Any]:
        """Name, description and mode (`advanced-chat` for a Chatflow) of the app."""
        return self._dict("/info")

    def parameters(self) -> dict[str, Any]:
        """What the app asks for and offers: `user_input_form`, `opening_statement`, limits."""
        return self._dict("/parameters")

    def site(self) -> dict[str, Any]:
        """How the app's own chat page looks: title, icon, language."""
        return self._dict("/site")

    def conversations(self, user: str) -> Iterator[dict[str, Any]]:
        """A user's conversations, the last used first."""
        last = ""
        while True:
            params = {"user": user, "limit": _PAGE} | ({"last_id": last} if last else {})
            page = self.client.call("GET", "/conversations", params=params)
            yield from page["data"]
            if not page.get("has_more") or not page["data"]:
                return
            last = page["data"][-1]["id"]

    def delete_conversation(self, conversation_id: str, user: str) -> None:
        """Forget a conversation. Raises `NotFound` for one that is not this user's."""
        self.client.call("DELETE", f"/conversations/{conversation_id}", json={"user": user})

    def _dict(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.call("GET", path)
        return answer
