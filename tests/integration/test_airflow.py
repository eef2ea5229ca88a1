"""The DAGs in Airflow 3 and 2.11, each in its own environment, against a real `video-rag serve`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from airflow_place import DEPLOY, FAB, Airflow, environment
from answering import answering
from serving import Served, served
from talks import MOON, SHEEP, STARS, write_talk
from video_rag.library import Library
from video_rag.operations import keys
from video_rag.settings import load_settings

ADMIN = {"AIRFLOW_USERNAME": "ada", "AIRFLOW_PASSWORD": "Vh3-tQ9zLm-07"}
LOOK = """
import json
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag
import os
bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
found = {
    dag.dag_id: {
        "schedule": str(getattr(dag, "schedule_interval", None) or dag.schedule),
        "runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "tasks": {
            task.task_id: [sorted(task.downstream_task_ids), task.retries, task.retry_delay.seconds]
            for task in dag.tasks
        },
        "pools": sorted({task.pool for task in dag.tasks}),
        "params": sorted(dag.params.keys()),
    }
    for dag in bag.dags.values()
}
print("FOUND", json.dumps({"errors": bag.import_errors, "dags": found}))
"""


@pytest.fixture(params=[3, 2])
def airflow(request: pytest.FixtureRequest, tmp_path: Path) -> Airflow:
    return _airflow(request.param, tmp_path)


def _airflow(version: int, tmp_path: Path) -> Airflow:
    home = tmp_path / f"airflow{version}"
    home.mkdir()
    return Airflow(environment(version), home)


def looked(airflow: Airflow, **more: str) -> dict[str, Any]:
    told = airflow.run("-c", LOOK, **more)
    line = next(line for line in told.splitlines() if line.startswith("FOUND "))
    found: dict[str, Any] = json.loads(line.removeprefix("FOUND "))
    assert found["errors"] == {}
    dags: dict[str, Any] = found["dags"]
    return dags


@pytest.mark.timeout(600)
def test_both_dags_are_there_with_their_tasks_on_both_versions(airflow: Airflow) -> None:
    """Exact ids: a broken file without the words `dag` and `airflow` is passed over silently."""
    pools = json.dumps({"*": "video_rag", "bilibili.com": "video_rag_bilibili"})
    dags = looked(airflow, AIRFLOW_VAR_VIDEO_RAG_POOLS=pools)
    assert set(dags) == {"video_rag_pipeline", "video_rag_maintenance"}
    pipeline = dags["video_rag_pipeline"]
    assert (pipeline["schedule"], pipeline["runs"], pipeline["catchup"]) == ("0 0 * * *", 1, False)
    assert {name: after for name, (after, *_) in pipeline["tasks"].items()} == {
        "discover": ["videos", "videos_bilibili_com"],
        "videos": ["process"],
        "videos_bilibili_com": ["process_bilibili_com"],
        "process": ["publish"],
        "process_bilibili_com": ["publish"],
        "publish": ["verify"],
        "verify": ["report"],
        "report": [],
    }
    assert pipeline["pools"] == ["default_pool", "video_rag", "video_rag_bilibili"]
    assert pipeline["params"] == ["collection", "fetch", "force", "limit", "to", "urls"]
    maintenance = dags["video_rag_maintenance"]
    assert maintenance["schedule"] == "0 3 * * 0"
    assert list(maintenance["tasks"]) == ["doctor", "sweep", "publish", "verify", "report"]
    tried = {(again, after) for dag in dags.values() for _, again, after in dag["tasks"].values()}
    assert tried == {(1, 300)}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(load_settings({"home": str(tmp_path / "home")}, env={}))
    yield opened
    opened.close()


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    for name, lines in {"sheep": SHEEP, "stars": STARS, "moon": MOON}.items():
        write_talk(tmp_path / "talks" / f"{name}.srt", lines)
    return tmp_path / "talks"


@contextmanager
def connected(library: Library, role: str = "admin") -> Iterator[tuple[Served, dict[str, str]]]:
    """A server with keys, and Airflow's connection to it."""
    _, key = keys.make(library.ledger, "airflow", role)
    with served(library, keys_required=True) as server:
        connection = {"conn_type": "http", "host": server.url, "password": key}
        yield server, {"AIRFLOW_CONN_VIDEO_RAG": json.dumps(connection)}


def ran(airflow: Airflow, dag_id: str, connection: dict[str, str], **params: Any) -> str:
    """`airflow dags test`; fails with its log unless the run succeeded. No secret is in the log."""
    command = ["-m", "airflow", "dags", "test", dag_id, "--conf", json.dumps(params)]
    told = airflow.run(*command, **connection)
    assert "state=success" in told, told
    assert json.loads(connection["AIRFLOW_CONN_VIDEO_RAG"])["password"] not in told
    return told


def asked(library: Library, kind: str) -> list[Any]:
    from video_rag.stores.requests import Requested

    return [one for one in library.ledger.requests.page(Requested()) if one.kind == kind]


@pytest.mark.timeout(600)
def test_a_run_takes_processes_publishes_and_reports(
    library: Library, talks: Path, tmp_path: Path
) -> None:
    _run_the_pipeline(_airflow(3, tmp_path), library, talks)


@pytest.mark.airflow
@pytest.mark.timeout(600)
def test_a_run_does_so_on_2_11_too(library: Library, talks: Path, tmp_path: Path) -> None:
    _run_the_pipeline(_airflow(2, tmp_path), library, talks)


def _run_the_pipeline(airflow: Airflow, library: Library, talks: Path) -> None:
    airflow.run("-m", "airflow", "db", "migrate")
    with connected(library) as (server, connection):
        urls = [str(talks)]
        told = ran(airflow, "video_rag_pipeline", connection, urls=urls, collection="barn")
        states = {one.video.title: one.state for one in library.videos()}
        assert states == {"sheep": "ready", "stars": "ready", "moon": "ready"}
        assert {one.video.collection for one in library.videos()} == {"barn"}
        assert len(asked(library, "process")) == 3
        assert [one.state for one in asked(library, "verify")] == ["done"]
        [report] = asked(library, "report")
        counts = report.progress.result["counts"]
        assert (counts["requests"], counts["new"], counts["failed"]) == (6, 3, 0)
        assert "3 new, 0 updated, 0 failed" in told
        assert f"moon: {server.url}/#/video/" in told  # a link to each video's page


@pytest.mark.airflow
@pytest.mark.timeout(600)
def test_maintenance_looks_at_all_and_needs_an_admins_key(
    airflow: Airflow, library: Library, talks: Path
) -> None:
    assert [item.error for item in library.add([str(talks)])] == [None] * 3
    airflow.run("-m", "airflow", "db", "migrate")
    with connected(library) as (_, connection):
        ran(airflow, "video_rag_maintenance", connection)
    kinds = ("doctor", "sweep", "publish", "verify", "report")
    assert {kind: [one.state for one in asked(library, kind)] for kind in kinds} == {
        kind: ["done"] for kind in kinds
    }
    with (
        connected(library, "write") as (_, connection),
        pytest.raises(AssertionError, match="state=failed") as failed,
    ):
        ran(airflow, "video_rag_maintenance", connection)
    assert "doctor needs the role admin" in str(failed.value)
    assert "2 steps could not ask for their work" in str(failed.value)


@pytest.mark.airflow
@pytest.mark.timeout(900)
def test_a_bad_video_fails_the_run_and_the_chat_is_told(
    airflow: Airflow, library: Library, talks: Path
) -> None:
    (talks / "bad.srt").write_text("no cues here")
    airflow.run("-m", "airflow", "db", "migrate")
    with connected(library) as (_, connection), answering(200, '{"code": 0}') as (url, sent):
        hook = {"conn_type": "http", "password": f"{url}/hook/SECRET", "extra": {"kind": "feishu"}}
        alert = {"AIRFLOW_CONN_VIDEO_RAG_ALERT": json.dumps(hook)}
        with pytest.raises(AssertionError, match="state=failed") as failed:
            ran(airflow, "video_rag_pipeline", {**connection, **alert}, urls=[str(talks)])
    assert "SECRET" not in str(failed.value)
    messages = [json.loads(body)["content"]["text"] for body in sent[1::2]]
    assert len(messages) == 1
    assert "3 new, 0 updated, 1 failed" in messages[0]
    assert {one.video.title: one.state for one in library.videos()} == {
        **dict.fromkeys(("sheep", "stars", "moon"), "ready"),
        "bad": "failed",
    }


@pytest.mark.airflow
@pytest.mark.timeout(600)
def test_an_admin_and_pools_are_made_and_made_again(airflow: Airflow) -> None:
    prepare = str(DEPLOY / "prepare.py")
    more = {**ADMIN, "AIRFLOW__CORE__AUTH_MANAGER": FAB}
    told = airflow.run(prepare, **more)
    assert "the admin ada was made" in told
    assert "the pool video_rag_bilibili was made" in told
    assert ADMIN["AIRFLOW_PASSWORD"] not in told
    again = airflow.run(prepare, **more)
    assert "ada was there" in again
    assert "the pool" not in again
    pools = airflow.run("-m", "airflow", "pools", "list", "--output", "json", **more)
    listed = json.loads(pools[pools.index("[{") : pools.rindex("]") + 1])
    assert {"video_rag", "video_rag_bilibili", "video_rag_youtube"} <= {p["pool"] for p in listed}


@pytest.mark.airflow
@pytest.mark.timeout(900)
def test_a_run_is_triggered_over_rest(library: Library, talks: Path, tmp_path: Path) -> None:
    """`airflow standalone`, with a pool for each site: the scheduler, the triggerer, the lot."""
    airflow = _airflow(3, tmp_path)
    names = ("API__PORT", *(f"LOGGING__{one}_LOG_SERVER_PORT" for one in ("WORKER", "TRIGGER")))
    ports = {name: free_port() for name in names}
    more = {f"AIRFLOW__{name}": str(port) for name, port in ports.items()}
    more |= {"AIRFLOW__API__HOST": "127.0.0.1", "AIRFLOW__API__WORKERS": "1"}
    url = f"http://127.0.0.1:{ports['API__PORT']}"
    more["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = f"{url}/execution/"
    airflow.run(str(DEPLOY / "prepare.py"), **ADMIN, AIRFLOW__CORE__AUTH_MANAGER=FAB)
    with (
        connected(library) as (_, connection),
        standalone(airflow, {**more, **connection}),
        httpx.Client(base_url=url, timeout=20) as client,
    ):
        log_in(client, airflow)
        dag = "/api/v2/dags/video_rag_pipeline"
        wait_for(lambda: client.get(dag).status_code == 200)
        client.patch(dag, json={"is_paused": False}).raise_for_status()
        wish = {"logical_date": None, "conf": {"urls": [str(talks)]}}
        run = client.post(f"{dag}/dagRuns", json=wish).raise_for_status().json()
        place = f"{dag}/dagRuns/{run['dag_run_id']}"
        wait_for(lambda: client.get(place).json()["state"] in {"success", "failed"})
        tasks = client.get(f"{place}/taskInstances").json()["task_instances"]
        states = {(one["task_id"], one["map_index"]): one["state"] for one in tasks}
        assert client.get(place).json()["state"] == "success", states
        assert {states["process", number] for number in range(3)} == {"success"}
        names = {t["rendered_map_index"] for t in tasks if t["task_id"] == "process"}
        assert names == {"moon", "sheep", "stars"}
        links = client.get(f"{place}/taskInstances/process/links", params={"map_index": 0})
        assert "/#/video/" in links.json()["extra_links"]["Video"]


@contextmanager
def standalone(airflow: Airflow, more: dict[str, str]) -> Iterator[None]:
    with (airflow.home / "standalone.log").open("wb") as log:
        process = subprocess.Popen(
            [str(airflow.python), "-m", "airflow", "standalone"],
            env=airflow.environment(**more),
            cwd=airflow.home,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def log_in(client: httpx.Client, airflow: Airflow) -> None:
    """With the password that `standalone` makes up."""
    place = airflow.home / "simple_auth_manager_passwords.json.generated"
    wait_for(place.is_file)
    wait_for(lambda: _answers(client))
    [(name, password)] = json.loads(place.read_text()).items()
    token = client.post("/auth/token", json={"username": name, "password": password})
    client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/api/v2/monitor/health").status_code == 200
    except httpx.HTTPError:
        return False


def wait_for(happened: Any, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.5)
