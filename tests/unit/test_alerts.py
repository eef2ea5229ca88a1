"""Alert rules, their run-books, the ways to people, and the dashboards: the files of deploy/."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from video_rag.operations.metrics import METRICS

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTMANAGER = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load((PROMETHEUS / "alert.rules.yml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def ran(*command: str | Path) -> str:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"needs {command[0]}: scripts/install-test-packages.sh installs it")
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_rule_is_fired_once_and_left_quiet_once_by_promtool() -> None:
    ran("promtool", "test", "rules", PROMETHEUS / "alert.rules.test.yml")
    tests = yaml.safe_load((PROMETHEUS / "alert.rules.test.yml").read_text())["tests"]
    fired, quiet = Counter[str](), Counter[str]()
    for one in (rule for test in tests for rule in test["alert_rule_test"]):
        (fired if one["exp_alerts"] else quiet)[one["alertname"]] += 1
    names = [rule["alert"] for rule in rules()]
    assert len(names) >= 12
    assert len(set(names)) == len(names)
    assert set(fired) == set(quiet) == set(names)


def test_prometheus_takes_its_settings(tmp_path: Path) -> None:
    text = (PROMETHEUS / "prometheus.yml").read_text()
    (tmp_path / "key").write_text("vr_x")
    text = text.replace("/run/secrets/metrics_key", str(tmp_path / "key"))
    (tmp_path / "prometheus.yml").write_text(text)
    shutil.copy(PROMETHEUS / "alert.rules.yml", tmp_path)
    assert f"{len(rules())} rules found" in ran(
        "promtool", "check", "config", tmp_path / "prometheus.yml"
    )


def test_every_rule_leads_to_a_run_book_that_names_it() -> None:
    books = {path for path in (ROOT / "docs" / "runbooks").glob("*.md") if path.stem != "README"}
    led = set()
    for rule in rules():
        book = ROOT / rule["annotations"]["runbook"]
        assert book.is_file(), rule["alert"]
        text = book.read_text(encoding="utf-8")
        assert f"`{rule['alert']}`" in text, rule["alert"]
        assert "## Look" in text
        assert "## Do" in text
        led.add(book)
    assert led == books


def test_run_books_name_commands_that_there_are() -> None:
    from typer.main import get_command

    from video_rag.cli import app

    known = get_command(app)
    for book in (ROOT / "docs" / "runbooks").glob("*.md"):
        for words in re.findall(r"video-rag ((?:[a-z]+ ?)+)", book.read_text(encoding="utf-8")):
            command: Any = known
            for word in words.split():
                if not hasattr(command, "commands"):
                    break
                assert word in command.commands, (book.name, words)
                command = command.commands[word]


def test_rules_and_dashboards_ask_for_metrics_that_there_are() -> None:
    known = {one.shown for one in METRICS}
    texts = [(PROMETHEUS / "alert.rules.yml").read_text(), *(one.read_text() for one in DASHBOARDS)]
    asked = {name for text in texts for name in re.findall(r"\bvideo_rag_\w+", text)}
    plain = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert plain - known == set()


def test_alertmanager_takes_its_settings_and_sends_to_all(tmp_path: Path) -> None:
    text = ALERTMANAGER.read_text()
    # Debian's Alertmanager is 0.25; this option came with 0.31
    text = re.sub(r"api_secret_file: .*wecom_secret", "api_secret: x", text)
    (tmp_path / "alertmanager.yml").write_text(text)
    ran("amtool", "check-config", tmp_path / "alertmanager.yml")
    told = ran(
        "amtool", "config", "routes", "test",
        "--config.file", tmp_path / "alertmanager.yml", "alertname=VideoRagDown",
    )  # fmt: skip
    assert set(told.strip().split(",")) == {"email", "slack", "wecom", "feishu", "dingtalk"}


def test_no_secret_stands_in_a_file() -> None:
    for path in (ALERTMANAGER, PROMETHEUS / "prometheus.yml", *GRAFANA.rglob("*.yml")):
        settings = re.findall(r"(\w*(?:password|secret|api_url|key))\w*: (\S+)", path.read_text())
        assert all("/run/secrets/" in value for _name, value in settings), path


@pytest.mark.parametrize("path", DASHBOARDS, ids=[one.stem for one in DASHBOARDS])
def test_a_dashboard_is_whole(path: Path) -> None:
    board = json.loads(path.read_text(encoding="utf-8"))
    [source] = yaml.safe_load(
        (GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text()
    )["datasources"]
    assert board["uid"] == path.stem
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids) > 5
    places = set()
    for panel in board["panels"]:
        assert panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": source["uid"]}
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, at["y"]) for x in range(at["x"], at["x"] + at["w"])}
        assert not cells & places, panel["title"]
        places |= cells
        assert panel["targets"]
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"]
            assert target["expr"]


def test_there_are_the_four_dashboards() -> None:
    titles = {json.loads(path.read_text(encoding="utf-8"))["title"] for path in DASHBOARDS}
    assert titles == {"Overview", "Pipeline", "Retrieval and answers", "Downloads by site"}


def test_the_relay_needs_nothing_but_python() -> None:
    relay = ROOT / "deploy" / "relay" / "relay.py"
    imported = set(re.findall(r"^(?:from|import) (\w+)", relay.read_text(), re.MULTILINE))
    assert imported - {"__future__"} <= set(sys.stdlib_module_names)
