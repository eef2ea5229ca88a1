"""Monitoring for real: Prometheus scrapes a run of ours, dashboards find something, an alert comes.

Prometheus and Alertmanager are Debian's, on free ports of loopback, with the files of deploy/ in
which only addresses and times are others.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from robots import RELAY, Robot
from serving import served
from talks import SHEEP, write_talk
from video_rag.library import Library
from video_rag.model import Question
from video_rag.net.sites import SiteState
from video_rag.operations import keys
from video_rag.settings import load_settings
from video_rag.testing.llm import LlmServer

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
LONGEST = 60.0
"""Seconds until something must have happened."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def running(folder: Path, *command: str | Path) -> Iterator[None]:
    """A program for as long as the block lasts, ended by its process id."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"needs {command[0]}: scripts/install-test-packages.sh installs it")
    name = Path(str(command[0])).name
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, cwd=folder)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def until(look: Callable[[], Any], what: str) -> Any:
    """What `look` gives as soon as it gives something."""
    limit = time.monotonic() + LONGEST
    while time.monotonic() < limit:
        try:
            if found := look():
                return found
        except httpx2.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"in vain: {what}")


@contextmanager
def prometheus(folder: Path, port: int, alerts: int, target: str, key: str) -> Iterator[str]:
    """Prometheus with the settings and rules of deploy/, at this target, in a hurry."""
    settings = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    settings["alerting"]["alertmanagers"] = [
        {"static_configs": [{"targets": [f"127.0.0.1:{alerts}"]}]}
    ]
    [job] = [one for one in settings["scrape_configs"] if one["job_name"] == "video-rag"]
    (folder / "metrics_key").write_text(f"{key}\n")
    job["authorization"]["credentials_file"] = str(folder / "metrics_key")
    job["static_configs"] = [{"targets": [target]}]
    settings["scrape_configs"] = [job]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    rules = (DEPLOY / "prometheus" / "alert.rules.yml").read_text()
    (folder / "alert.rules.yml").write_text(re.sub(r"for: \w+", "for: 1s", rules))
    address = f"127.0.0.1:{port}"
    with running(
        folder, "prometheus", "--config.file=prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address={address}",
    ):  # fmt: skip
        yield f"http://{address}"


@contextmanager
def alertmanager(folder: Path, port: int, robot: Robot) -> Iterator[None]:
    """Alertmanager with the way to Feishu of deploy/, through the relay, to a robot of ours."""
    settings = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text())
    way, times = free_port(), {"group_wait": "0s", "group_interval": "1s"}
    [feishu] = [one for one in settings["receivers"] if one["name"] == "feishu"]
    [hook] = feishu["webhook_configs"]
    hook["url"] = hook["url"].replace("relay:9095", f"127.0.0.1:{way}")
    settings["route"] |= {"receiver": "feishu", "routes": [], **times}
    settings |= {"receivers": [feishu], "global": {}}
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(settings))
    (folder / "secrets").mkdir()
    (folder / "secrets" / "feishu_url").write_text(robot.url)
    relay = ("--listen", f"127.0.0.1:{way}", "--secrets", folder / "secrets")
    with (
        running(folder, sys.executable, RELAY, *relay),
        running(
            folder, "prometheus-alertmanager", "--config.file=alertmanager.yml",
            f"--storage.path={folder}/alerts", f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ),
    ):  # fmt: skip
        yield


def a_run(tmp_path: Path, model: str) -> Library:
    """A library in which a bit of everything happened."""
    (tmp_path / "cookies.txt").write_text("# Netscape HTTP Cookie File\n")
    values = {
        "home": str(tmp_path / "home"),
        "ask": {"answerer": "openai"},
        "answerers": {"openai": {"base_url": model, "model": "small", "input_price": 1.0}},
        "sources": {"ytdlp": {"cookies": str(tmp_path / "cookies.txt")}},
    }
    library = Library(load_settings(values, env={}))
    broken = tmp_path / "broken.srt"
    broken.write_text("these are no subtitles")
    list(library.add([str(write_talk(tmp_path / "sheep.srt", SHEEP)), str(broken)]))
    list(library.ask(Question(text="What does a flock of sheep eat on the hill?")))
    now = library.ledger.now()
    wall = SiteState("bilibili.com", now + 3600, now, "risk-control", "too many requests")
    library.ledger.sites.change("bilibili.com", lambda _before: wall)
    return library


def expressions() -> dict[str, str]:
    """Every expression of every dashboard, with the time range that a browser would put in."""
    found = {}
    for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                name = f"{path.stem}: {panel['title']} {target['refId']}"
                found[name] = target["expr"].replace("$__rate_interval", "30s")
    return found


@pytest.mark.timeout(240)
def test_dashboards_find_something_and_an_alert_reaches_a_robot(tmp_path: Path) -> None:
    port, alerts = free_port(), free_port()
    with ExitStack() as stack:
        robot = stack.enter_context(Robot().listening())
        model = stack.enter_context(
            LlmServer(["A flock of sheep eats grass on the hill all day [1]."])
        )
        library = a_run(tmp_path, model.base_url)
        stack.callback(library.close)
        _key, plain = keys.make(library.ledger, "prometheus", "read")
        stack.enter_context(alertmanager(tmp_path, alerts, robot))
        server = stack.enter_context(ExitStack())
        target = server.enter_context(served(library, keys_required=True)).url[len("http://") :]
        url = stack.enter_context(prometheus(tmp_path, port, alerts, target, plain))
        client = stack.enter_context(httpx2.Client(base_url=url, timeout=20))

        def asked(expression: str) -> list[Any]:
            said = client.get("/api/v1/query", params={"query": expression})
            answer = said.raise_for_status().json()
            assert answer["status"] == "success", (expression, answer)
            result: list[Any] = answer["data"]["result"]
            return result

        until(lambda: asked("count_over_time(video_rag_ledger_up[1m]) > 3"), "four scrapes")
        assert [name for name, one in expressions().items() if not asked(one)] == []
        assert asked('up{job="video-rag"}')[0]["value"][1] == "1"
        assert not asked('ALERTS{alertname="VideoRagDown"}')

        server.close()  # nobody answers any more
        told = until(
            lambda: [body for _path, body in robot.came if "VideoRagDown" in str(body)],
            "the alert",
        )
        text = told[0]["content"]["text"]
        assert f"The video-rag server at {target} does not answer." in text
        assert "docs/runbooks/server-down.md" in text
