"""A real run's log goes through the real rsyslog into a real Elasticsearch, and is found there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import elasticsearch_server
from elasticsearch_server import Server
from talks import SHEEP, STARS, write_talk

ELK = Path(__file__).resolve().parents[2] / "deploy" / "elk"
RSYSLOG = shutil.which("rsyslogd") or "/usr/sbin/rsyslogd"
MODULES = Path("/usr/lib")
pytestmark = [pytest.mark.logs]
INDEX = "/video-rag-logs-*"


@pytest.fixture(scope="module")
def elastic() -> Iterator[Server]:
    with elasticsearch_server.running() as server:
        server("PUT", "/_index_template/video-rag-logs", template())
        yield server


def template() -> Any:
    return json.loads((ELK / "index-template.json").read_text())


@contextmanager
def shipping(logs: Path, spool: Path, server: Server) -> Iterator[None]:
    """rsyslog with our configuration and no other."""
    if not Path(RSYSLOG).exists() or not next(MODULES.rglob("rsyslog/omelasticsearch.so"), None):
        pytest.skip("needs rsyslog and rsyslog-elasticsearch: scripts/install-test-packages.sh")
    spool.mkdir(exist_ok=True)
    env = {
        **os.environ,
        "VIDEO_RAG_LOGS": str(logs),
        "ELASTICSEARCH_HOST": "127.0.0.1",
        "ELASTICSEARCH_PORT": str(server.port),
        "RSYSLOG_SPOOL": str(spool),
    }
    command = [RSYSLOG, "-n", "-f", str(ELK / "rsyslog.conf"), "-i", str(spool / "pid")]
    with (spool / "out").open("ab") as out:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=out)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def found(server: Server, query: dict[str, Any], size: int = 1000) -> list[dict[str, Any]]:
    server("POST", f"{INDEX}/_refresh")
    got = server("POST", f"{INDEX}/_search", {"query": query, "size": size})
    return [hit["_source"]["video_rag"] for hit in got["hits"]["hits"]]


def until(is_so: Callable[[], bool], what: str) -> None:
    for _ in range(240):
        if is_so():
            return
        time.sleep(0.25)
    raise AssertionError(f"not within a minute: {what}")


def run(tmp_path: Path, talk: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        f'[observers.logs]\nfile = "{tmp_path}/logs/app.log"\nmax_bytes = 2000\nkeep = 50\n'
        '[pipeline]\ntranscribers = ["subtitles"]\nsampler = "none"\n'
    )
    env = {
        **os.environ,
        "VIDEO_RAG_CONFIG": str(settings),
        "VIDEO_RAG_HOME": str(tmp_path / "home"),
    }
    subprocess.run([sys.executable, "-m", "video_rag", "add", talk], env=env, check=True)


def test_a_run_is_found_by_video_and_by_request(elastic: Server, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with shipping(logs, tmp_path / "spool", elastic):
        run(tmp_path, write_talk(tmp_path / "sheep.srt", SHEEP))
        written = [
            json.loads(line)
            for one in sorted(logs.glob("app.log*"))
            for line in one.read_text().splitlines()
        ]
        assert len(list(logs.glob("app.log*"))) > 1  # it was put aside meanwhile
        done = [line for line in written if line["message"] == "stage done"]
        video, request = done[0]["video"], done[0]["request_id"]
        everything = {"match_all": {}}
        until(lambda: len(found(elastic, everything)) >= len(written), "all lines are there")

        of_video = found(elastic, {"term": {"video_rag.video": video}})
        of_request = found(elastic, {"term": {"http.request.id": request}})  # the name of ECS
        of_trace = found(elastic, {"term": {"trace.id": done[0]["trace_id"]}})
        for rows in (of_video, of_request, of_trace):
            stages = {row["stage"] for row in rows if row["message"] == "stage done"}
            assert stages == {line["stage"] for line in done}
        assert {row["request_id"] for row in of_video} == {request}
        longest = elastic(
            "POST",
            f"{INDEX}/_search",
            {"size": 0, "aggs": {"most": {"max": {"field": "video_rag.seconds"}}}},
        )["aggregations"]["most"]["value"]
        assert longest == pytest.approx(max(line["seconds"] for line in done))

    run(tmp_path, write_talk(tmp_path / "星.srt", STARS))  # while nobody ships
    with shipping(logs, tmp_path / "spool", elastic):
        here = [json.loads(x) for x in (logs / "app.log").read_text().splitlines()]
        last = here[-1]
        query = {"bool": {"filter": [{"term": {"video_rag.time": last["time"]}}]}}
        until(lambda: bool(found(elastic, query)), "what was written meanwhile")
    refused = tmp_path / "spool" / "refused.log"
    assert not refused.exists() or refused.read_text() == ""


def test_what_is_no_line_of_ours_is_passed_over(elastic: Server, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    before = len(found(elastic, {"match_all": {}}))
    good = {"time": "2026-11-27T00:00:00.000Z", "level": "info", "message": '雪 "quoted" \t end'}
    (logs / "x.log").write_text(
        "Traceback (most recent call last):\n"
        '{"half": \n'
        + json.dumps({"other": "program"})
        + "\n"
        + json.dumps(good, ensure_ascii=False)
        + "\n"
    )
    with shipping(logs, tmp_path / "spool", elastic):
        query = {"term": {"video_rag.time": good["time"]}}
        until(lambda: bool(found(elastic, query)), "the good line")
        [row] = found(elastic, query)
        assert row == good
        assert len(found(elastic, {"match_all": {}})) == before + 1
