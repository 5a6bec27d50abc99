import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.checks.problems import show_path
from gateway.config.load import ConfigError, load, unused_variables, warnings
from gateway.config.schema.configuration import key_paths
from gateway.config.secret import Secret
from gateway.config.settings import (
    CredentialPolicy,
    PerformanceSettings,
    Settings,
    UpstreamSettings,
)
from tests import kinds
from tests.config.configuring import loaded, refused

ROOT = Path(__file__).parents[2]
OPENAI = UpstreamSettings(
    "openai", "https://api.openai.com/v1", kind=kinds.OPENAI, credential=CredentialPolicy.CALLER
)


def test_without_a_file_everything_is_default() -> None:
    performance = PerformanceSettings(fast_paths=True)
    assert load(None, {}) == Settings(upstreams=(OPENAI,), performance=performance)


def test_an_empty_file_and_empty_sections_are_the_defaults(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == load(None, {})
    text = "server:\nmodels:\nclients:\ntranslation:\nmemory:\nresponses:\nadmin:\nlog:\n"
    assert loaded(tmp_path, text) == load(None, {})


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    text = "server: {host: 127.0.0.2, port: 1, workers: 2}"
    environ = {"GATEWAY_SERVER__PORT": "2", "GATEWAY_SERVER__WORKERS": "3"}
    server = loaded(tmp_path, text, environ, {"server.workers": 4}).server
    assert (server.host, server.port, server.workers) == ("127.0.0.2", 2, 4)


def test_numbers_and_truth_values_may_come_as_text(tmp_path: Path) -> None:
    text = "server: {port: '${PORT}', allow_anonymous: '${OPEN:-true}', grace_period: '1.5'}"
    server = loaded(tmp_path, text, {"PORT": "81"}).server
    assert (server.port, server.allow_anonymous, server.grace_period) == (81, True, 1.5)


def test_the_key_of_openai_is_enough(tmp_path: Path) -> None:
    environ = {"GATEWAY_UPSTREAMS__OPENAI__API_KEY": "sk-x"}
    (upstream,) = load(None, environ).upstreams
    assert (upstream.base_url, upstream.credential) == (OPENAI.base_url, CredentialPolicy.KEY)
    assert upstream.api_key == Secret("sk-x")
    text = "upstreams: {openai: {api_key: '${K}'}}"
    assert loaded(tmp_path, text, {"K": "sk-x"}).upstreams == (upstream,)


def test_an_openai_upstream_without_any_key_is_the_default_one(tmp_path: Path) -> None:
    assert loaded(tmp_path, "upstreams:\n  openai:\n") == load(None, {})


def test_an_upstream_from_the_environment_alone_is_the_only_one() -> None:
    settings = load(None, {"GATEWAY_UPSTREAMS__LOCAL__BASE_URL": "http://vllm:8000/v1/"})
    assert [u.base_url for u in settings.upstreams] == ["http://vllm:8000/v1"]


def test_the_upstream_override_becomes_the_default_and_keeps_the_others_keys(
    tmp_path: Path,
) -> None:
    text = "upstreams: {openai: {api_key: sk-x}}"
    first, second = loaded(tmp_path, text, {}, {"upstream": "http://new:1/v1"}).upstreams
    assert (first.name, first.credential, first.api_key) == (
        "command-line",
        CredentialPolicy.CALLER,
        None,
    )
    assert second.api_key == Secret("sk-x")


def test_all_problems_are_listed_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        "server:\n"
        "  port: 70000\n"
        "  prot: 1\n"
        "upstream: {}\n"
        "upstreams:\n"
        "  a: {base_url: '${NOPE}'}\n"
        "  a: {}\n"
        "models:\n"
        "  x: {upstream: b, endpoint: cht}\n"
        "log: {level: '${LEVEL:-loud}'}\n"
    )
    environ = {"GATEWAY_ADMIN__PORT": "x", "GATEWAY_MEMRY__URL": "x"}
    assert refused(tmp_path, text, environ, {"server.workers": 0}) == [
        "gateway.yaml:2: server.port: must be at most 65535",
        "gateway.yaml:3: server.prot: unknown key 'prot'; did you mean 'port'?",
        "gateway.yaml:4: upstream: unknown key 'upstream'; did you mean 'upstreams'?",
        (
            "gateway.yaml:6: upstreams.a.base_url: the environment variable NOPE is not set; "
            "set it, or write ${NOPE:-default}"
        ),
        "gateway.yaml:7: upstreams.a: is written twice, first in line 6; remove one",
        "gateway.yaml:9: models.x.upstream: is not a configured upstream; upstreams: a",
        "gateway.yaml:9: models.x.endpoint: is not an endpoint; did you mean 'chat'?",
        "gateway.yaml:10: log.level: must be debug, info, warning or error",
        "command line: server.workers: must be at least 1",
        "environment variable GATEWAY_ADMIN__PORT: admin.port: must be a whole number",
        (
            "environment variable GATEWAY_MEMRY__URL: is not a section of the configuration; "
            "did you mean 'memory'?"
        ),
    ]


def test_a_file_with_only_a_reading_problem_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "log: {}\nlog: {}\n") == [
        "gateway.yaml:2: log: is written twice, first in line 1; remove one"
    ]


def test_a_refusal_to_start_names_the_line(tmp_path: Path) -> None:
    text = "server:\n  host: 0.0.0.0\nupstreams: {openai: {api_key: sk-x}}\n"
    (problem,) = refused(tmp_path, text)
    assert problem.startswith("gateway.yaml:2: server.host: is beyond loopback")


def test_a_refusal_of_a_default_names_what_surrounds_it(tmp_path: Path) -> None:
    text = f"clients: [{{name: a, key_sha256: '{'1' * 64}'}}]\n"
    (problem,) = refused(tmp_path, text)
    assert problem.startswith("gateway.yaml: upstreams.openai.credential: is caller")


def test_relative_paths_start_at_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "t.jinja").write_text("{{ messages }}é", "utf-8")
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    text = (
        "models: {m: {template: {path: t.jinja}}}\n"
        "upstreams: {a: {base_url: 'https://a.example', verify: ca.pem}}\n"
    )
    settings = loaded(tmp_path, text)
    assert settings.upstreams[0].verify == str(tmp_path / "ca.pem")
    template = settings.models[0].template
    assert template is not None
    assert (template.name, template.source) == ("jinja", "{{ messages }}é")
    assert template.path == str(tmp_path / "t.jinja")


CANARY = "sk-canary0123456789"
SECRET_PLACES = [
    f"upstreams: {{openai: {{api_key: [{CANARY}]}}}}",
    f"upstreams: {{openai: {{api_key: {{{CANARY}: 1}}}}}}",
    f"upstreams: {{openai: {{api_key: {{{CANARY}: '${{UNSET}}'}}}}}}",
    f"upstreams: {{openai: {{api_key: '{CANARY} '}}}}",
    f'upstreams: {{openai: {{api_key: "{CANARY}\\n"}}}}',
    f"upstreams: {{openai: {{api_key:{CANARY}}}}}",
    f"upstreams: {{openai: {{{CANARY}: 1}}}}",
    f"upstreams: {{openai: {{credential: {CANARY}}}}}",
    f"upstreams: {{openai: {{kind: {CANARY}}}}}",
    f"upstreams: {{openai: {{base_url: 'https://u:{CANARY}@h/v1'}}}}",
    f"upstreams: {{openai: {{base_url: 'https://h:{CANARY}/v1'}}}}",
    f"upstreams: {{openai: {{base_url: '{CANARY}'}}}}",
    f"upstreams: {{openai: {{proxy: 'socks5://u:{CANARY}@h'}}}}",
    f"upstreams: {{openai: {{headers: {{x-key: [{CANARY}]}}}}}}",
    f'upstreams: {{openai: {{headers: {{x-key: "{CANARY}\\r\\n"}}}}}}',
    f"upstreams: {{openai: {{headers: {CANARY}}}}}",
    f"upstreams: {{openai: {{verify: {CANARY}}}}}",
    f"upstreams: {{openai: {{timeouts: {{connect: {CANARY}}}}}}}",
    f"upstreams: {CANARY}",
    f"admin: {{token: [{CANARY}]}}",
    f"admin: {{port: {CANARY}}}",
    f"clients: [{{name: a, key_sha256: {CANARY}}}]",
    f"models: {{a: {{endpoint: {CANARY}, upstream: {CANARY}, template: {CANARY}}}}}",
    f"models: {{a: {{template: {{path: {CANARY}}}}}}}",
    f"memory: {{url: 'redis://:{CANARY}@h'}}",
    f"log: {{level: {CANARY}}}",
    f"server: {{host: {CANARY}/x, port: {CANARY}, allow_anonymous: {CANARY}}}",
    f"{CANARY}: 1",
    f"{CANARY}",
    f"a: *{CANARY}",
]


@pytest.mark.parametrize("text", SECRET_PLACES)
def test_no_error_shows_a_configured_value(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.yaml"
    for written in (
        text,
        text.replace(CANARY, "${SECRET}").replace(": ${SECRET}", ": '${SECRET}'"),
    ):
        path.write_text(written, "utf-8")
        with pytest.raises(ConfigError) as caught:
            load(path, {"SECRET": CANARY})
        assert "canary" not in str(caught.value)
        assert "canary" not in repr(caught.value)
        assert "canary" not in repr(caught.value.problems)


def test_settings_do_not_show_their_secrets(tmp_path: Path) -> None:
    text = (
        f"upstreams: {{openai: {{api_key: {CANARY}, headers: {{x-key: {CANARY}}}, "
        f"proxy: 'http://u:{CANARY}@proxy:1'}}}}\nadmin: {{token: {CANARY}}}\n"
        f"secret: {CANARY * 4}\n"
    )
    settings = loaded(tmp_path, text)
    assert "canary" not in repr(settings) + str(settings) + "".join(warnings(settings))
    upstream = settings.upstreams[0]
    assert upstream.api_key is not None
    assert upstream.api_key.reveal() == CANARY
    assert [(name, value.reveal()) for name, value in upstream.headers] == [("x-key", CANARY)]
    assert upstream.proxy == Secret(f"http://u:{CANARY}@proxy:1")
    assert settings.admin.token == Secret(CANARY)
    assert settings.secret == Secret(CANARY * 4)


def test_unused_variables_are_recognised_by_the_schemas_sections() -> None:
    (sentence,) = unused_variables({"GATEWAY_MEMORY_TTL": "1", "GATEWAY_MEMORY__TTL": "1"})
    assert sentence == "GATEWAY_MEMORY_TTL is not used; did you mean GATEWAY_MEMORY__TTL?"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GATEWAY_PORT", "GATEWAY_SERVER__PORT"),
        ("GATEWAY_HOST", "GATEWAY_SERVER__HOST"),
        ("GATEWAY_API_KEY", "GATEWAY_UPSTREAMS__NAME__API_KEY"),
        ("GATEWAY_BASE_URL", "GATEWAY_UPSTREAMS__NAME__BASE_URL"),
    ],
)
def test_a_variable_without_its_section_is_pointed_out(name: str, meant: str) -> None:
    assert unused_variables({name: "1"}) == [f"{name} is not used; did you mean {meant}?"]


@pytest.mark.parametrize("name", ["GATEWAY_URL", "GATEWAY_NAME", "GATEWAY_CONFIG"])
def test_other_variables_are_left_alone(name: str) -> None:
    assert unused_variables({name: "x"}) == []


def test_settings_are_imported_without_pydantic() -> None:
    code = "import sys, gateway.config.settings; sys.exit('pydantic' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=dict(os.environ), check=False
    )
    assert result.returncode == 0


KEYS = st.sampled_from([str(part) for path in key_paths() for part in path[-1:]])
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 70000),
    st.floats(),
    st.sampled_from(["chat", "openai", "memory://", "http://h/v1", "jinja", CANARY, "", "1", "*"]),
    st.text(max_size=6),
)
TREES = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
SECTION_NAMES = st.sampled_from([str(path[0]) for path in key_paths() if len(path) == 1])


@settings(max_examples=3 * settings().max_examples)
@given(st.dictionaries(SECTION_NAMES, TREES, max_size=4))
def test_any_data_gives_settings_or_a_config_error(data: dict[str, Any]) -> None:
    try:
        settings_ = load(None, {}, data)
    except ConfigError as error:
        # A key may be shown, a value may not; here only values can be the canary.
        shown = str(error)
        shown.encode("utf-8")
        assert f"'{CANARY}'" not in shown
        assert CANARY not in shown
        return
    assert settings_.upstreams
    assert CANARY not in repr(settings_.upstreams)
    warnings(settings_)


def test_every_key_can_be_shown() -> None:
    assert all(show_path(path) for path in key_paths())


@pytest.mark.parametrize(
    ("wanted", "advice"),
    [("elsewhere", "configured: openai, two"), ("opnai", "did you mean 'openai'?")],
)
def test_a_default_upstream_is_one_that_is_configured_or_an_url(
    tmp_path: Path, wanted: str, advice: str
) -> None:
    text = "upstreams: {openai: {api_key: k}, two: {base_url: 'http://two/v1'}}"
    (problem,) = refused(tmp_path, text, {}, {"upstream": wanted})
    said = "command line: upstream: is neither a base URL (http://…) nor a configured upstream; "
    assert problem == f"{said}{advice}"
    (alone,) = refused(tmp_path, "", {}, {"upstream": wanted})
    assert alone == f"{said}{advice.removesuffix(', two')}"


def test_the_default_upstream_can_be_named_without_a_file() -> None:
    assert load(None, {}, {"upstream": "openai"}) == load(None, {})


def test_a_store_that_is_no_database_is_said_with_its_line_but_for_a_gateway_that_uses_it(
    tmp_path: Path,
) -> None:
    text = f"secret: {'s' * 32}\nmemory:\n  url: sqlite:///m\nresponses:\n  store: sqlite:///r\n"
    running = loaded(tmp_path, text)
    for name in ("m", "r"):
        (tmp_path / name).write_text("no database")
    fault = "names an SQLite file that cannot be used: it is not a database; name another one"
    memory, responses = refused(tmp_path, text)
    assert memory.startswith(f"gateway.yaml:3: memory.url: {fault}")
    assert responses.startswith(f"gateway.yaml:5: responses.store: {fault}")
    assert load(tmp_path / "gateway.yaml", {}, running=running) == running
