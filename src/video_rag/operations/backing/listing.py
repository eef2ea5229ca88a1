"""What is said of the backups in a place, without a key and without a secret."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from video_rag.errors import Rejected
from video_rag.operations.backing.place import Backup, Place
from video_rag.settings import Settings
from video_rag.stores import vaults


@dataclass(frozen=True)
class Listed:
    """A backup, and whether all of it is there."""

    backup: Backup
    is_whole: bool | None
    """None where the list of its files is encrypted, and was not read."""

    @property
    def state(self) -> str:
        """In a word, for people."""
        return {True: "whole", False: "cut", None: "not read"}[self.is_whole]


@dataclass(frozen=True)
class Found:
    """The backups of a place."""

    where: str
    backups: list[Listed]
    """Newest first."""
    damaged: list[str]
    """A line about each that cannot be read."""


def listed(settings: Settings, where: Path | str) -> Found:
    """The backups in a place; sees whether every file is there as it was written."""
    vault = vaults.open_vault(where, settings.blobs)
    place = Place(vault, vaults.Open(), is_encrypted=False)
    there = place.there()
    backups = [Listed(one, _is_whole(place, one, there)) for one in reversed(place.backups())]
    return Found(place.where, backups, place.damaged())


def _is_whole(place: Place, backup: Backup, there: dict[str, int]) -> bool | None:
    if backup.is_encrypted:
        return None
    try:
        entries = place.list_of(backup)
    except Rejected:
        return False
    return all(there.get(place.object_of(one.digest)) == one.kept for one in entries)
