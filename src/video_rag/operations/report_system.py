"""`report system`: errors, where work piles up, disk and memory of this machine."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from video_rag.library import Library
from video_rag.operations.overview import overview
from video_rag.operations.rows import Row

LITTLE = 0.1
"""The share of a disk, or of the memory, below which there is little left."""
LONG_SECONDS = 3600.0
"""So long may work wait before it is a bottleneck."""
_TAIL = 4_000_000
"""Bytes of the log that are looked through, from its end."""
_MOST = 10
_MEMORY = Path("/proc/meminfo")


def system(library: Library) -> Row:
    """How the machine and the work on it are, as a JSON value; sizes are bytes."""
    work = overview(library)
    row: Row = {
        "errors": {"failures": work["failures"], "log": _log(library)},
        "bottlenecks": {
            "routes": work["routes"],
            "oldest_seconds": work["oldest_seconds"],
            "at_work": work["at_work"],
            "pace": work["pace"],
            "queue": work["problem"],
        },
        "disk": _disks(library),
        "memory": _memory(),
        "load": _load(),
    }
    return row | {"findings": list(_findings(row))}


def _log(library: Library) -> Row:
    """Warnings and errors at the end of the log, where it is a file of JSON lines."""
    named = str(library.settings.section("observers", "logs").get("file", ""))
    counts: Counter[tuple[str, str]] = Counter()
    path = Path(named).expanduser()
    looked = 0
    if named not in {"", "-"} and path.is_file():
        for line in _tail(path):
            looked += 1
            if line.get("level") in {"warning", "error", "critical"}:
                counts[line["level"], _brief(line)] += 1
    found = counts.most_common(_MOST)
    rows = [{"level": level, "what": what, "times": many} for (level, what), many in found]
    return {"file": named or None, "lines": looked, "most": rows}


def _tail(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            for line in file:
                try:
                    found = json.loads(line)
                except ValueError:  # the first one is cut, others are for people
                    continue
                if isinstance(found, dict):
                    yield found
    except OSError:
        return


def _brief(line: dict[str, Any]) -> str:
    parts = (line.get(name) for name in ("stage", "message", "error"))
    return " ".join(str(part) for part in parts if part)[:120]


def _disks(library: Library) -> list[Row]:
    """The disks that the library lies on, each once."""
    settings = library.settings
    places = {"home": settings.home, "media": settings.library.media}
    places["documents"] = settings.library.documents
    rows: dict[int, Row] = {}
    for name, place in places.items():
        if not isinstance(place, Path):
            continue  # a bucket
        here = next(one for one in (place, *place.parents) if one.exists())
        known = rows.setdefault(here.stat().st_dev, {"holds": [], "path": str(here)})
        known["holds"].append(name)
        usage = shutil.disk_usage(here)
        known |= {"total": usage.total, "free": usage.free}
        rows[here.stat().st_dev] = known
    databases = {one.name: one.stat().st_size for one in sorted(settings.home.glob("*.db"))}
    found = list(rows.values())
    if found:
        found[0]["databases"] = databases
    return found


def _memory() -> Row | None:
    """What the machine has, and what can be had of it; None where the system does not say."""
    try:
        rows = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines() if ":" in line)
        total, free = (int(rows[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    except (OSError, KeyError, ValueError):
        return None
    return {"total": total, "available": free}


def _load() -> Row:
    """Programs that want to run, on average of five minutes, and cores to run them."""
    load = os.getloadavg()[1] if hasattr(os, "getloadavg") else None
    return {"load": load, "cores": os.cpu_count()}


def _findings(row: Row) -> Iterator[str]:
    """What a person should know first, each with what to do."""
    for disk in row["disk"]:
        if disk["free"] < LITTLE * disk["total"]:
            share = disk["free"] / disk["total"]
            yield f"{disk['path']} has {share:.0%} left: make room, or set [library] media_bytes"
    memory = row["memory"]
    if memory and memory["available"] < LITTLE * memory["total"]:
        yield "little memory is left: fewer workers, or a smaller [pipeline] memory_bytes"
    if row["load"]["load"] and row["load"]["load"] > 2 * (row["load"]["cores"] or 1):
        yield "more programs want to run than there are cores: fewer workers here, or more machines"
    oldest = row["bottlenecks"]["oldest_seconds"]
    if oldest and oldest > LONG_SECONDS:
        yield f"work has waited for {oldest / 3600:.0f} h: start more of `video-rag worker`"
    for one in row["errors"]["failures"]:
        stay = one["videos"] - one["retried"]
        if stay:
            yield f"{stay} videos failed for good ({one['error']}): `video-rag list --state failed`"
    if row["bottlenecks"]["queue"]:
        yield f"the queue cannot be asked: {row['bottlenecks']['queue']}"
