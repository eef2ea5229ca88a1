"""Files of deploy/elk that cannot be started here: their form, and that they name our fields."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ELK = Path(__file__).resolve().parents[2] / "deploy" / "elk"
FIELD = re.compile(r"video_rag\.([a-z_]+)")
EVERYWHERE = {"time", "level", "logger", "message", "video", "stage", "plugin", "seconds"}
EVERYWHERE |= {"request_id", "trace_id"}


def template() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ELK / "index-template.json").read_text())
    return found


def properties() -> dict[str, Any]:
    found: dict[str, Any] = template()["template"]["mappings"]["properties"]
    return found


def aliases(part: dict[str, Any]) -> list[str]:
    """The paths of all aliases at any depth."""
    found = [part["path"]] if part.get("type") == "alias" else []
    return found + [path for one in part.get("properties", {}).values() for path in aliases(one)]


def objects() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (ELK / "kibana.ndjson").read_text().splitlines()]


def test_every_alias_leads_to_a_field_of_ours() -> None:
    own = properties()["video_rag"]["properties"]
    assert own.keys() >= EVERYWHERE
    led = aliases({"properties": properties()})
    assert len(led) >= 10
    assert {path.removeprefix("video_rag.") for path in led} <= own.keys()


def test_the_fields_of_events_and_requests_are_mapped() -> None:
    from dataclasses import fields

    from video_rag import observers

    own = properties()["video_rag"]["properties"]
    names = {
        field.name
        for kind in (observers.StageFailed, observers.StageDone, observers.Asked)
        for field in fields(kind)
    }
    renamed = {"video_id": "video", "answerer": "plugin", "message": "reason"}
    assert {renamed.get(name, name) for name in names} <= own.keys()


def test_kibana_finds_all_that_its_objects_name() -> None:
    found = objects()
    known = {(one["type"], one["id"]) for one in found}
    assert [one["type"] for one in found].count("search") == 2
    assert {("index-pattern", "video-rag-logs"), ("dashboard", "video-rag")} <= known
    for one in found:
        names = {reference["name"] for reference in one["references"]}
        assert {(r["type"], r["id"]) for r in one["references"]} <= known
        meta = one["attributes"].get("kibanaSavedObjectMeta")
        source = json.loads(meta["searchSourceJSON"]) if meta else {}
        if "indexRefName" in source:
            assert source["indexRefName"] in names
        for panel in json.loads(one["attributes"].get("panelsJSON", "[]")):
            assert f"{panel['panelIndex']}:{panel['panelRefName']}" in names


def test_everything_that_is_shown_is_a_field_of_the_index() -> None:
    own = properties()["video_rag"]["properties"]
    named = set(FIELD.findall((ELK / "kibana.ndjson").read_text()))
    assert named
    assert named <= own.keys()


@pytest.mark.parametrize("name", ["filebeat.yml", "logstash.conf", "rsyslog.conf"])
def test_shippers_read_the_same_files_and_fill_the_same_index(name: str) -> None:
    text = (ELK / name).read_text()
    assert "*.log" in text
    assert "video-rag-logs-" in text
    assert set(FIELD.findall(text)) <= EVERYWHERE
    assert all(value.startswith("${") for value in re.findall(r'password\S* (?:=> )?"(.*)"', text))


def test_filebeat_keeps_our_lines_apart_from_its_own_names() -> None:
    config = yaml.safe_load((ELK / "filebeat.yml").read_text())
    [stream] = config["filebeat.inputs"]
    assert stream["parsers"] == [
        {"ndjson": {"target": "video_rag", "overwrite_keys": True, "expand_keys": False}}
    ]
    dropped = next(one for one in config["processors"] if "drop_fields" in one)
    assert "message" in dropped["drop_fields"]["fields"]


def test_braces_of_logstash_close() -> None:
    text = (ELK / "logstash.conf").read_text()
    bare = re.sub(r'"[^"]*"|#.*', "", text)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"^(\w+) \{", text, re.MULTILINE) == ["input", "filter", "output"]


def test_rsyslog_takes_its_configuration(tmp_path: Path) -> None:
    rsyslog = shutil.which("rsyslogd") or "/usr/sbin/rsyslogd"
    if not Path(rsyslog).exists():
        pytest.skip("needs rsyslog and rsyslog-elasticsearch")
    env = {
        **os.environ,
        "VIDEO_RAG_LOGS": str(tmp_path),
        "ELASTICSEARCH_HOST": "127.0.0.1",
        "ELASTICSEARCH_PORT": "9200",
        "RSYSLOG_SPOOL": str(tmp_path),
    }
    said = subprocess.run(
        [rsyslog, "-N1", "-f", str(ELK / "rsyslog.conf")],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert "error" not in said.stderr.lower()
