"""Knowledge bases: where passages are kept and found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

from video_rag.digest import of_value
from video_rag.model import Chunk, Document, Hit, Noun, Query, Receipt
from video_rag.plugins import Options

INDEXED = "indexed"
"""The state of a document that is whole and can be found."""


class Holding(Noun):
    """What a base holds of one document, as it says itself."""

    document_id: str
    remote_ids: tuple[str, ...] = ()
    state: str = INDEXED
    """`indexed`, or one word for what keeps it from being found."""
    segments: int | None = None
    """Passages; None where it was not counted."""
    revision: str = ""
    """What `revision` gave when it was published; empty where the base does not keep it."""
    problem: str = ""
    """What is wrong, in words; empty when all is well."""
    whose: Literal["ours", "another's", "unknown"] = "ours"
    """Whether this library published it; only its own documents are pruned."""


class Kept(str):
    """The id of a document that `publish` found as it should be: nothing was written there."""

    __slots__ = ()


class Knowledge(Protocol):
    """One knowledge base.

    Built as `Class(options, home=Path, embedder=Embedder | None, page_url=str)`: where it may keep
    files, the embedding model if there is one, and where others reach `video-rag serve`, if they
    do.
    """

    version: int
    options: Options

    def stamp(self) -> str:
        """Names this very store of passages, without any network.

        A store that was lost and made anew, or another one in its place, has another stamp:
        everything is then published to it again.
        """

    @property
    def writers(self) -> int:
        """How many documents may be published at once."""

    def revision(self, document: Document, chunks: Sequence[Chunk]) -> str:
        """Names all that `publish` would leave there; the same for the same content."""

    def publish(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        previous: Receipt | None,
        *,
        force: bool = False,
    ) -> str:
        """Make the base hold exactly these chunks for this document; returns its id there.

        The id is a `Kept` where nothing had to be written.

        Idempotent: the same call twice leaves one document. A call that died before may have left
        half of its work; `previous` (state `sent`) says so. Raises `Unavailable`, `Rejected`, and
        `Conflict` when somebody changed the document there by hand, unless forced.
        """

    def withdraw(self, document_id: str, receipt: Receipt | None) -> None:
        """Remove a document; one that is not there is no error."""

    def search(self, query: Query) -> list[Hit]:
        """The best passages first, at most `query.limit`."""

    def holdings(self, *, thorough: bool = False) -> list[Holding]:
        """Every document that video-rag published there, in any state; `thorough` reads all of it.

        Documents that others put there are left out.
        """

    def check(self) -> str:
        """One line on how it is, such as its size. Raises a `BackendError` with the remedy."""


@runtime_checkable
class Rereading(Protocol):
    """A base whose `holdings` cannot tell everything without reading the passages themselves."""

    def reread(self, held: Holding) -> Holding:
        """The same holding after its passages were read."""


@runtime_checkable
class Patient(Protocol):
    """A base on a server that may be away for a while, which publishing then waits for."""

    @property
    def patience(self) -> float:
        """Seconds to wait for it at most; 0: not at all."""

    def answers(self) -> bool:
        """Whether the server is there, however it answers."""


@runtime_checkable
class Here(Protocol):
    """A base on this machine, which is asked without any network what it has lost."""

    def absent(self, published: Mapping[str, str], *, thorough: bool = False) -> set[str]:
        """Those of these documents that it does not hold whole: by id, what `revision` gave.

        `thorough` reads every passage.
        """


def revision_of(chunks: Sequence[Chunk]) -> str:
    """Names the content of passages."""
    return of_value([chunk.model_dump(mode="json") for chunk in chunks])
