"""Vectors from any server that speaks OpenAI's `/embeddings`: Ollama, vLLM, TEI, OpenAI itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr

from video_rag import plugins, tallies
from video_rag.errors import Rejected
from video_rag.once import Once

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from video_rag.net.http import Client


class OpenAI:
    """One model of one server. Needs no extra."""

    version = 1

    class Options(plugins.Options):
        """Which model, and where it runs."""

        model: str = Field("text-embedding-3-small", description="The model's name on the server.")
        base_url: str = Field(
            "https://api.openai.com/v1",
            description="Address of the server, up to and without `/embeddings`.",
        )
        dimensions: int | None = Field(
            None, gt=0, description="Length of the vectors, for models that can shorten them."
        )
        query_prefix: str = Field(
            "", description="Put before questions, for models that ask for it (`query: `)."
        )
        text_prefix: str = Field(
            "", description="Put before passages, for models that ask for it (`passage: `)."
        )
        api_key: SecretStr = plugins.inert(
            SecretStr(""), description="Key, if the server wants one."
        )
        batch: int = plugins.inert(64, ge=1, description="Texts per request.")
        timeout: float = plugins.inert(60.0, gt=0, description="Seconds to wait for an answer.")

    def __init__(self, options: Options) -> None:
        self.options = options
        self._client = Once(self._opened)

    def _opened(self) -> Client:
        from video_rag.net.http import Client

        key = self.options.api_key.get_secret_value()
        return Client(
            self.options.base_url.rstrip("/"),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=self.options.timeout,
        )

    def embed(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """Unit vectors, one row per text. Raises `Unavailable` or `Rejected`."""
        import numpy as np

        prefix = self.options.query_prefix if query else self.options.text_prefix
        rows: list[Sequence[float]] = []
        for first in range(0, len(texts), self.options.batch):
            part = texts[first : first + self.options.batch]
            rows.extend(self._ask([prefix + (text or " ") for text in part]))
        if not rows:
            return np.zeros((0, 0), dtype=np.float32)
        if len({len(row) for row in rows}) != 1:
            raise Rejected(
                f"{self._client().name} sent vectors of different lengths",
                hint="check that base_url and model name an embedding model",
            )
        vectors = np.asarray(rows, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)

    def _ask(self, texts: list[str]) -> list[Sequence[float]]:
        """The vectors of one request, in the order of the texts."""
        body: dict[str, Any] = {"model": self.options.model, "input": texts}
        if self.options.dimensions:
            body["dimensions"] = self.options.dimensions
        model = self.options.model
        with tallies.call("model_calls", kind="embeddings", model=model):
            answer = self._client().post_json("/embeddings", body, repeatable=True)
        try:
            rows = sorted(answer["data"], key=lambda row: row["index"])
            vectors: list[Sequence[float]] = [
                [float(number) for number in row["embedding"]] for row in rows
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise Rejected(
                f"{self._client().name} did not send embeddings",
                hint="check that base_url and model name an embedding model",
            ) from error
        if len(vectors) != len(texts):
            raise Rejected(
                f"{self._client().name} sent {len(vectors)} vectors for {len(texts)} texts",
                hint="check that base_url and model name an embedding model",
            )
        usage = answer.get("usage")
        many = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        if isinstance(many, int):
            tallies.add("model_tokens", many, model=model, direction="input")
        return vectors
