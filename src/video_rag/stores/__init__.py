"""Where results and facts are kept: blobs by digest, and the ledger, which is the truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from video_rag.digest import Digest
from video_rag.model import Receipt


class Blobs(Protocol):
    """Bytes named by their digest. Nothing is ever changed in place."""

    def put(self, data: bytes) -> Digest:
        """Keep some bytes; keeping them twice is harmless."""

    def get(self, digest: str) -> bytes:
        """The bytes of a digest. Raises `NotFound`."""

    def exists(self, digest: str) -> bool:
        """Whether the bytes are here."""

    def sweep(self, keep: set[str], *, older_than: float = 600.0) -> int:
        """Delete the blobs not named that nobody touched for so many seconds; returns how many.

        The age protects results that were just put and are not yet in the ledger.
        """


@dataclass(frozen=True)
class Result:
    """A named result of a video: what it is (`digest`) and what it was made from (`key`)."""

    digest: str
    key: str


@dataclass(frozen=True)
class Failure:
    """Why a stage failed for the inputs named by `key`; `due` is when to try again (epoch)."""

    stage: str
    key: str
    error: str
    message: str
    hint: str
    attempts: int
    due: float | None


@dataclass(frozen=True)
class ApiKey:
    """A key of the API; only its hash is kept."""

    key_id: str
    name: str
    role: str
    hashed: str
    created: str
    revoked: bool


class Ledger(Protocol):
    """Facts about videos. Every method is one transaction."""

    def video_ids(self) -> list[str]:
        """Every video, in the order it was added."""

    def results(self, video_id: str) -> dict[str, Result]:
        """The results of a video by name; empty for one that is unknown."""

    def all_results(self) -> dict[str, dict[str, Result]]:
        """The results of every video, in the order the videos were added; no pictures' rows."""

    def commit(self, video_id: str, stage: str, results: Mapping[str, Result]) -> None:
        """Keep what a stage made in place of all it made before; forget its failure."""

    def remove(self, video_id: str) -> None:
        """Forget all about a video, its receipts included."""

    def claim(self, video_id: str, stage: str, owner: str, seconds: float) -> bool:
        """Take a stage for `seconds`, unless a living owner holds it; again extends it."""

    def release(self, video_id: str, stage: str, owner: str) -> None:
        """Give a claim back; one that is not held is no error."""

    def claimed(self) -> set[tuple[str, str]]:
        """The stages that are claimed now, as (video id, stage)."""

    def failures(self, video_id: str) -> dict[str, Failure]:
        """What went wrong with a video, by stage."""

    def all_failures(self) -> dict[str, list[Failure]]:
        """What went wrong, by video."""

    def fail(self, video_id: str, failure: Failure) -> None:
        """Keep a failure in place of an earlier one of the same stage."""

    def forgive(self, video_id: str) -> None:
        """Forget a video's failures, so that it is tried again."""

    def receipt(self, knowledge: str, document_id: str) -> Receipt | None:
        """The last receipt of a document, if any."""

    def receipts(self, document_id: str) -> list[Receipt]:
        """All receipts of a document."""

    def keep(self, receipt: Receipt) -> None:
        """Keep a receipt in place of the earlier one."""

    def drop(self, knowledge: str, document_id: str) -> None:
        """Forget a receipt."""

    def known_file(self, path: Path) -> Digest | None:
        """The digest of a file whose size and time did not change since it was last read."""

    def know_files(self, files: Iterable[tuple[Path, Digest]]) -> None:
        """Remember the digests of files as they are now."""

    def api_keys(self) -> list[ApiKey]:
        """Every API key, revoked ones included."""

    def add_api_key(self, key: ApiKey) -> None:
        """Keep a new API key."""

    def revoke_api_key(self, key_id: str) -> bool:
        """Revoke a key; false if there is none."""

    def digests(self) -> Iterator[str]:
        """Every digest that some result names."""
