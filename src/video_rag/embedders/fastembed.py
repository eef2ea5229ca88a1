"""Vectors on this machine: small ONNX models by fastembed, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from video_rag import plugins
from video_rag.errors import NeedsExtra
from video_rag.once import Once
from video_rag.onnx_models import ModelOptions, load_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FastEmbed:
    """One model, loaded when it is first used. Needs the extra `embeddings`."""

    version = 1

    class Options(ModelOptions):
        """Which model, and where its files are."""

        model: str = Field(
            "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
            description="A name that fastembed knows. The default is small (0.2 GB) and knows "
            "50 languages, Chinese and English among them.",
        )
        batch: int = plugins.inert(32, ge=1, description="Texts at a time.")

    def __init__(self, options: Options) -> None:
        self.options = options
        self._model = Once(self._loaded)

    def embed(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """Unit vectors, one row per text. Raises `Unavailable` without the model's files."""
        import numpy as np

        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        model = self._model()
        found = (
            model.query_embed(list(texts))
            if query
            else model.embed(list(texts), batch_size=self.options.batch)
        )
        vectors = np.asarray(list(found), dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)

    def _loaded(self) -> Any:
        try:
            from fastembed import TextEmbedding
        except ImportError as error:
            raise NeedsExtra("fastembed", "embeddings") from error
        return load_model(TextEmbedding, self.options)
