"""Which conversation in Dify goes on, told by what was said so far."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from video_rag.digest import Digest, of_value
from video_rag.model import Turn

KEPT = 1000
"""Conversations that are remembered."""
LAST = 4
"""So many messages tell a conversation: callers may send no more than the last few."""


class Talks:
    """Remembers for each answer in which conversation of Dify it was given.

    Who goes on takes the conversation with him: another one with the same words so far begins
    anew, so that nobody's words get into a stranger's conversation.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[Digest, str] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, turns: Sequence[Turn], conversation_id: str) -> None:
        """After these turns, this conversation can go on."""
        with self._lock:
            self._known[_key(turns)] = conversation_id
            self._known.move_to_end(_key(turns))
            while len(self._known) > KEPT:
                self._known.popitem(last=False)

    def take(self, turns: Sequence[Turn]) -> str:
        """The conversation that stands at these turns; empty when there is none."""
        with self._lock:
            return self._known.pop(_key(turns), "") if turns else ""


def _key(turns: Sequence[Turn]) -> Digest:
    return of_value([[turn.role, turn.text.strip()] for turn in turns[-LAST:]])
