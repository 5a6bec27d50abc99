"""deploy/compose: a valid compose file, whose parts agree with one another and with the gateway."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config.load import load
from gateway.config.settings import ServerSettings
from tests.deploy.programs import DEPLOY, checker, run

COMPOSE = DEPLOY / "compose"
FILES = [COMPOSE / "compose.yaml", DEPLOY.parent / "examples" / "compose" / "compose.yaml"]


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def services() -> Any:
    return read(COMPOSE / "compose.yaml")["services"]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("file", FILES, ids=lambda path: path.parent.parent.name)
def test_it_is_as_the_compose_specification_has_it(file: Path, tmp_path: Path) -> None:
    check = (checker("check-jsonschema"), "--builtin-schema", "vendor.compose-spec")
    run(*check, file)
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(file.read_text("utf-8").replace("read_only:", "readonly:"))
    with pytest.raises(AssertionError, match="readonly"):
        run(*check, wrong)


def test_everything_that_is_mounted_is_there() -> None:
    named = read(COMPOSE / "compose.yaml")["volumes"]
    for service in services().values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in named or (COMPOSE / source).exists(), source
            assert source in named or volume.endswith(":ro"), volume
    assert (COMPOSE / services()["gateway"]["build"] / "Dockerfile").is_file()


def test_the_example_of_the_environment_has_what_is_asked_for() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", (COMPOSE / "compose.yaml").read_text("utf-8")))
    example = (COMPOSE / ".env.example").read_text("utf-8")
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == asked
    assert asked
    passed_on = set(services()["gateway"]["environment"])
    used = re.findall(r"\$\{(\w+)\}", (COMPOSE / "gateway.yaml").read_text("utf-8"))
    assert set(used) <= passed_on


def test_the_gateway_takes_its_configuration() -> None:
    filled_in = {
        "GATEWAY_SECRET": "s" * 32,
        "ADMIN_TOKEN": "a" * 16,
        "OPENAI_API_KEY": "sk-test",
        "TEAM_A_KEY_SHA256": "0" * 64,
    }
    written = services()["gateway"]["environment"]
    assert {f"${{{name}:?see .env.example}}" for name in filled_in} <= set(written.values())
    environ = {"GATEWAY_SERVER__HOST": "0.0.0.0", **written, **filled_in}  # noqa: S104
    settings = load(COMPOSE / "gateway.yaml", environ, leads_to=lambda host, listening: False)
    assert [client.name for client in settings.clients] == ["team-a"]
    assert settings.admin.host == "0.0.0.0"  # noqa: S104
    assert settings.memory.url == settings.responses.store == "redis://redis:6379/0"
    assert "redis" in services()


def test_only_this_machine_reaches_it() -> None:
    for service in services().values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")


def test_the_gateway_has_the_time_that_it_takes_to_drain() -> None:
    grace = float(services()["gateway"]["stop_grace_period"].removesuffix("s"))
    assert grace == ServerSettings().grace_period + 5


def test_prometheus_finds_the_gateway_and_its_rules() -> None:
    mounted = dict(
        reversed(volume.split(":")[:2]) for volume in services()["prometheus"]["volumes"]
    )
    scraped = read(COMPOSE / "prometheus.yaml")
    (job,) = scraped["scrape_configs"]
    (target,) = job["static_configs"][0]["targets"]
    name, _, port = target.partition(":")
    assert name in services()
    assert name in read(COMPOSE / "gateway.yaml")["admin"]["allowed_hosts"]
    assert port == "9090"
    assert job["job_name"] == "endpoint-gateway"
    (rules,) = scraped["rule_files"]
    assert mounted[f"/etc/prometheus/{rules}"] == "../prometheus/alerts.yaml"
    secret = job["authorization"]["credentials_file"].removeprefix("/run/secrets/")
    assert services()["prometheus"]["secrets"] == [secret]
    environment = read(COMPOSE / "compose.yaml")["secrets"][secret]["environment"]
    assert environment == "ADMIN_TOKEN"


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    (source,) = read(DEPLOY / "grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in services()
    (provider,) = read(DEPLOY / "grafana/provisioning/dashboards/endpoint-gateway.yaml")[
        "providers"
    ]
    targets = [volume.split(":")[1] for volume in services()["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/endpoint-gateway.json" in targets
