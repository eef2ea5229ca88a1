"""Fifty downloads in a process that is killed again and again: nothing is lost or repeated."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from films import film, html, player, put_hls, video, ytdlp
from video_rag.digest import of_bytes, of_file
from video_rag.model import Video
from web import Page, Site, serve

pytest.importorskip("yt_dlp")

DIRECT, STREAMS = 42, 8
KILLS = 12
SPEED = 1_500_000.0
"""Bytes per second: slow enough to be killed in the middle, fast enough for a test."""
BUFFERS = 256 * 1024
"""Bytes that one kill may cost: what two kernels and yt-dlp hold, the end that is compared, a
fragment that was not yet written down."""
CHILD = """
import json, sys, tempfile
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from films import ytdlp
from video_rag.model import Video
home = Path(sys.argv[2])
source = ytdlp(home, subtitle_languages=[], timeout=20)
done = open(home / "done.txt", "a", buffering=1)
for row in json.loads((home / "videos.json").read_text()):
    with tempfile.TemporaryDirectory() as scratch:
        source.fetch(Video.model_validate(row), Path(scratch))
    print(row["url"], file=done)
"""


def _fill(site: Site, folder: Path) -> list[Video]:
    """The pages of all videos, and the videos."""
    sizes = random.Random(7)
    urls = []
    for number in range(DIRECT):
        body = film(folder, sizes.randrange(80_000, 500_000), seed=number)
        site.pages[f"/{number}.mp4"] = Page(body, "video/mp4", speed=SPEED, etag=number % 2 == 0)
        site.pages[f"/{number}"] = html(f"Film {number}", player(f"/{number}.mp4"))
        urls.append(f"{site.url}/{number}")
    put_hls(site, "/hls", folder / "hls", speed=100_000.0)
    for path in [path for path in site.pages if path.startswith("/hls/")]:
        for number in range(STREAMS):
            site.pages[path.replace("/hls/", f"/hls{number}/")] = site.pages[path]
    urls += [f"{site.url}/hls{number}/master.m3u8" for number in range(STREAMS)]
    sizes.shuffle(urls)
    return [video(url) for url in urls]


def _start(home: Path) -> subprocess.Popen[bytes]:
    tests = Path(__file__).resolve().parent.parent
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, os.fspath(tests), os.fspath(home)],
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )


def _media(home: Path) -> dict[str, str]:
    """Digest of each file in the media folder, by its name there."""
    media = home / "media"
    return {
        path.relative_to(media).as_posix(): of_file(path)
        for path in media.rglob("*")
        if path.is_file() and path.name != "media.json"
    }


@pytest.mark.timeout(300)
def test_fifty_downloads_survive_kills_at_random_moments(tmp_path: Path) -> None:
    seed = 20261124
    moments = random.Random(seed)
    shaken, calm = tmp_path / "shaken", tmp_path / "calm"
    shaken.mkdir()
    halves = 0
    asked_when_done: dict[str, int] = {}
    with serve() as site:
        videos = _fill(site, tmp_path)
        rows = [found.model_dump(mode="json") for found in videos]
        (shaken / "videos.json").write_text(json.dumps(rows))
        for _ in range(KILLS):
            process = _start(shaken)
            _wait_for(site, _sent(site) + moments.randrange(50_000, 700_000), process)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)
            halves += len(list((shaken / "media").rglob("*.part")))
            time.sleep(0.05)  # the server sees that nobody listens
            for url in set(_done(shaken)) - asked_when_done.keys():
                asked_when_done[url] = _asked(site, url)
        assert _start(shaken).wait(120) == 0, f"seed {seed}"
        assert halves > KILLS // 2, "too few kills in the middle of a file"
        for url, asked in asked_when_done.items():
            assert _asked(site, url) == asked, f"{url}, seed {seed}"
        served, sent = Counter(site.sent), _sent(site)
        (calm / "scratch").mkdir(parents=True)
        stream = next(found for found in videos if "/hls0/" in found.url)
        joined = ytdlp(calm, subtitle_languages=[]).fetch(stream, calm / "scratch")
        wanted: dict[str, int] = {
            of_bytes(site.pages[f"/{number}.mp4"].body): 1 for number in range(DIRECT)
        }
        wanted[joined.files[0].digest] = STREAMS
        bodies = {path: len(page.body) for path, page in site.pages.items()}
    assert Counter(_media(shaken).values()) == wanted, f"seed {seed}"
    needed = sum(size for path, size in bodies.items() if served[path] and _is_media(path))
    assert sent <= needed + KILLS * BUFFERS, f"seed {seed}"


def _wait_for(site: Site, sent: int, process: subprocess.Popen[bytes]) -> None:
    """Until so many bytes of media went out, or the process ended."""
    while _sent(site) < sent and process.poll() is None:
        time.sleep(0.005)


def _sent(site: Site) -> int:
    return sum(size for path, size in dict(site.sent).items() if _is_media(path))


def _is_media(path: str) -> bool:
    return path.endswith((".mp4", ".ts"))


def _done(home: Path) -> list[str]:
    path = home / "done.txt"
    return path.read_text().splitlines() if path.exists() else []


def _asked(site: Site, url: str) -> int:
    """How often a video's page, file or fragments were asked for."""
    path = url.removeprefix(site.url).removesuffix("/master.m3u8")
    begins = (f"{path}/", f"{path}.")
    return sum(
        count for name, count in site.gets.items() if name == path or name.startswith(begins)
    )
