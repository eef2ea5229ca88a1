"""A second, slower look at the best passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from video_rag.plugins import Options


class Reranker(Protocol):
    """One ranking model."""

    version: int
    options: Options

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers; higher is better. Raises `Unavailable` or `Rejected`."""
