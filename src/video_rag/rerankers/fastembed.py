"""A cross-encoder on this machine, by fastembed: reads question and passage together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from video_rag.errors import NeedsExtra
from video_rag.once import Once
from video_rag.onnx_models import ModelOptions, load_model


class FastEmbed:
    """One model, loaded when it is first used. Needs the extra `embeddings`."""

    version = 1

    class Options(ModelOptions):
        """Which model, and where its files are."""

        model: str = Field(
            "BAAI/bge-reranker-v2-m3-int8",
            description="A name that fastembed knows. The default (0.6 GB) reads Chinese and "
            "English.",
        )

    def __init__(self, options: Options) -> None:
        self.options = options
        self._model = Once(self._loaded)

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers. Raises `Unavailable` without the model's files."""
        if not texts:
            return []
        return [float(score) for score in self._model().rerank(query, list(texts))]

    def _loaded(self) -> Any:
        try:
            from fastembed.rerank.cross_encoder import TextCrossEncoder
        except ImportError as error:
            raise NeedsExtra("fastembed", "embeddings") from error
        return load_model(TextCrossEncoder, self.options)
