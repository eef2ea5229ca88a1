"""How long a scrape of `/metrics` takes in a library of many videos.

The library is made as in `benchmarks/due`: one real lecture, its rows copied in SQL. Then
`video-rag serve` is scraped over HTTP; the first scrape and the median and longest of the others
are told.

    .venv/bin/python benchmarks/metrics/run.py [--videos 10000 100000] [--postgres]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx2
import sqlalchemy as sa

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks" / "due")]

import run as due  # noqa: E402

from serving import served  # noqa: E402
from video_rag.library import Library  # noqa: E402
from video_rag.settings import load_settings  # noqa: E402

ROUNDS = 40


def measure(home: Path, url: str, many: int) -> None:
    talk = home.parent / "talk.srt"
    talk.write_text(due.TALK)
    due.video_rag(home, url, "add", str(talk))
    engine = sa.create_engine(
        url.replace("postgresql:", "postgresql+psycopg:") or f"sqlite:///{home / 'library.db'}"
    )
    due.grow(engine, 1, many - 1)
    if url:  # as autovacuum does within a minute
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            db.exec_driver_sql("vacuum analyze")
    engine.dispose()
    library = Library(load_settings({"home": str(home), "ledger": {"url": url}}, env={}))
    with served(library) as server, httpx2.Client(base_url=server.url) as client:
        took = []
        for _ in range(ROUNDS + 1):
            begun = time.perf_counter()
            text = client.get("/metrics").raise_for_status().text
            took.append(1000 * (time.perf_counter() - begun))
            assert "video_rag_ledger_up 1.0" in text
            time.sleep(0.1)
    library.close()
    kind = "PostgreSQL" if url else "SQLite"
    print(
        f"| {kind} | {many:,} | {took[0]:.0f} | {statistics.median(took[1:]):.1f} "
        f"| {max(took[1:]):.1f} | {len(text) / 1000:.1f} kB |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, nargs="+", default=[10_000])
    parser.add_argument("--postgres", action="store_true")
    wanted = parser.parse_args()
    print(
        "| ledger | videos | first, ms | median, ms | longest, ms | size |",
        "|---|---|---|---|---|---|",
        sep="\n",
    )
    for many in wanted.videos:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder) / "home", "", many)
        if wanted.postgres:
            import postgres

            with (
                tempfile.TemporaryDirectory() as folder,
                postgres.running() as server,
                server.database() as url,
            ):
                measure(Path(folder) / "home", url, many)


if __name__ == "__main__":
    main()
