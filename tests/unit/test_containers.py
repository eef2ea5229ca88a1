"""The files of deploy/ that containers are made and started from, without an engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from video_rag.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose.yml"
OVERLAY = DEPLOY / "compose.dify.yml"
SCRIPTS = [
    *(DEPLOY / name for name in ("deploy.sh", "check.sh", "caddy/start.sh")),
    *(ROOT / name for name in ("containers/base.sh", "scripts/install-docker.sh")),
]
READ_BY_COMPOSE = {"COMPOSE_PROJECT_NAME"}
READ_BY_THE_BUILD = {"PYTHON_IMAGE", "PYPI_MIRROR", "APT_MIRROR"}
BIN = Path(sys.executable).parent


def services() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text())["services"])


def example() -> dict[str, str]:
    lines = (DEPLOY / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]", line))


def check(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", DEPLOY / "check.sh"],
        env={"PATH": os.environ["PATH"]} | variables,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize("file", [COMPOSE, OVERLAY], ids=lambda file: file.name)
def test_compose_files_follow_the_specification(file: Path) -> None:
    done = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_has_no_known_fault() -> None:
    done = subprocess.run(
        [BIN / "hadolint", "--no-color", DEPLOY / "Dockerfile"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_have_no_known_fault(script: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck: scripts/install-test-packages.sh installs it")
    done = subprocess.run(
        ["shellcheck", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout


def test_every_variable_is_in_the_example_and_none_beside() -> None:
    used: set[str] = set()
    for file in (COMPOSE, OVERLAY):
        code = "\n".join(line.partition(" #")[0] for line in file.read_text().splitlines())
        used |= set(re.findall(r"(?<!\$)\$\{(\w+)", code))
    assert used | READ_BY_COMPOSE | READ_BY_THE_BUILD == set(example())


def test_defaults_in_the_file_are_those_of_the_example() -> None:
    given = {name: value.strip("'") for name, value in example().items()}
    found = re.findall(r"(?<!\$)\$\{(\w+):-([^}]*)\}", COMPOSE.read_text())
    differs = {name for name, value in found if value != given[name]}
    assert differs <= {"BIND_ADDRESS"}  # the example opens it to this machine alone


def test_no_password_has_a_default() -> None:
    names = [name for name in example() if re.search(r"PASSWORD|SECRET|_KEY$", name)]
    secret = [name for name in names if name != "S3_ACCESS_KEY"]
    assert len(secret) >= 6
    assert {example()[name] for name in secret} == {""}


def test_only_caddy_has_ports() -> None:
    assert [name for name, one in services().items() if "ports" in one] == ["caddy"]
    assert not [name for name, one in services().items() if one.get("network_mode") == "host"]


@pytest.mark.parametrize("name", services())
def test_every_service_is_limited_restarted_and_its_log_kept_small(name: str) -> None:
    one = services()[name]
    assert {"mem_limit", "cpus", "pids_limit"} <= set(one)
    assert one["restart"] == (
        "no" if name in {"setup", "check", "logs-setup"} else "unless-stopped"
    )
    assert one["logging"]["options"]["max-size"]
    assert "no-new-privileges:true" in one.get("security_opt", ()) or name == "cadvisor"


def test_ours_run_without_rights_on_a_read_only_root() -> None:
    for name in ("setup", "video-processor", "worker", "clock", "caddy"):
        one = services()[name]
        assert one["read_only"]
        assert one["cap_drop"] == ["ALL"]
    stages = (DEPLOY / "Dockerfile").read_text().split("\nFROM ")
    for target in ("slim", "cpu", "gpu"):
        stage = next(one for one in stages if one.split("\n")[0].endswith(f" AS {target}"))
        assert stage.rstrip().endswith("USER 10001:10001")


def test_databases_and_queues_have_no_way_out() -> None:
    networks = yaml.safe_load(COMPOSE.read_text())["networks"]
    assert networks["back"]["internal"]
    assert networks["monitoring"]["internal"]
    for name in ("postgres", "s3", "elasticsearch"):
        assert "front" not in services()[name]["networks"]


def test_what_starts_after_what_goes_by_health() -> None:
    for one in services().values():
        for name, waits in one.get("depends_on", {}).items():
            if waits["condition"] == "service_healthy":
                assert services()[name]["healthcheck"]["test"] if name != "video-processor" else 1
            else:
                assert name in {"setup", "check", "logs-setup"}


def test_every_way_of_caddy_leads_to_a_service() -> None:
    ways = "".join(file.read_text() for file in (DEPLOY / "caddy").iterdir())
    names = set(re.findall(r"reverse_proxy ([\w-]+):\d+", ways))
    consoles = {"airflow", "grafana", "prometheus", "alertmanager", "kibana", "rabbitmq"}
    assert names == consoles | {"video-processor"}
    for name in names:
        assert "front" in services()[name]["networks"]


@pytest.mark.parametrize("name", ["default", "scale"])
def test_the_settings_of_the_containers_are_settings(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = DEPLOY / "config" / f"{name}.toml"
    tables = tomllib.loads(file.read_text())
    environment = services()["worker"]["environment"]
    ours = {
        key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
        for key, value in environment.items()
        if key not in {"PGPASSWORD", "HF_ENDPOINT", "HTTPS_PROXY"}
    }
    settings = load_settings(
        env=ours | {"VIDEO_RAG_CONFIG": str(file), "VIDEO_RAG_HOME": str(tmp_path)}, cwd=tmp_path
    )
    assert settings.pipeline.queue == tables["pipeline"].get("queue", "inline")
    assert bool(settings.ledger.url) is (name == "scale")


STRONG = {
    "SETTINGS": "scale",
    "COMPOSE_PROFILES": "scale",
    "POSTGRES_PASSWORD": "4f0c2a9d1e7b4f0c2a9d",
    "RABBITMQ_PASSWORD": "9b1d4c7e2f5a9b1d4c7e",
    "S3_SECRET_KEY": "0a8e6d4c2b1f0a8e6d4c",
}


def test_without_a_profile_no_password_is_wanted() -> None:
    assert check().returncode == 0
    assert check(**STRONG).returncode == 0


REFUSED = [
    ({"POSTGRES_PASSWORD": ""}, "POSTGRES_PASSWORD is empty"),
    ({"RABBITMQ_PASSWORD": "guest"}, "RABBITMQ_PASSWORD is one that everybody tries first"),
    ({"S3_SECRET_KEY": "Password123!"}, "S3_SECRET_KEY is one that everybody tries first"),
    ({"S3_SECRET_KEY": "1234567890123"}, "S3_SECRET_KEY is one that everybody tries first"),
    ({"POSTGRES_PASSWORD": "a1b2c3"}, "fewer than 10 characters"),
    ({"POSTGRES_PASSWORD": "with a@sign-and-more"}, "an address cannot hold"),
    ({"COMPOSE_PROFILES": "scale,monitoring"}, "GRAFANA_PASSWORD is empty"),
    ({"COMPOSE_PROFILES": "scale,airflow"}, "AIRFLOW_PASSWORD is empty"),
    ({"COMPOSE_PROFILES": "scale,logs"}, "CONSOLE_PASSWORD is empty"),
    ({"COMPOSE_PROFILES": "scales"}, "no profile called scales"),
    ({"COMPOSE_PROFILES": ""}, "SETTINGS=scale without its servers"),
    ({"SETTINGS": "default"}, "SETTINGS=default does not use it"),
]


@pytest.mark.parametrize(("changed", "told"), REFUSED, ids=lambda one: str(one)[:40])
def test_weak_settings_are_refused_in_one_line(changed: dict[str, str], told: str) -> None:
    done = check(**STRONG | changed)
    assert done.returncode == 1
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert told in error
    assert hint.startswith("hint: ")
    for value in changed.values():
        assert value not in hint or not value or len(value) < 10


def test_caddy_reads_its_files() -> None:
    if shutil.which("caddy") is None:
        pytest.skip("no caddy: scripts/install-test-packages.sh installs it")
    for consoles in ("open", "closed"):
        done = subprocess.run(
            ["caddy", "validate", "--config", "Caddyfile", "--adapter", "caddyfile"],
            cwd=DEPLOY / "caddy",
            env=os.environ
            | {
                "DOMAIN": "localhost",
                "CONSOLES": consoles,
                "CONSOLE_NETWORKS": "0.0.0.0/0 ::/0",
                "CONSOLE_USERNAME": "console",
                "CONSOLE_PASSWORD_HASH": "JDJhJDE0JHh4eHh4eHh4eHh4eHh4eHh4eHh4eHUuV0NkQjVSNXBxZQ==",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-600:]
