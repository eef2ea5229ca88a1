"""Runs the commands shown in the documents: `python scripts/transcripts.py [--check]`.

In a `console` block after `<!-- run -->` every line `$ command` is run, and what it prints is
written below it. With `--check` nothing is written, and the exit code is 1 when a document shows
something else. Each document begins with an empty library and a folder in which `examples/` lies;
both have plain names in what is shown. Those about Dify also begin with an empty Dify, that of
`video_rag.testing`, whose language model is a few lines below; those about sources with a podcast.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from video_rag.chunking import parse_addresses
from video_rag.net.pages import moment
from video_rag.testing.dify import DifyServer
from video_rag.text.timecode import clock
from video_rag.text.tokens import terms

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("README.md", "README.zh-CN.md", "docs/tutorial.md", "docs/tutorial.zh-CN.md")
ABOUT_DIFY = ("docs/how-to/dify.md", "docs/how-to/dify.zh-CN.md")
ABOUT_SOURCES = ("docs/how-to/sources.md", "docs/how-to/sources.zh-CN.md")
BLOCK = re.compile(r"(<!-- run -->\n```console\n)(.*?)(```)", re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)$", re.MULTILINE)
SCORE = re.compile(r"  \d+\.\d\d$", re.MULTILINE)
"""Scores move with every improvement of the ranking; a check leaves them out."""
PLACE = "/home/you/video-rag"
PAGE = "https://lectures.example.org"
"""Where the library's own page would be."""
PODCAST = "pod.example.org"
"""Shown for a server on loopback, and as long as its name, so that tables keep their shape."""
EPISODES = {"Episode 12": "lecture.mp4", "Trailer: the next season": "trailer.mp4"}
TIMES = {
    r"(?<=until )(\d{4}-\d\d-\d\d )?\d\d:\d\d": "09:15",
    r"(?<=rate-limit at )\d\d:\d\d": "09:00",
    r"^(\d +)[-\d]{10} \d\d:\d\d  [-\d]{10} \d\d:\d\d": r"\g<1>2026-11-24 15:00  2026-11-24 09:00",
    rf"(?<=^{re.escape(PODCAST)}  )[-\d]{{10}} \d\d:\d\d": "2026-11-24 09:15",
}
"""Of a check every six hours and a wall; the first number of a row is that of a subscription."""
APP_KEY = re.compile(r"DIFY_APP_KEY=(app-\S+)")
MADE_UP = {
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b": "6b1f0c52-9d3e-4c57-8a40-2f7d1e9b3c05",
    r"\bapp-[0-9a-f]+\b": "app-3b9e1c7d5f",
    r"/chat/[0-9a-f]+\b": "/chat/kJ8sWq2nVx",
    r"\bin \d+\.\d s\b": "in 1.2 s",
    r"(?<=\d {8})[0-9a-f]{8}\b": "6d533ec7",
}
"""What Dify makes up, durations, and revisions of documents, which move with every change."""


class Place:
    """A folder to run commands in, as a person with nothing but a checkout would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "video-rag"
        self.home = folder / "home"
        self._first: dict[str, tuple[str, Path]] = {}
        """What a command prints in an empty place, and a copy of the home that it leaves."""
        self.environment: dict[str, str] = {}
        self.plain: dict[str, str] = {}
        """Patterns in what is printed, and what is shown in their place."""
        self.really: dict[str, str] = {}
        """What commands name, and what is meant."""
        self.clear()

    def clear(self) -> None:
        """Begin anew: an empty library, and nothing but `examples/` in the folder."""
        for folder in (self.folder, self.home):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        (self.folder / "examples").symlink_to(ROOT / "examples")
        self._is_empty = True

    def run(self, command: str) -> str:
        """What a command prints, errors included. The first one is slow, so it is remembered."""
        was_empty, self._is_empty = self._is_empty, False
        if was_empty and command in self._first:
            shown, copy = self._first[command]
            shutil.copytree(copy, self.home, dirs_exist_ok=True, symlinks=True)
            return shown
        shown = self._run(command)
        if was_empty and not self.really:  # a server does not stay where it was
            copy = self.home.with_name(f"home-{len(self._first)}")
            shutil.copytree(self.home, copy, symlinks=True)
            self._first[command] = (shown, copy)
        return shown

    def _run(self, command: str) -> str:
        for shown_name, meant in self.really.items():
            command = command.replace(shown_name, meant)
        words = shlex.split(command)
        if words[0] == "video-rag":
            words = [sys.executable, "-m", "video_rag", *words[1:]]
        done = subprocess.run(
            words,
            cwd=self.folder,
            env={
                "HOME": str(self.home),
                "PATH": os.environ["PATH"],
                "COLUMNS": "100",
                **self.environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if key := APP_KEY.search(done.stdout):  # the reader keeps it, as the command says
            self.environment["DIFY_APP_KEY"] = key[1]
        shown = done.stdout.replace(str(self.folder), PLACE).replace(str(self.home), "/home/you")
        for pattern, plain in self.plain.items():
            shown = re.sub(pattern, plain, shown, flags=re.MULTILINE)
        return "\n".join(line.rstrip() for line in shown.strip("\n").splitlines())

    @contextmanager
    def beside_dify(self) -> Iterator[None]:
        """Commands find a Dify, with the settings that the reader has made by then."""
        with DifyServer() as dify:
            dify.answering = quote
            self.environment = {
                "DIFY_BASE_URL": dify.base_url,
                "DIFY_API_KEY": dify.dataset_key,
                "VIDEO_RAG_KNOWLEDGE__DIFY__CONSOLE_EMAIL": dify.email,
                "VIDEO_RAG_KNOWLEDGE__DIFY__CONSOLE_PASSWORD": dify.password,
                "VIDEO_RAG_SERVER__PUBLIC_URL": PAGE,
            }
            self.plain = {re.escape(dify.url): "http://dify.example.org", **MADE_UP}
            yield
        self.environment, self.plain = {}, {}

    @contextmanager
    def beside_podcast(self) -> Iterator[None]:
        """Commands find a feed with two episodes, and may look at loopback."""
        folder = self.folder.with_name("podcast")
        folder.mkdir(exist_ok=True)
        shutil.copy(ROOT / "examples" / "lecture.mp4", folder)
        with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=folder)) as server:
            host = f"127.0.0.1:{server.server_port}"
            (folder / "feed.xml").write_text(feed(f"http://{host}"), encoding="utf-8")
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.environment = {"VIDEO_RAG_GUARD__ALLOW_PRIVATE": "true"}
            self.plain = {f"http://{host}": f"https://{PODCAST}", host: PODCAST, **TIMES}
            self.really = {f"https://{PODCAST}": f"http://{host}", PODCAST: host}
            yield
            server.shutdown()
        self.environment, self.plain, self.really = {}, {}, {}

    def beside(self, name: str) -> AbstractContextManager[None]:
        """What a document finds beside its empty library."""
        if name in ABOUT_DIFY:
            return self.beside_dify()
        return self.beside_podcast() if name in ABOUT_SOURCES else nullcontext()


class Silent(SimpleHTTPRequestHandler):
    """A server that logs nothing, and asks for fewer requests where a path says `busy`."""

    def do_GET(self) -> None:
        """Answer 429 or with the file."""
        if "busy" in self.path:
            self.send_error(429)
        else:
            super().do_GET()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def feed(url: str) -> str:
    """A podcast, as RSS."""
    items = "".join(
        f"<item><title>{title}</title><guid>{number}</guid>"
        f'<enclosure url="{url}/{name}" type="video/mp4" length="1"/></item>'
        for number, (title, name) in enumerate(EPISODES.items())
    )
    return f'<rss version="2.0"><channel><title>Talks</title>{items}</channel></rss>'


def quote(question: str, passages: Sequence[str]) -> str:
    """The first sentence of the passage with most of the question's words, and a link to it."""
    wanted = set(terms(question))
    best = max(passages, key=lambda text: len(wanted & set(terms(text.partition("\n")[0]))))
    sentence = re.split(r"(?<=[.。])", best)[0]
    video_id, start, _end = parse_addresses(best)[0]
    return f"{sentence} [{clock(start)}]({moment(PAGE, video_id, start)})"


def rewritten(text: str, place: Place) -> str:
    """A document with the output that its commands have now."""

    def block(match: re.Match[str]) -> str:
        commands = COMMAND.findall(match.group(2))
        shown = [f"$ {command}\n{place.run(command)}".rstrip() for command in commands]
        return match.group(1) + "\n\n".join(shown) + "\n" + match.group(3)

    place.clear()
    return BLOCK.sub(block, text)


def differs(old: str, new: str) -> bool:
    """Whether two documents show something else, scores aside."""
    return SCORE.sub("", old) != SCORE.sub("", new)


def outdated() -> dict[Path, str]:
    """The documents that show something else than their commands print, as they should be."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder).resolve())
        for name in (*DOCUMENTS, *ABOUT_DIFY, *ABOUT_SOURCES):
            path = ROOT / name
            old = path.read_text(encoding="utf-8")
            with place.beside(name):
                new = rewritten(old, place)
            if differs(old, new):
                found[path] = new
    return found


def main(arguments: list[str]) -> int:
    """Write or check the documents; the exit code."""
    found = outdated()
    for path, text in found.items():
        name = path.relative_to(ROOT)
        if "--check" in arguments:
            print(f"{name} shows other output than its commands have: run make docs")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return 1 if found and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
