"""From an empty machine to an answer, through faults, and back: `make docker-test`.

Starts a Docker engine of its own, makes images that look like those of registries which may be out
of reach, and does what docs/how-to/docker.md says. The last line is a JSON object; the exit code is
1 when a step failed. Nothing stays on the machine but Debian packages.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from containers.engine import Engine, Failed, run

ROOT = Path(__file__).resolve().parent.parent
BASE = "lookalike/python:slim"
CADDY = "lookalike/caddy:2"
URL = "https://localhost:18443"
QUESTIONS = ("Where should a passage be cut?", "关键词检索最擅长找什么？")
SLIM_MB = 260
FORWARD = (
    "import sqlite3; c = sqlite3.connect('/app/data/library.db'); "
    "c.execute('update schema set version = 9999'); c.commit()"
)
BROKEN = f"""\
FROM video-rag:cpu
USER root
RUN mv /opt/video-rag/bin/video-rag /opt/video-rag/bin/whole && printf '%s\\n' '#!/bin/sh' \\
    '[ "$1" != serve ] || exit 9' \\
    'whole "$@" || exit' \\
    '[ "$1" != keys ] || python /forward.py' \\
    >/opt/video-rag/bin/video-rag && chmod 755 /opt/video-rag/bin/video-rag \\
    && echo "{FORWARD}" >/forward.py
USER 10001:10001
"""
"""A version that brings the ledger forward, past what the one before knows, and then fails."""


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def insist(*, that: bool, otherwise: str) -> None:
    if not that:
        raise Failed(otherwise)


class Site:
    """One deployment, in a copy of the project as `git` has it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.folder = engine.folder / "site"
        names = run("git", "-C", str(ROOT), "ls-files", "-z").split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file() and not name.startswith(("tests/", "benchmarks/")):
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.folder / name)
        self.deploy = self.folder / "deploy"
        self.key = ""
        self.context: ssl.SSLContext | None = None

    def command(self, *arguments: str, fails: bool = False, **variables: str) -> str:
        """`./deploy.sh …`; what it says, on both streams."""
        there = {
            "PYTHON_IMAGE": BASE, "CADDY_IMAGE": CADDY, "HTTP_PORT": "18480", "HTTPS_PORT": "18443",
            "PUBLIC_URL": URL, "FRONT_SUBNET": "172.31.77.0/24", "FRONT_RANGE": "172.31.77.128/25",
            "CADDY_ADDRESS": "172.31.77.2",
        }  # fmt: skip
        done = subprocess.run(
            ["./deploy.sh", *arguments],
            cwd=self.deploy,
            env=self.engine.client | there | variables,
            capture_output=True,
            text=True,
            timeout=1500,
            check=False,
        )
        if bool(done.returncode) != fails:
            last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-25:])
            raise Failed(f"deploy.sh {arguments[0]} ended with {done.returncode}:\n{last}")
        return done.stdout + done.stderr

    def container(self, service: str) -> str:
        label = f"label=com.docker.compose.service={service}"
        return self.engine.docker("ps", "-a", "-q", "-f", label).split("\n")[0]

    def trust(self) -> None:
        """Caddy's own authority, by which its certificate is checked."""
        file = "/data/caddy/pki/authorities/local/root.crt"
        root = self.engine.docker("exec", self.container("caddy"), "cat", file)
        self.context = ssl.create_default_context(cadata=root)

    def ask_for(self, path: str, body: Any = None, key: str | None = None) -> tuple[int, str]:
        """Status and text; status 0 while nobody answers."""
        request = urllib.request.Request(
            URL + path, data=None if body is None else json.dumps(body).encode()
        )
        request.add_header("Content-Type", "application/json")
        if key := self.key if key is None else key:
            request.add_header("Authorization", f"Bearer {key}")
        try:
            with urllib.request.urlopen(request, timeout=60, context=self.context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def answers(self) -> bool:
        """Both questions get an answer with a citation."""
        for question in QUESTIONS:
            status, text = self.ask_for("/api/ask", {"question": question})
            if status != 200 or '"citations": []' in text or '"citations"' not in text:
                say(f"  {status} {text[-300:]}")
                return False
        return True

    def is_back(self, seconds: float = 120) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.ask_for("/health/ready", key="")[0] == 200:
                return True
            time.sleep(0.5)
        return False


def images(engine: Engine) -> None:
    run("sh", str(ROOT / "containers/base.sh"), BASE, env=engine.client)
    caddy = (
        f"FROM {BASE}\nRUN apt-get update -q"
        " && apt-get install -qy --no-install-recommends caddy wget\n"
        "ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data HOME=/tmp\n"
    )
    build(engine, CADDY, caddy)


def build(engine: Engine, name: str, text: str) -> None:
    run("docker", "build", "-q", "-t", name, "-", env=engine.client, input=text)


def size_mb(engine: Engine, image: str) -> float:
    return int(engine.docker("image", "inspect", "-f", "{{.Size}}", image)) / 1e6


def slim(site: Site, figures: dict[str, Any]) -> None:
    """Its size over its base, and how long it takes from nothing to ready."""
    engine = site.engine
    site.command("build", VIDEO_RAG_IMAGE="video-rag:slim")
    figures["slim_mb"] = round(size_mb(engine, "video-rag:slim") - size_mb(engine, BASE), 1)
    engine.docker(
        "run", "--rm", "-v", "slim:/app/data", "video-rag:slim", "video-rag", "keys", "add", "x"
    )
    began = time.monotonic()
    one = engine.docker(
        "run",
        "-d",
        "--read-only",
        "--tmpfs",
        "/tmp",
        "--cap-drop",
        "ALL",
        "-v",
        "slim:/app/data",
        "video-rag:slim",
    )
    address = engine.docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", one)
    while time.monotonic() < began + 60:
        try:
            with urllib.request.urlopen(f"http://{address}:8420/health/ready", timeout=5):
                break
        except OSError:
            time.sleep(0.05)
    figures["ready_s"] = round(time.monotonic() - began, 2)
    engine.docker("rm", "-f", one)
    engine.docker("volume", "rm", "slim")
    insist(
        that=figures["slim_mb"] < SLIM_MB, otherwise=f"slim is too large: {figures['slim_mb']} MB"
    )


def first(site: Site, figures: dict[str, Any]) -> None:
    shutil.copy(site.deploy / ".env.example", site.deploy / ".env")
    say(site.command("up").strip().splitlines()[-2])
    site.trust()
    status, text = site.ask_for("/api/videos")
    figures["https"] = status == 401 and "an API key is needed" in text
    insist(that=figures["https"], otherwise=f"it did not ask for a key: {status} {text[:200]}")
    ports = site.engine.docker("ps", "--format", "{{.Ports}}").splitlines()
    insist(
        that=sum("->" in one for one in ports) == 1, otherwise=f"more than one has ports: {ports}"
    )


def sample(site: Site, figures: dict[str, Any]) -> None:
    said = site.command("run", "video-rag", "keys", "add", "tester", "--role", "admin")
    site.key = next(word for word in said.split() if word.startswith("vr_"))
    app = site.container("video-processor")
    site.engine.docker("cp", str(ROOT / "examples/lecture.mp4"), f"{app}:/app/data/lecture.mp4")
    status, text = site.ask_for("/api/requests", {"kind": "add", "urls": ["/app/data/lecture.mp4"]})
    insist(that=status == 202, otherwise=f"the sample was not taken: {status} {text}")
    request = json.loads(text)
    until = time.monotonic() + 400
    while request["state"] in {"queued", "working"} and time.monotonic() < until:
        status, text = site.ask_for(f"/api/requests/{request['request_id']}?wait=20")
        request = json.loads(text) if status == 200 else request
    insist(that=request["state"] == "done", otherwise=f"the sample is not ready: {text[:500]}")
    figures["answered"] = site.answers()
    insist(that=figures["answered"], otherwise="the questions got no answer with a citation")


def restarts(site: Site, figures: dict[str, Any]) -> None:
    """The main process of each container is killed, then the engine itself is restarted."""
    for service in ("video-processor", "worker", "clock", "caddy"):
        pid = site.engine.docker("inspect", "-f", "{{.State.Pid}}", site.container(service))
        os.kill(int(pid), 9)
    time.sleep(2)
    after_kill = site.is_back() and site.answers()
    site.engine.stop()
    site.engine.start()
    figures["restarted"] = after_kill and site.is_back() and site.answers()
    insist(that=figures["restarted"], otherwise=f"it did not come back (after kills: {after_kill})")


def roll_back(site: Site) -> None:
    image = "{{.Image}}"
    before = site.engine.docker("inspect", "-f", image, site.container("video-processor"))
    build(site.engine, "video-rag:broken", BROKEN)
    said = site.command("up", fails=True, VIDEO_RAG_IMAGE="video-rag:broken", WAIT_SECONDS="60")
    say("  " + said.strip().splitlines()[-1])
    after = site.engine.docker("inspect", "-f", image, site.container("video-processor"))
    insist(that=before == after, otherwise=f"another image runs than before:\n{said[-1500:]}")
    insist(
        that="the ledger is that of before" in said and site.is_back() and site.answers(),
        otherwise=f"what ran before does not answer:\n{said[-1500:]}",
    )


def restore(site: Site, figures: dict[str, Any]) -> None:
    """The volume is copied, wiped and copied back."""
    helper = (
        "run",
        "--rm",
        "-v",
        "video-rag_data:/app/data",
        "-v",
        f"{site.engine.folder}:/out",
        "--user",
        "0",
    )
    tar = (*helper, "--entrypoint", "tar", "video-rag:cpu")
    site.command("down")
    site.engine.docker(*tar, "-C", "/app/data", "-cf", "/out/data.tar", ".")
    site.engine.docker("volume", "rm", "video-rag_data")
    site.engine.docker(*tar, "-C", "/app/data", "-xpf", "/out/data.tar")
    site.command("up")
    figures["restored"] = site.is_back() and site.answers()
    insist(that=figures["restored"], otherwise="the copy of the volume does not answer")


def refusals(site: Site) -> None:
    """Bad settings end before anything is touched, with one line and a hint."""
    env = site.deploy / ".env"
    whole = env.read_text()
    env.write_text("")
    said = site.command("up", fails=True)
    env.write_text(whole)
    insist(that="cp .env.example .env" in said, otherwise=f"an empty .env: {said}")
    weak = {"COMPOSE_PROFILES": "scale", "SETTINGS": "scale", "POSTGRES_PASSWORD": "postgres123"}
    said = site.command("up", fails=True, **weak)
    insist(that="everybody tries first" in said, otherwise=f"a default password: {said}")
    insist(that=site.answers(), otherwise="a refusal disturbed what runs")


def steps(site: Site, figures: dict[str, Any]) -> None:
    for name, step in (
        ("one command from an empty machine", lambda: first(site, figures)),
        ("the sample, and two questions", lambda: sample(site, figures)),
        ("bad settings", lambda: refusals(site)),
        ("kills, and a restart of the engine", lambda: restarts(site, figures)),
        ("a broken version", lambda: roll_back(site)),
        ("wipe and restore", lambda: restore(site, figures)),
        ("the small image", lambda: slim(site, figures)),
    ):
        say(name)
        step()
    site.command("down")


def main() -> int:
    names = ("slim_mb", "ready_s", "https", "answered", "restarted", "restored", "cleaned")
    figures: dict[str, Any] = dict.fromkeys(names)
    run("sh", str(ROOT / "scripts/install-docker.sh"))
    engine = Engine(Path(tempfile.mkdtemp(prefix="docker-test-")))
    failure = ""
    try:
        engine.start()
        say("images that look like those of the registries")
        images(engine)
        steps(Site(engine), figures)
    except (Failed, subprocess.TimeoutExpired, KeyboardInterrupt) as error:
        failure = f"error: {error or type(error).__name__}"
    finally:
        figures["cleaned"] = engine.clean()
    if failure:
        print(failure, file=sys.stderr)
    print(json.dumps(figures))
    return int(bool(failure) or not figures["cleaned"])


if __name__ == "__main__":
    sys.exit(main())
