"""What every store of blobs must do: subclass `BlobsTests` and give it a `place` fixture."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from video_rag.digest import of_bytes
from video_rag.errors import Lost
from video_rag.stores import Blobs


@dataclass(frozen=True)
class BlobsPlace:
    """An empty store, and ways around it to what it keeps."""

    blobs: Blobs
    damage: Callable[[str, bytes | None], None]
    """Has other bytes lie under a digest; None deletes them."""
    age: Callable[[str], None]
    """Lets time pass, so that what was put is older than a second for the store."""


class BlobsTests:
    """The contract of `stores.Blobs`."""

    @pytest.mark.parametrize("data", [b"", b"\x00", b"words", bytes(range(256)) * 36_000])
    def test_what_is_put_is_got_under_one_name(self, place: BlobsPlace, data: bytes) -> None:
        """Empty ones and those of many megabytes, too; twice is harmless."""
        digest = place.blobs.put(data)
        assert place.blobs.put(data) == digest == of_bytes(data)
        assert place.blobs.get(digest) == data
        assert place.blobs.exists(digest)

    def test_what_was_never_put_is_lost_and_names_the_remedy(self, place: BlobsPlace) -> None:
        """A hint for people, the digest for programs."""
        digest = of_bytes(b"never")
        assert not place.blobs.exists(digest)
        with pytest.raises(Lost) as caught:
            place.blobs.get(digest)
        assert caught.value.digest == digest
        assert "run" in caught.value.hint

    @pytest.mark.parametrize("instead", [None, b"", b"Xhole", b"whole and more"])
    def test_a_damaged_blob_is_never_given_is_told_of_and_can_be_put_again(
        self, place: BlobsPlace, instead: bytes | None
    ) -> None:
        """Deleted, emptied, flipped, grown."""
        blobs = place.blobs
        digest, other = blobs.put(b"whole"), blobs.put(b"other")
        assert list(blobs.lost([digest, other])) == []
        place.damage(digest, instead)
        assert list(blobs.lost([digest, other])) == [digest]
        with pytest.raises(Lost):
            blobs.get(digest)
        assert not blobs.exists(digest)
        assert blobs.put(b"whole") == digest
        assert blobs.get(digest) == b"whole"
        assert list(blobs.lost([digest, other], thorough=True)) == []

    def test_putting_over_a_damaged_blob_makes_it_whole(self, place: BlobsPlace) -> None:
        """Also before anybody noticed."""
        digest = place.blobs.put(b"whole")
        place.damage(digest, b"")
        place.blobs.put(b"whole")
        assert place.blobs.get(digest) == b"whole"

    def test_a_sweep_deletes_what_is_old_and_not_named_alone(self, place: BlobsPlace) -> None:
        """What was just put may not be in the ledger yet."""
        blobs = place.blobs
        named, nobodys = blobs.put(b"named"), blobs.put(b"nobody's")
        assert blobs.sweep({named}) == 0
        place.age(nobodys)
        assert blobs.sweep({named}, older_than=1.0) == 1
        assert blobs.exists(named)
        assert not blobs.exists(nobodys)

    def test_putting_again_protects_from_a_sweep(self, place: BlobsPlace) -> None:
        """It is as young as the last time that it was put."""
        blobs = place.blobs
        digest = blobs.put(b"again")
        place.age(digest)
        blobs.put(b"again")
        assert blobs.sweep(set(), older_than=30.0) == 0
        assert blobs.get(digest) == b"again"

    def test_many_put_and_get_at_once(self, place: BlobsPlace) -> None:
        """Stages run in several threads."""
        blobs = place.blobs
        data = [f"{number}".encode() * 50 for number in range(24)] * 2
        with ThreadPoolExecutor(6) as pool:
            digests = list(pool.map(blobs.put, data))
            assert list(pool.map(blobs.get, digests)) == data
        assert list(blobs.lost(digests)) == []

    def test_it_says_where_it_is(self, place: BlobsPlace) -> None:
        """For people."""
        assert place.blobs.where
