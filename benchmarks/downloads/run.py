"""Downloads: our time over bare yt-dlp's, where it goes; a large channel; a long queue with faults.

    python benchmarks/downloads/run.py [time|channel|queue …] [--rounds 3] [--json]

The server is a process of its own on loopback and sends 20 MB a second and connection. Bare yt-dlp
and ours are fresh processes that take turns; both are timed inside, from before the import of
yt-dlp to the finished file, so that the start of Python counts on neither side.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from make import apart, pages, whole

HERE = Path(__file__).resolve().parent
RATE = 20_000_000
SIZES = {"small": 2_000_000, "middle": 20_000_000, "large": 200_000_000}
ENTRIES = 10_000
QUEUE, FAULTS = 1_000, ("404", "403", "410", "500", "cut", "garbage")


@contextmanager
def serving(folder: Path, rate: float = RATE) -> Iterator[str]:
    command = [sys.executable, str(HERE / "server.py"), str(folder), str(rate)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def child(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(HERE / "child.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare(rounds: int) -> list[dict[str, Any]]:
    """Bare yt-dlp and ours in turns, for each size in one file, and with the sound apart."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as url:
        cases = {}
        for name, size in SIZES.items():
            cases[name] = size, f"{url}/{whole(Path(folder), name, size)}"
            cases[f"{name}, apart"] = size, f"{url}/{apart(Path(folder), name, size)}"
        for name, (size, address) in cases.items():
            bare, ours = [], []
            for number in range(rounds):
                place = f"{folder}/{name}-{number}"
                bare.append(child("bare", address, f"{place}-bare"))
                ours.append(child("ours", address, f"{place}-ours"))
                for kind in ("bare", "ours"):
                    shutil.rmtree(f"{place}-{kind}")
            parts = {
                part: round(median(one["parts"].get(part, 0.0) for one in ours), 3)
                for part in ours[0]["parts"]
            }
            row = {
                "file": name,
                "bytes": size,
                "bare": round(median(one["seconds"] for one in bare), 2),
                "ours": round(median(one["seconds"] for one in ours), 2),
                "parts": parts,
            }
            row["ours over bare"] = round(row["ours"] / row["bare"], 3)
            rows.append(row)
    return rows


def feed(url: str, many: int) -> str:
    items = "".join(
        f"<item><title>Talk {n}</title><guid>talk-{n}</guid><pubDate>Mon, 23 Nov 2026 03:00:00 GMT"
        f'</pubDate><enclosure url="{url}/copy/{n}/clip.mp4" type="video/mp4" length="9"/></item>'
        for n in range(many)
    )
    title = "<title>Talks</title>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{title}{items}</channel></rss>'


def counts(url: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{url}/counts", timeout=10) as answer:
        return dict(json.load(answer))


def channel(rounds: int) -> dict[str, Any]:
    """`watch check --now` on a list of 10,000 videos without news, the whole command."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as url:
        (Path(folder) / "feed.xml").write_text(feed(url, ENTRIES), encoding="utf-8")
        command = [str(Path(sys.executable).with_name("video-rag")), "watch"]
        env = {
            "PATH": "/usr/bin:/bin",
            "VIDEO_RAG_HOME": f"{folder}/home",
            "VIDEO_RAG_GUARD__ALLOW_PRIVATE": "true",
        }

        def call(*more: str) -> float:
            begun = perf_counter()
            subprocess.run([*command, *more], env=env, check=True, capture_output=True)
            return perf_counter() - begun

        call("add", f"{url}/feed.xml")
        first = call("check", "--now")
        before = sum(counts(url).values())
        times = [call("check", "--now") for _ in range(rounds)]
        requests = (sum(counts(url).values()) - before) / rounds
    return {
        "entries": ENTRIES,
        "first check": round(first, 2),
        "check without news": round(median(times), 2),
        "requests": requests,
    }


def queue() -> dict[str, Any]:
    """1,000 queued downloads of which every twentieth is at fault, until nothing is left."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), 200_000_000) as url:
        pages(Path(folder), FAULTS)
        urls = [
            f"{url}/copy/{number}/{FAULTS[number // 20 % len(FAULTS)]}.html"
            if number % 20 == 7
            else f"{url}/copy/{number}/talk.html"
            for number in range(QUEUE)
        ]
        Path(folder, "urls.txt").write_text("\n".join(urls), encoding="utf-8")
        row = child("queue", f"{folder}/urls.txt", f"{folder}/home")
        served = counts(url)
        whole_films = [path for path in served if re.fullmatch(r"/copy/\d+/talk.mp4", path)]
        row["healthy films asked for"] = len(whole_films)
        row["of them more than twice"] = sum(served[path] > 2 for path in whole_films)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="*", default=["time", "channel", "queue"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result: dict[str, Any] = {}
    if "time" in arguments.what:
        result["time"] = compare(arguments.rounds)
    if "channel" in arguments.what:
        result["channel"] = channel(arguments.rounds)
    if "queue" in arguments.what:
        result["queue"] = queue()
    if arguments.json:
        json.dump(result, sys.stdout, indent=2)
        return
    for name, rows in result.items():
        for row in rows if isinstance(rows, list) else [rows]:
            print(name, *(f"{key}={value}" for key, value in row.items()), sep="  ")


if __name__ == "__main__":
    main()
