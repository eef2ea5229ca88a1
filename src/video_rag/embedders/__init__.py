"""From texts to vectors. None at all is a supported choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from video_rag.plugins import Options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embedder(Protocol):
    """One embedding model."""

    version: int
    options: Options

    def embed(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """Unit vectors, one row per text: shape (len(texts), dimensions).

        `query` says that these are questions, for models that tell the two apart. Raises
        `Unavailable` or `Rejected`.
        """
