"""deploy/kubernetes as kustomize builds it: valid for each kind's schema, and of one piece."""

import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway import __version__
from gateway.config.load import load
from gateway.config.settings import Settings
from tests.cli.commands import parse
from tests.deploy.programs import DEPLOY, check_operators, checker, kubectl, run

KUBERNETES = DEPLOY / "kubernetes"
BUILDS = ("base", "overlays/shared", "overlays/sidecar")
OLDEST, NEWEST = "1.30", "1.37"
"""Versions of Kubernetes; preStop's `sleep` came with the oldest."""
SECRETS = {
    "OPENAI_API_KEY": "sk-test",
    "ADMIN_TOKEN": "a" * 16,
    "GATEWAY_SECRET": "s" * 32,
    "TEAM_A_KEY_SHA256": "0" * 64,
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@cache
def built(build: str) -> tuple[str, list[Any]]:
    """What kustomize makes of a folder: its text, and its objects."""
    text = run(kubectl(), "kustomize", KUBERNETES / build)
    return text, list(yaml.safe_load_all(text))


def one(build: str, kind: str, name: str = "") -> Any:
    (found,) = (
        each
        for each in built(build)[1]
        if each["kind"] == kind and each["metadata"]["name"].startswith(name)
    )
    return found


def pod(build: str) -> Any:
    return one(build, "Deployment")["spec"]["template"]


def container(build: str) -> Any:
    spec = pod(build)["spec"]
    (found,) = (
        each
        for each in (*spec["containers"], *spec.get("initContainers", ()))
        if each["name"] == "gateway"
    )
    return found


def settings(build: str, folder: Path) -> Settings:
    """The configuration as the gateway in the container reads it."""
    (text,) = one(build, "ConfigMap", "endpoint-gateway")["data"].values()
    path = folder / "gateway.yaml"
    path.write_text(text, "utf-8")
    written = {each["name"]: each["value"] for each in container(build)["env"]}
    environ = {"GATEWAY_SERVER__HOST": "0.0.0.0", **SECRETS, **written}  # noqa: S104
    return load(path, environ, leads_to=lambda host, listening: False)


# --- schemas ------------------------------------------------------------------------------------


@pytest.mark.alone
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("build", BUILDS)
def test_every_object_has_the_form_of_its_kind(build: str, version: str, tmp_path: Path) -> None:
    file = tmp_path / "built.yaml"
    file.write_text(built(build)[0], "utf-8")
    said = run(checker("kubernetes-validate"), "--strict", "-k", version, file)
    without_schema = re.findall(r"WARN .* find schema for kind (\w+)", said)
    assert without_schema == (["ServiceMonitor"] if build == "overlays/shared" else [])
    assert said.count(" passed for ") == len(built(build)[1]) - len(without_schema)


def test_a_wrong_key_would_be_found(tmp_path: Path) -> None:
    file = tmp_path / "built.yaml"
    file.write_text(built("base")[0].replace("readOnlyRootFilesystem", "readOnlyRoot"), "utf-8")
    with pytest.raises(AssertionError, match="readOnlyRoot"):
        run(checker("kubernetes-validate"), "--strict", "-k", NEWEST, file)


def test_the_operator_takes_the_monitor() -> None:
    monitor = one("overlays/shared", "ServiceMonitor")
    check_operators(monitor)
    monitor["spec"]["endpoints"][0]["interval"] = 15
    with pytest.raises(AssertionError, match="interval"):
        check_operators(monitor)


# --- the pod ------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", BUILDS)
def test_the_gateway_can_do_little(build: str) -> None:
    gateway, spec = container(build), pod(build)["spec"]
    security = {**spec.get("securityContext", {}), **gateway["securityContext"]}
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] == 65532
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert gateway["resources"]["limits"]["memory"]
    volumes = {each["name"]: each for each in spec["volumes"]}
    for mount in gateway["volumeMounts"]:
        assert mount.get("readOnly") or "emptyDir" in volumes[mount["name"]]


@pytest.mark.parametrize("build", BUILDS[:2])
def test_the_account_has_no_token(build: str) -> None:
    account = one(build, "ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    assert pod(build)["spec"]["serviceAccountName"] == account["metadata"]["name"]
    assert pod(build)["spec"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("build", BUILDS[:2])
def test_what_runs_ends_in_its_own_time(build: str, tmp_path: Path) -> None:
    waits = container(build)["lifecycle"]["preStop"]["sleep"]["seconds"]
    grace = pod(build)["spec"]["terminationGracePeriodSeconds"]
    assert grace == settings(build, tmp_path).server.grace_period + waits + 5


@pytest.mark.parametrize("build", BUILDS[:2])
def test_the_ports_and_probes_are_the_gateways(build: str, tmp_path: Path) -> None:
    gateway, read = container(build), settings(build, tmp_path)
    ports = {each["name"]: each["containerPort"] for each in gateway["ports"]}
    assert ports == {"http": read.server.port, "admin": read.admin.port}
    assert read.admin.host == "0.0.0.0"  # noqa: S104
    paths = {kind: gateway[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness")}
    assert paths["readiness"] == {"path": "/readyz", "port": "http"}
    assert paths["startup"] == gateway["livenessProbe"]["httpGet"]
    assert paths["startup"] == {"path": "/healthz", "port": "http"}


def test_the_sidecar_serves_its_pod_only(tmp_path: Path) -> None:
    gateway = container("overlays/sidecar")
    read = settings("overlays/sidecar", tmp_path)
    assert (read.server.host, read.admin.host) == ("127.0.0.1", "127.0.0.1")
    (app,) = pod("overlays/sidecar")["spec"]["containers"]
    urls = [each["value"] for each in app["env"] if each["name"] == "OPENAI_BASE_URL"]
    assert urls == [f"http://127.0.0.1:{read.server.port}/v1"]
    assert gateway["restartPolicy"] == "Always"
    for probe in ("startupProbe", "livenessProbe"):
        program, command, *arguments = gateway[probe]["exec"]["command"]
        assert program == "gateway"
        parse(command, arguments)


# --- what belongs together ----------------------------------------------------------------------


@pytest.mark.parametrize("build", BUILDS[:2])
def test_selectors_find_the_pods(build: str) -> None:
    labels = pod(build)["metadata"]["labels"].items()
    for each in built(build)[1]:
        spec = each.get("spec", {})
        selector = {
            "Service": spec.get("selector"),
            "NetworkPolicy": spec.get("podSelector", {}).get("matchLabels"),
            "Deployment": spec.get("selector", {}).get("matchLabels"),
            "PodDisruptionBudget": spec.get("selector", {}).get("matchLabels"),
        }
        if each["kind"] in selector:
            assert selector[each["kind"]], each["kind"]
            assert selector[each["kind"]].items() <= labels, each["kind"]


def test_the_monitor_finds_the_admin_listener() -> None:
    monitor = one("overlays/shared", "ServiceMonitor")["spec"]
    service = one("overlays/shared", "Service", "endpoint-gateway-admin")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    other = built("overlays/shared")[1]
    matched = [
        each["metadata"]["name"]
        for each in other
        if each["kind"] == "Service"
        and monitor["selector"]["matchLabels"].items() <= each["metadata"]["labels"].items()
    ]
    assert matched == ["endpoint-gateway-admin"]
    (endpoint,) = monitor["endpoints"]
    assert endpoint["port"] in {each["name"] for each in service["spec"]["ports"]}
    assert service["metadata"]["labels"][monitor["jobLabel"]] == "endpoint-gateway"
    secret = container("overlays/shared")["envFrom"][0]["secretRef"]["name"]
    assert endpoint["authorization"]["credentials"] == {"name": secret, "key": "ADMIN_TOKEN"}


def test_the_policy_lets_in_clients_and_prometheus_and_out_to_redis() -> None:
    policy = one("overlays/shared", "NetworkPolicy")["spec"]
    ports = {each["name"] for each in container("overlays/shared")["ports"]}
    assert {rule["ports"][0]["port"] for rule in policy["ingress"]} == ports
    redis = [rule for rule in policy["egress"] if rule.get("ports") == [{"port": 6379}]]
    (peer,) = redis[0]["to"]
    assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "redis"}
    blocked = [peer["ipBlock"]["except"] for rule in policy["egress"] for peer in rule["to"]
               if "ipBlock" in peer]  # fmt: skip
    assert "169.254.0.0/16" in blocked[0]


def test_the_autoscaler_has_the_number_of_replicas() -> None:
    deployment = one("overlays/shared", "Deployment")
    scaler = one("overlays/shared", "HorizontalPodAutoscaler")["spec"]
    assert scaler["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert "replicas" not in deployment["spec"]
    assert scaler["minReplicas"] > 1
    assert "replicas" in one("base", "Deployment")["spec"]


@pytest.mark.parametrize("build", BUILDS)
def test_a_change_of_the_configuration_is_a_rollout(build: str, tmp_path: Path) -> None:
    name = one(build, "ConfigMap", "endpoint-gateway")["metadata"]["name"]
    mounted = [each["configMap"]["name"] for each in pod(build)["spec"]["volumes"]
               if "configMap" in each]  # fmt: skip
    assert mounted == [name]
    shutil.copytree(KUBERNETES, tmp_path / "copy")
    for file in (tmp_path / "copy").rglob("gateway.yaml"):
        file.write_text(file.read_text("utf-8") + "\nsecret: another\n", "utf-8")
    changed = run(kubectl(), "kustomize", tmp_path / "copy" / build)
    assert name not in changed


def test_every_secret_is_named_in_the_document() -> None:
    page = (DEPLOY.parent / "docs" / "deployment.md").read_text("utf-8")
    (create,) = re.findall(
        r"kubectl create secret generic endpoint-gateway .*((?:\n +--.*)+)", page
    )
    names = set(re.findall(r"--from-literal=(\w+)=", create))
    assert names == SECRETS.keys()
    used = {name for build in BUILDS for name in re.findall(r"\$\{(\w+)\}", built(build)[0])}
    assert used <= names


@pytest.mark.parametrize("build", BUILDS)
def test_the_image_is_of_this_version(build: str) -> None:
    assert container(build)["image"].endswith(f":{__version__}")
