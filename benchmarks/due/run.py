"""How long a pass over nothing takes in a library of many videos: `tick`, `list`, opening.

A library of one real lecture is made by video-rag; its rows are then copied in SQL, with an id, a
path and a title of their own, as often as asked. Each command is a process of its own, as a clock
calls it; medians of five. PostgreSQL is started from `tests/postgres.py`.

    .venv/bin/python benchmarks/due/run.py [--videos 10000 1000000] [--postgres] [--plot FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
TALK = "1\n00:00:01,000 --> 00:00:04,000\nSheep eat grass on Monday.\n"
ROUNDS = 5
NUMBERS = {
    "sqlite": "with recursive n(i) as (select {a} union all select i + 1 from n where i < {b}) ",
    "postgresql": "with n(i) as (select generate_series({a}, {b})) ",
}
RANDOM = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "md5(random()::text)"}


def video_rag(home: Path, url: str, *command: str) -> tuple[float, str]:
    """Run a command; its seconds and what it printed."""
    env = {**os.environ, "VIDEO_RAG_HOME": str(home)}
    env |= {"VIDEO_RAG_LEDGER__URL": url} if url else {}
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "video_rag", *command],
        env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return time.perf_counter() - begun, done.stdout


def grow(engine: sa.Engine, first: int, last: int) -> None:
    """Copy the one video's rows as videos `first` to `last`."""
    many = NUMBERS[engine.dialect.name].format(a=first, b=last)
    random = RANDOM[engine.dialect.name]

    def columns(table: str, **new: str) -> tuple[str, str]:
        names = [column["name"] for column in sa.inspect(engine).get_columns(table)]
        return ", ".join(names), ", ".join(new.get(name, f"r.{name}") for name in names)

    words = "'talk ' || i || ' /talks/' || i || '.srt'"
    told = {"title": "'talk ' || i", "words": words, "place": random}
    new = "'copy:' || i"
    with engine.connect() as db:
        first_id = db.exec_driver_sql("select video_id from videos where position = 1").scalar()
    with engine.begin() as db:
        for table, of, more in (
            ("videos", "video_id", {"position": "1 + i", **told}),
            ("results", "video_id", {}),
            ("memberships", "video_id", {"position": "1 + i"}),
            ("receipts", "document_id", {}),
        ):
            names, picked = columns(table, **{of: new, **more})
            one = f"(select * from {table} where {of} = '{first_id}') r"
            db.exec_driver_sql(
                f"{many} insert into {table} ({names}) select {picked} from n, {one}"
            )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.exec_driver_sql("analyze")


def measured(home: Path, url: str, videos: int) -> dict[str, Any]:
    """Medians in seconds."""
    found: dict[str, Any] = {"ledger": "postgresql" if url else "sqlite", "videos": videos}
    for name, command in {
        "version": ["--version"],
        "tick": ["tick"],
        "list 20": ["list", "--limit", "20"],
        "list failed": ["list", "--state", "failed"],
        "list by title": ["list", "--limit", "20", "--sort", "title"],
    }.items():
        seconds = [video_rag(home, url, *command)[0] for _ in range(ROUNDS)]
        found[name] = round(statistics.median(seconds), 2)
    return found


def run(videos: list[int], url: str) -> list[dict[str, Any]]:
    """One row for each size."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="video-rag-due-") as folder:
        home = Path(folder) / "home"
        (Path(folder) / "sheep.srt").write_text(TALK, encoding="utf-8")
        video_rag(home, url, "add", str(Path(folder) / "sheep.srt"))
        place = url.replace("postgresql:", "postgresql+psycopg:") if url else ""
        engine = sa.create_engine(place or f"sqlite:///{home / 'library.db'}")
        have = 1
        for many in sorted(videos):
            for start in range(have, many, 100_000):
                grow(engine, start, min(start + 100_000, many) - 1)
            have = many
            assert video_rag(home, url, "tick")[1].strip() == "nothing is due"
            rows.append(measured(home, url, many))
            print(json.dumps(rows[-1]), flush=True)
        engine.dispose()
    return rows


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Seconds by videos, each database."""
    from PIL import Image, ImageDraw

    width, height, left = 640, 360, 60
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    most = max(2.0, *(row["tick"] for row in rows))
    sizes = sorted({row["videos"] for row in rows})
    at = {
        size: left + 40 + i * (width - left - 120) // max(1, len(sizes) - 1)
        for i, size in enumerate(sizes)
    }
    for tick in (0.0, 0.5, 1.0, 1.5, 2.0):
        y = height - 40 - tick / most * (height - 80)
        draw.line([(left, y), (width - 20, y)], fill="#dddddd")
        draw.text((15, y - 6), f"{tick:.1f} s", fill="black")
    for size in sizes:
        draw.text((at[size] - 20, height - 30), f"{size:,}", fill="black")
    for kind, colour in (("sqlite", "#1f6f8b"), ("postgresql", "#c0392b")):
        points = [
            (at[row["videos"]], height - 40 - row["tick"] / most * (height - 80))
            for row in rows if row["ledger"] == kind
        ]  # fmt: skip
        if points:
            draw.line(points, fill=colour, width=3)
            draw.text((points[-1][0] - 60, points[-1][1] - 18), f"tick, {kind}", fill=colour)
    image.save(path)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL as well")
    parser.add_argument("--plot", type=Path, help="where the picture goes (.png)")
    given = parser.parse_args()
    rows = run(given.videos, "")
    if given.postgres:
        import postgres

        with postgres.running() as server, server.database() as url:
            rows += run(given.videos, url)
    if given.plot:
        plot(rows, given.plot)


if __name__ == "__main__":
    main()
