"""A file into a bucket and back over the bare library's own calls, by turns; medians.

`python benchmarks/bucket/run.py [megabytes] [rounds]`. The server is s3rver on loopback, which
keeps its files on this disk.
"""

from __future__ import annotations

import gc
import hashlib
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import obstore  # noqa: E402
from obstore.store import S3Store  # noqa: E402
from tests import s3  # noqa: E402

from video_rag.digest import of_file  # noqa: E402
from video_rag.model import Media  # noqa: E402
from video_rag.stores.copies import Copies  # noqa: E402
from video_rag.stores.media_bucket import MediaBucket  # noqa: E402
from video_rag.stores.objects import Objects  # noqa: E402
from video_rag.stores.sql import Sql  # noqa: E402


class User:
    """Holds a copy for the time of a measurement."""


def timed(call: Callable[[], object]) -> float:
    """Seconds of a call."""
    gc.collect()
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def main(megabytes: int = 1024, rounds: int = 5) -> None:
    """Print a table."""
    server = s3.new_s3rver()
    bucket = server.new_bucket()
    url = f"s3://{bucket}/ours"
    folder = Path(tempfile.mkdtemp(prefix="bench-bucket-"))
    film, back = folder / "film.mp4", folder / "back.mp4"
    block = hashlib.sha256(b"film").digest() * 32_768
    with film.open("wb") as file:
        for number in range(megabytes):
            file.write(number.to_bytes(8, "big") + block[8:])
    media = Media(kind="video", path="film.mp4", digest=of_file(film), size=film.stat().st_size)
    bare = S3Store(
        bucket,
        prefix="bare",
        config={
            "endpoint": server.endpoint,
            "region": "us-east-1",
            "access_key_id": s3.KEY,
            "secret_access_key": s3.KEY,
        },
        client_options={"allow_http": True, "timeout": "1h"},
        retry_config={"retry_timeout": timedelta(seconds=30)},
    )
    ledger = Sql(folder / "library.db")
    copies = Copies(folder / "copies", 20 * 1024**3, ledger)
    ours = MediaBucket(Objects(url, server.settings(url)), copies, None)

    def bare_back() -> None:
        with back.open("wb") as target:
            for piece in obstore.get(bare, "film.mp4"):
                target.write(piece)

    def our_back() -> None:
        user = User()
        assert ours.bring("film.mp4", media, user) is not None

    calls = {
        "into the bucket, bare": lambda: obstore.put(bare, "film.mp4", film),
        "into the bucket": lambda: ours.objects.upload("film.mp4", film),
        "back, bare": bare_back,
        "back, checked": our_back,
    }
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds + 1):
        for name, call in calls.items():
            shutil.rmtree(copies.folder, ignore_errors=True)
            took = timed(call)
            if turn:  # the first is for warming up
                seconds[name].append(took)
    print(f"{megabytes} MB, medians of {rounds}, seconds (least to most)\n")
    for name, took in seconds.items():
        print(f"| {name} | {median(took):.1f} ({min(took):.1f}–{max(took):.1f}) |")
    for way in ("into the bucket", "back"):
        mine = seconds["back, checked" if way == "back" else way]
        print(f"\n{way}: {median(mine) / median(seconds[f'{way}, bare']):.2f} x the bare library")
    there_and_back = [
        sum(pair) for pair in zip(seconds["into the bucket"], seconds["back, checked"], strict=True)
    ]
    plain = [
        sum(pair)
        for pair in zip(seconds["into the bucket, bare"], seconds["back, bare"], strict=True)
    ]
    print(f"\nboth: {median(there_and_back) / median(plain):.2f} x the bare library")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nmost memory of this process: {peak:.0f} MB")
    server.stop()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
