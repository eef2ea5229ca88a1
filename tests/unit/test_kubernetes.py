"""deploy/k8s and deploy/helm: rendered by the real kubectl and helm, and what they then say.

No cluster runs here, so nothing is started: schemas of Kubernetes are held against what is
rendered, and what those cannot know (names that must agree, settings that must exist) is asked.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from video_rag.cli import app
from video_rag.queues.celery.broker import Broker
from video_rag.queues.celery.options import CeleryOptions
from video_rag.settings import load_settings

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "build" / "tools"
CHART = ROOT / "deploy" / "helm" / "video-rag"
OVERLAYS = ROOT / "deploy" / "k8s" / "overlays"
SHAPES = {
    "local": (),
    "cluster": ("cluster",),
    "cluster-keda": ("cluster", "keda"),
    "cluster-dify": ("cluster", "dify"),
}
"""Each overlay, and the values files that make the same of the chart."""
OPERATORS = {"ScaledObject", "TriggerAuthentication", "ServiceMonitor", "PrometheusRule"}
"""Kinds of others, whose schemas Kubernetes does not have."""
OURS = re.compile(r"VIDEO_RAG_|DIFY_")
Object = dict[str, Any]

pytestmark = pytest.mark.skipif(
    not (TOOLS / "helm").exists() or not (TOOLS / "kubectl").exists(),
    reason="no kubectl and helm in build/tools; `sh scripts/install-deploy-tools.sh` gets them",
)


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(text: str) -> list[Object]:
    return [one for one in yaml.safe_load_all(text) if one]


@cache
def by_helm(shape: str, *more: str) -> str:
    values = [f"--values={CHART / f'values-{name}.yaml'}" for name in SHAPES[shape]]
    return run(TOOLS / "helm", "template", "video-rag", CHART, *values, *more)


@cache
def by_kustomize(folder: Path) -> str:
    return run(TOOLS / "kubectl", "kustomize", folder)


RENDERED: list[tuple[Any, tuple[Any, ...]]] = [
    *((by_helm, (shape,)) for shape in SHAPES),
    *((by_kustomize, (OVERLAYS / shape,)) for shape in SHAPES),
]
each = pytest.mark.parametrize(
    ("render", "which"),
    RENDERED,
    ids=[f"{by}-{shape}" for by in ("helm", "kustomize") for shape in SHAPES],
)


def templates(found: list[Object]) -> list[tuple[str, Object]]:
    """Every template of a pod, and its owner's name."""
    pods = []
    for one in found:
        if one["kind"] in {"Deployment", "StatefulSet", "Job"}:
            pods.append((one["metadata"]["name"], one["spec"]["template"]))
        elif one["kind"] == "CronJob":
            job = one["spec"]["jobTemplate"]["spec"]
            pods.append((one["metadata"]["name"], job["template"]))
    assert pods
    return pods


def containers(found: list[Object]) -> list[tuple[str, Object, Object]]:
    return [
        (f"{name}/{container['name']}", container, template["spec"])
        for name, template in templates(found)
        for container in (
            *template["spec"].get("initContainers", ()),
            *template["spec"]["containers"],
        )
    ]


def is_chosen(selector: Object, labels: Object) -> bool:
    assert "matchExpressions" not in selector
    return selector.get("matchLabels", {}).items() <= labels.items()


def labels_of(found: list[Object]) -> list[Object]:
    return [template["metadata"]["labels"] for _, template in templates(found)]


def test_the_chart_passes_helms_own_lint() -> None:
    for names in SHAPES.values():
        values = [f"--values={CHART / f'values-{name}.yaml'}" for name in names]
        assert "0 chart(s) failed" in run(TOOLS / "helm", "lint", "--strict", CHART, *values)


def test_all_of_it_is_valid_kubernetes(tmp_path: Path) -> None:
    found = [one for render, which in RENDERED for one in objects(render(*which))]
    alike = {yaml.safe_dump(one) for one in found if one["kind"] not in OPERATORS}
    file = tmp_path / "all.yaml"
    file.write_text("---\n".join(sorted(alike)))
    run(Path(sys.executable).with_name("kubernetes-validate"), "--strict", "--no-warn", file)


def test_a_misspelt_field_would_be_refused(tmp_path: Path) -> None:
    found = objects(by_helm("local"))
    host = next(one for one in found if one["kind"] == "StatefulSet")
    host["spec"]["replicsa"] = 2
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump(host))
    command = (Path(sys.executable).with_name("kubernetes-validate"), "--strict", file)
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode != 0


@pytest.mark.parametrize("shape", SHAPES)
def test_chart_and_overlay_say_the_same(shape: str) -> None:
    one, other = _plain(by_helm(shape)), _plain(by_kustomize(OVERLAYS / shape))
    if shape != "cluster-dify":  # whose servers do not see the home of another pod
        other |= _plain(by_kustomize(OVERLAYS.parent / "selftest"))
    assert one.keys() == other.keys()
    for name, what in one.items():
        assert what == other[name], name


def _plain(text: str) -> dict[tuple[str, str], Object]:
    """By kind and name, without what only one of the two has: its place, and marks of change."""
    text = re.sub(r"video-rag-settings-[a-z0-9]{10}\b", "video-rag-settings", text)
    found = {
        (o["kind"], o["metadata"]["name"]): o for o in objects(text) if o["kind"] != "Namespace"
    }
    for one in found.values():
        one["metadata"].pop("namespace", None)
        if any(key.startswith("helm.sh/") for key in one["metadata"].get("annotations", ())):
            one["metadata"].pop("annotations")
    for _, template in templates(list(found.values())):
        template["metadata"].pop("annotations", None)
        for part in ("containers", "volumes"):
            template["spec"][part].sort(key=lambda one: one["name"])
    for _, container, _ in containers(list(found.values())):
        container["env"].sort(key=lambda variable: variable["name"])
    return found


@each
def test_containers_have_no_rights_limits_and_probes(render: Any, which: Any) -> None:
    found = objects(render(*which))
    short = {f"{n}/{c['name']}" for n, t in templates(found) for c in t["spec"]["containers"]
             if t["spec"].get("restartPolicy") == "Never"}  # fmt: skip
    short.add("video-rag-host/first-key")
    for name, container, pod in containers(found):
        rights = pod["securityContext"] | container["securityContext"]
        assert rights["runAsNonRoot"] is True, name
        assert rights["runAsUser"] == 10001, name
        assert rights["readOnlyRootFilesystem"] is True, name
        assert rights["allowPrivilegeEscalation"] is False, name
        assert rights["capabilities"] == {"drop": ["ALL"]}, name
        assert rights["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        for kind in ("requests", "limits"):
            assert {"cpu", "memory", "ephemeral-storage"} <= container["resources"][kind].keys(), (
                name
            )
        if name not in short:
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), name


@each
def test_every_variable_is_a_setting_and_no_secret(
    render: Any, which: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = objects(render(*which))
    maps = {one["metadata"]["name"]: one["data"] for one in found if one["kind"] == "ConfigMap"}
    assert not [one for one in found if one["kind"] == "Secret"]
    for name, container, _pod in containers(found):
        env = {}
        for source in container.get("envFrom", ()):
            env |= maps[source["configMapRef"]["name"]]
        env |= {variable["name"]: variable["value"] for variable in container["env"]}
        assert not [key for key in env if re.search(r"KEY$|SECRET$|PASSWORD|TOKEN", key)], name
        assert not [value for value in env.values() if re.search(r"://[^/]*:[^/]*@", value)], name
        with monkeypatch.context() as patch:
            for key, value in env.items():
                if OURS.match(key):
                    patch.setenv(key, value)
            patch.setenv("VIDEO_RAG_SECRETS_DIR", str(tmp_path))
            settings = load_settings()
        assert settings.home == Path("/app/data"), name
        if name != "video-rag-selftest/selftest":  # which speaks to the server alone
            assert settings.library.host == "video-rag-host"
            assert settings.pipeline.host.startswith("video-rag-")


def test_a_mounted_secret_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Kubernetes lays it: each name leads through `..data` to a folder that is replaced."""
    (tmp_path / "..2026_11_27").mkdir()
    (tmp_path / "..2026_11_27" / "DIFY_API_KEY").write_text("dataset-planted-here\n")
    (tmp_path / "..data").symlink_to("..2026_11_27")
    (tmp_path / "DIFY_API_KEY").symlink_to("..data/DIFY_API_KEY")
    monkeypatch.setenv("VIDEO_RAG_SECRETS_DIR", str(tmp_path))
    key = load_settings().section("knowledge", "dify")["api_key"]
    assert key.get_secret_value() == "dataset-planted-here"


def test_the_first_key_is_made_once_and_never_shown(tmp_path: Path) -> None:
    """What the host's pod does at each start, done here."""
    (command,) = [c["command"] for n, c, _ in containers(objects(by_helm("local"))) if "first" in n]
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    for _ in range(2):
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        assert "vr_" not in done.stdout + done.stderr
    command = (Path(sys.executable).with_name("video-rag"), "keys", "list", "--json")
    listed = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)
    (key,) = yaml.safe_load(listed.stdout)
    assert key["role"] == "read"


@each
def test_commands_and_their_options_exist(render: Any, which: Any) -> None:
    known = get_command(app).commands  # type: ignore[attr-defined]
    for name, container, _pod in containers(objects(render(*which))):
        said = " ".join(container["command"])
        for command, rest in re.findall(r"video-rag (\w+)([^|&>]*)", said):
            assert command in known, name
            options = {one for p in getattr(known[command], "params", ()) for one in p.opts}
            if command != "keys":  # a group
                assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= options, name


@each
def test_a_pod_has_more_time_than_its_workers_take(render: Any, which: Any) -> None:
    found = objects(render(*which))
    settings = next(one["data"] for one in found if one["kind"] == "ConfigMap")
    drain = float(settings["VIDEO_RAG_PIPELINE__DRAIN_SECONDS"])
    for name, container, pod in containers(found):
        if "worker" in container["command"]:
            assert pod["terminationGracePeriodSeconds"] > drain, name


@each
def test_what_chooses_pods_finds_some(render: Any, which: Any) -> None:
    found = objects(render(*which))
    worn = labels_of(found)
    for one in found:
        spec, name = one.get("spec", {}), one["metadata"]["name"]
        if one["kind"] in {"Deployment", "StatefulSet"}:
            assert is_chosen(spec["selector"], spec["template"]["metadata"]["labels"]), name
        elif one["kind"] == "PodDisruptionBudget":
            assert sum(is_chosen(spec["selector"], labels) for labels in worn) == 1, name
        elif one["kind"] == "NetworkPolicy":
            assert any(is_chosen(spec["podSelector"], labels) for labels in worn), name
        elif one["kind"] == "HorizontalPodAutoscaler":
            targets = {(o["kind"], o["metadata"]["name"]) for o in found}
            assert (spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]) in targets


@each
def test_services_lead_to_ports_that_are_open(render: Any, which: Any) -> None:
    found = objects(render(*which))
    services = {one["metadata"]["name"]: one for one in found if one["kind"] == "Service"}
    for service in services.values():
        chosen = [
            template["spec"]
            for _, template in templates(found)
            if service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
        ]
        assert len(chosen) == 1
        opened = {p["name"]: p for c in chosen[0]["containers"] for p in c.get("ports", ())}
        for port in service["spec"].get("ports") or ():
            assert port["targetPort"] in opened
    (way,) = [one for one in found if one["kind"] == "Ingress"]
    for rule in way["spec"]["rules"]:
        backend = rule["http"]["paths"][0]["backend"]["service"]
        ports = services[backend["name"]]["spec"]["ports"]
        assert backend["port"]["name"] in {port["name"] for port in ports}
        assert rule["host"] in way["spec"]["tls"][0]["hosts"]
    host = next(one for one in found if one["kind"] == "StatefulSet")
    assert host["spec"]["serviceName"] in services


@each
def test_what_is_not_opened_is_closed(render: Any, which: Any) -> None:
    policies = [one for one in objects(render(*which)) if one["kind"] == "NetworkPolicy"]
    closed = next(one for one in policies if one["metadata"]["name"] == "video-rag-closed")["spec"]
    assert closed["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in closed
    assert "egress" not in closed
    assert all(
        is_chosen(closed["podSelector"], labels) for labels in labels_of(objects(render(*which)))
    )
    (out,) = [
        o["spec"]["egress"] for o in policies if o["metadata"]["name"] == "video-rag-internet"
    ]
    assert "169.254.0.0/16" in out[0]["to"][0]["ipBlock"]["except"]  # where clouds give keys away
    for policy in policies:
        for way in policy["spec"].get("ingress", ()):
            assert way["from"]
            assert way["ports"]


@each
def test_jobs_do_not_overtake_themselves(render: Any, which: Any) -> None:
    jobs = {
        o["metadata"]["name"]: o["spec"] for o in objects(render(*which)) if o["kind"] == "CronJob"
    }
    assert jobs.keys() == {"video-rag-tick", "video-rag-run", "video-rag-backup"}
    for job in jobs.values():
        assert job["concurrencyPolicy"] == "Forbid"
        assert job["jobTemplate"]["spec"]["backoffLimit"] == 0


@each
def test_volumes_that_are_mounted_exist(render: Any, which: Any) -> None:
    found = objects(render(*which))
    host = next(one for one in found if one["kind"] == "StatefulSet")
    (home,) = [claim["metadata"]["name"] for claim in host["spec"]["volumeClaimTemplates"]]
    claims = {one["metadata"]["name"] for one in found if one["kind"] == "PersistentVolumeClaim"}
    claims.add(f"{home}-{host['metadata']['name']}-0")
    for name, container, pod in containers(found):
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        if name.startswith("video-rag-host/"):
            volumes[home] = {}
        for mount in container["volumeMounts"]:
            claim = volumes[mount["name"]].get("persistentVolumeClaim")
            assert claim is None or claim["claimName"] in claims, name


def test_lanes_grow_with_the_queues_that_the_workers_read() -> None:
    scaled = [o for o in objects(by_helm("cluster-keda")) if o["kind"] == "ScaledObject"]
    broker = Broker(CeleryOptions(url="amqp://127.0.0.1/"))
    assert {one["metadata"]["name"] for one in scaled} == {
        f"video-rag-{n}" for n in ("net", "cpu", "gpu")
    }
    for one in scaled:
        lane = one["spec"]["scaleTargetRef"]["name"].removeprefix("video-rag-")
        queues = {broker.queue(lane, is_urgent=is_it).name for is_it in (True, False)}
        assert {trigger["metadata"]["queueName"] for trigger in one["spec"]["triggers"]} == queues
        assert one["spec"]["minReplicaCount"] > 0
    assert not [
        o for o in objects(by_helm("cluster-keda")) if o["kind"] == "HorizontalPodAutoscaler"
    ]


def test_one_machines_jobs_stand_beside_its_volume() -> None:
    """SQLite is shared by processes of one kernel, and the volume is of one node."""
    for name, template in templates(objects(by_helm("local"))):
        spec = template["spec"]
        if name != "video-rag-host":
            (near,) = spec["affinity"]["podAffinity"][
                "requiredDuringSchedulingIgnoredDuringExecution"
            ]
            assert near["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == "host"
            assert near["topologyKey"] == "kubernetes.io/hostname"


def test_prometheus_is_told_where_to_look_and_what_to_ring_for() -> None:
    rules = ROOT / "deploy" / "prometheus" / "alert.rules.yml"
    found = objects(
        by_helm("local", "--set=monitoring.enabled=true", f"--set-file=monitoring.rules={rules}")
    )
    by_kind = {one["kind"]: one for one in found}
    web = next(o for o in found if o["kind"] == "Service" and o["metadata"]["name"] == "video-rag")
    monitor = by_kind["ServiceMonitor"]["spec"]
    assert is_chosen(monitor["selector"], web["metadata"]["labels"])
    assert monitor["endpoints"][0]["port"] == web["spec"]["ports"][0]["name"]
    assert by_kind["PrometheusRule"]["spec"] == yaml.safe_load(rules.read_text())
    job = web["metadata"]["name"]  # the Operator calls a job as its Service
    assert f'up{{job="{job}"}}' in rules.read_text()
    (alone,) = objects(by_kustomize(OVERLAYS.parent / "components" / "monitoring"))
    alone["metadata"]["labels"] = by_kind["ServiceMonitor"]["metadata"]["labels"]
    assert alone == by_kind["ServiceMonitor"]


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run(("unshare", "--pid", "--fork", "true"), check=False).returncode != 0,
    reason="no process namespace of its own can be had here (root, unshare)",
)
def test_the_probe_of_a_worker_sees_its_crew(tmp_path: Path) -> None:
    """In a process namespace like a container's, with a real worker as its first process."""
    (probe,) = {
        tuple(container[kind]["exec"]["command"])
        for _, container, _ in containers(objects(by_helm("cluster")))
        if "worker" in container["command"]
        for kind in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    worker = Path(sys.executable).with_name("video-rag")
    inside = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    assert subprocess.run((*inside, *probe), check=False, timeout=30).returncode != 0
    environment = {"VIDEO_RAG_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    with subprocess.Popen(
        (*inside, worker, "worker", "--lanes", "cpu"), env=environment
    ) as running:
        try:
            first = _child_of(running.pid)
            enter = ("nsenter", f"--target={first}", "--pid", "--mount", *probe)
            until = time.monotonic() + 60
            while subprocess.run(enter, check=False, timeout=30).returncode:
                assert running.poll() is None
                assert time.monotonic() < until
                time.sleep(0.2)
        finally:
            running.kill()


def _child_of(parent: int) -> int:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        if found:
            return int(found[0])
        time.sleep(0.05)
    raise AssertionError("nothing was started")
