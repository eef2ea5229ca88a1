"""What runs on GitHub: checked by actionlint, zizmor and schemas, and that it keeps its promises.

Nothing of it runs here. What none of the checkers can know is asked of the files: that a pull
request gets no secret, that every action is a commit, that what is called exists.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONLINT = ROOT / "build" / "tools" / "actionlint"
BIN = Path(sys.executable).parent
LINTED = [GITHUB, ROOT / "deploy" / "k8s", *(ROOT / "deploy" / "helm" / "video-rag").glob("*.yaml")]

each = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text())
    found["on"] = found.pop(True)  # as YAML 1.1 reads it
    return found


def runs(command: list[str | Path]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_the_workflows_that_the_how_to_names() -> None:
    assert [file.stem for file in WORKFLOWS] == ["deploy", "image", "nightly", "release", "test"]


@pytest.mark.skipif(
    not ACTIONLINT.exists(),
    reason="no actionlint in build/tools; `sh scripts/install-deploy-tools.sh` builds it with Go",
)
def test_actionlint_finds_nothing() -> None:
    runs([ACTIONLINT, *WORKFLOWS])


def test_zizmor_finds_nothing() -> None:
    runs([BIN / "zizmor", "--offline", "--quiet", "--no-progress", GITHUB])


def test_schemas_are_kept() -> None:
    check = [BIN / "check-jsonschema", "--builtin-schema"]
    runs([*check, "vendor.github-workflows", *WORKFLOWS])
    runs([*check, "vendor.dependabot", GITHUB / "dependabot.yml"])


def test_yamllint_finds_nothing() -> None:
    runs([BIN / "yamllint", "--strict", *LINTED])


@each
def test_nothing_is_allowed_that_is_not_said(file: Path) -> None:
    workflow = read(file)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert "permissions" in job, name
        assert "timeout-minutes" in job or "uses" in job, name
        if "id-token" in job["permissions"]:
            assert name in {"pypi", "push", "image"}


@each
def test_every_action_is_a_commit_with_its_version_beside_it(file: Path) -> None:
    for line in re.findall(r"uses: (.*)", file.read_text()):
        assert re.fullmatch(
            r"\./\.github/workflows/\w+\.yml|\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line
        )


@each
def test_a_pull_request_gets_no_secret_and_deploys_nothing(file: Path) -> None:
    workflow = read(file)
    begins = set(workflow["on"])
    assert begins <= {"push", "pull_request", "schedule", "workflow_call", "workflow_dispatch"}
    if "pull_request" not in begins:
        return
    for name, job in workflow["jobs"].items():
        if job.get("if") == "github.event_name != 'pull_request'":
            continue
        assert job["permissions"] == {"contents": "read"}, name
        assert "environment" not in job, name
        assert "secrets." not in yaml.safe_dump(job), name


def test_a_deployment_is_asked_for_and_guarded() -> None:
    workflow = read(GITHUB / "workflows" / "deploy.yml")
    assert set(workflow["on"]) == {"workflow_dispatch"}
    assert all(job["environment"] == "production" for job in workflow["jobs"].values())


def test_the_pass_is_at_midnight_and_the_release_by_tag() -> None:
    assert read(GITHUB / "workflows" / "nightly.yml")["on"]["schedule"] == [{"cron": "0 0 * * *"}]
    assert set(read(GITHUB / "workflows" / "release.yml")["on"]) == {"push"}
    assert set(read(GITHUB / "workflows" / "release.yml")["on"]["push"]) == {"tags"}


def test_the_matrix_has_the_pythons_that_we_claim() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    claimed = [c.rsplit(" ", 1)[1] for c in project["classifiers"] if "Python :: 3." in c]
    jobs = read(GITHUB / "workflows" / "test.yml")["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == claimed


def test_what_they_call_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = "".join(file.read_text() for file in WORKFLOWS)
    assert set(re.findall(r"run: make ([a-z]+)", called)) <= targets
    commands = re.findall(r"sh deploy\.sh (\w+)", called)
    assert commands
    script = (ROOT / "deploy" / "deploy.sh").read_text()
    assert set(commands) <= set(re.findall(r"^    (\w+)\) ", script, re.MULTILINE))
    for ecosystem in yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]:
        assert (ROOT / ecosystem["directory"].strip("/")).is_dir()
