"""What the server stands: parts of a long list a second, and health checks in a flood.

`python benchmarks/server/run.py [videos] [clients] [seconds]`
"""

from __future__ import annotations

import json
import os
import random
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median

from video_rag.digest import of_bytes
from video_rag.library import Library
from video_rag.settings import load_settings
from video_rag.stores import Result
from video_rag.testing.llm import LlmServer, Reply

PART = 100
HALF_OPEN, QUESTIONS, LOOKS = 1200, 60, 50
SERVE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
from video_rag.api.server import serve
from video_rag.library import Library
from video_rag.settings import load_settings
serve(Library(load_settings()), "127.0.0.1", 0, lambda url: print(url, flush=True))
"""


def fill(home: Path, videos: int) -> None:
    """One real video, and as many that differ from it in their own facts."""
    talk = home / "talk.srt"
    talk.write_text("1\n00:00:01,000 --> 00:00:04,000\nThe wool is shorn once a year.\n")
    library = Library(load_settings({"home": str(home)}))
    list(library.add([str(talk)]))
    [(video_id, results)] = library.ledger.all_results(("video", "media", "page")).items()
    stages = {"origins": "give", "video": "give", "talk": "give"}
    for number in range(1, videos):
        other = f"file:{number:016x}"
        fact = json.loads(results["video"].value or "")
        fact |= {"video_id": other, "title": f"Lecture {number}", "is_title_given": True}
        text = json.dumps(fact)
        made = {**results, "video": Result(of_bytes(text.encode()), results["video"].key, text)}
        for stage in ("give", "rest"):
            mine = {n: r for n, r in made.items() if stages.get(n, "rest") == stage}
            library.ledger.commit(other, stage, mine)
    assert video_id
    library.close()


@contextmanager
def serving(home: Path, log: Path, **settings: str) -> Iterator[int]:
    """The server in a process of its own, with 1,024 files; gives its port."""
    env = {**os.environ, "VIDEO_RAG_HOME": str(home), **settings}
    with log.open("wb") as errors:
        command = [sys.executable, "-c", SERVE]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=env) as process:
            assert process.stdout
            yield int(process.stdout.readline().strip().rpartition(b":")[2])
            process.kill()


def get(connection: socket.socket, path: str) -> bytes:
    """One request on an open connection."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)
    return body


def parts(port: int, videos: int, clients: int, seconds: float) -> list[float]:
    """The seconds that each part took, of clients that ask one after the other."""
    took: list[float] = []
    end = time.monotonic() + seconds

    def visit() -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            while time.monotonic() < end:
                offset = PART * random.randrange(max(1, videos // PART))
                before = time.monotonic()
                get(connection, f"/api/videos?limit={PART}&offset={offset}")
                took.append(time.monotonic() - before)

    threads = [threading.Thread(target=visit) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def flood(home: Path, log: Path) -> list[float]:
    """The seconds that health checks took among half-open connections and slow questions."""
    took = []
    with LlmServer([Reply("Once a year [1].", delay=120.0)]) as model, ExitStack() as stack:
        answerer = "VIDEO_RAG_ANSWERERS__OPENAI__"
        names = {f"{answerer}BASE_URL": model.base_url, f"{answerer}MODEL": "test"}
        more = {"VIDEO_RAG_ASK__ANSWERER": "openai", "VIDEO_RAG_GUARD__ALLOW_PRIVATE": "true"}
        port = stack.enter_context(serving(home, log, **names, **more))
        body = b'{"question": "How often is the wool shorn?"}'
        asked = b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        asked += b"Content-Length: %d\r\n\r\n" % len(body) + body
        for said in [asked] * QUESTIONS + [b"GET / HTTP/1.1\r\n"] * HALF_OPEN:
            visitor = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            visitor.sendall(said)
        for _ in range(LOOKS):
            before = time.monotonic()
            with socket.create_connection(("127.0.0.1", port)) as connection:
                get(connection, "/health/live")
            took.append(time.monotonic() - before)
            time.sleep(0.1)
        model.closing.set()
    return took


def main(videos: int = 10_000, clients: int = 20, seconds: float = 20.0) -> None:
    """Print both."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4000), hard), hard))
    with tempfile.TemporaryDirectory() as folder:
        home, log = Path(folder), Path(folder) / "server.log"
        fill(home, int(videos))
        with serving(home, log) as port:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                before = time.monotonic()
                get(connection, "/api/videos")
                first = time.monotonic() - before
                steps = [time.monotonic()]
                for state in ("ready", "ready", "failed"):
                    get(connection, f"/api/videos?state={state}")
                    steps.append(time.monotonic())
            for name in ("first round", "then"):
                took = parts(port, int(videos), int(clients), float(seconds))
                print(
                    f"{name}: {len(took) / float(seconds):.0f} parts of {PART} videos a second, "
                    f"median {median(took) * 1000:.0f} ms, slowest {max(took) * 1000:.0f} ms"
                )
        waits = ", ".join(f"{b - a:.2f}" for a, b in pairwise(steps))
        print(f"the first part {first:.2f} s; state=ready, again, state=failed: {waits} s")
        looks = flood(home, log)
        print(
            f"health among {HALF_OPEN} half-open connections and {QUESTIONS} slow questions: "
            f"median {median(looks) * 1000:.0f} ms, slowest {max(looks) * 1000:.0f} ms; "
            f"log {log.stat().st_size} bytes; load {os.getloadavg()[0]:.1f}"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
