import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.checks.problems import Origin
from gateway.config.reading.document import parse_document
from gateway.config.reading.files import Files
from gateway.config.reading.layers import (
    Layers,
    merge_document,
    merge_environment,
    merge_overrides,
)
from gateway.config.reading.variables import unused_variables

SECTIONS = ("server", "upstreams", "models", "clients", "log")


def layers_of(text: str, environ: dict[str, str] | None = None) -> Layers:
    layers = Layers()
    found = list(
        merge_document(layers, parse_document("c.yaml", text.encode()), environ or {}, Files())
    )
    assert found == []
    return layers


def with_environment(text: str, **environ: str) -> Layers:
    layers = layers_of(text)
    assert list(merge_environment(layers, environ, SECTIONS)) == []
    return layers


def test_a_file_is_expanded_in_its_values_only() -> None:
    layers = layers_of("${A}: ['${A}', {b: '${B:-x}'}, 3]", {"A": "1"})
    assert layers.data == {"${A}": ["1", {"b": "x"}, 3]}


def test_every_reference_that_cannot_be_expanded_is_a_problem_at_its_line() -> None:
    layers = Layers()
    document = parse_document("c.yaml", b"a: ${A}\nb:\n- ${B}\n")
    found = list(merge_document(layers, document, {}, Files()))
    assert [path for path, _ in found] == [("a",), ("b", 0)]
    assert str(found[1][1]).startswith("c.yaml:3: b[0]: the environment variable B is not set")


def test_a_mapping_is_merged_and_anything_else_replaced() -> None:
    layers = layers_of("server: {host: a, port: 1, allowed_hosts: [x]}")
    layers.put(("server",), {"port": 2, "allowed_hosts": ["y"]}, Origin("later"))
    assert layers.data == {"server": {"host": "a", "port": 2, "allowed_hosts": ["y"]}}


def test_what_is_replaced_leaves_no_line_behind() -> None:
    layers = layers_of("models:\n  a:\n    endpoint:\n    - chat\n  b: {model: x}\n")
    later = Origin("later")
    layers.put(("models",), {"a": "x", "c": {"model": "y"}}, later)
    assert layers.origin(("models", "a", "endpoint", 0)) == later
    assert layers.origin(("models", "b", "model")) == Origin("c.yaml", 5)
    layers.put(("models",), {"a": {"endpoint": "chat"}, "c": "z"}, Origin("last"))
    assert layers.origin(("models", "a", "endpoint")) == Origin("last")
    assert layers.origin(("models", "c", "model")) == Origin("last")


def test_the_lower_layer_keeps_its_order() -> None:
    layers = layers_of("upstreams: {b: {x: 1}, a: {}}")
    layers.put(("upstreams",), {"c": {}, "a": {"y": 1}}, Origin("later"))
    assert list(layers.data["upstreams"]) == ["b", "a", "c"]


def test_text_in_the_place_of_a_mapping_gives_way_to_a_mapping() -> None:
    layers = layers_of("models: {a: target}\nlog: debug")
    layers.put(("models", "a", "model"), "x", Origin("later"))
    layers.put(("log",), {"level": "info"}, Origin("later"))
    assert layers.data == {"models": {"a": {"model": "x"}}, "log": {"level": "info"}}


def test_an_empty_mapping_over_a_mapping_changes_nothing() -> None:
    layers = layers_of("server: {port: 1}")
    layers.put(("server",), {}, Origin("later"))
    assert layers.data == {"server": {"port": 1}}


def test_a_value_knows_where_it_was_written() -> None:
    layers = layers_of("server:\n  port: 1\nclients:\n- name: x\n")
    layers.put(("server", "port"), 2, Origin("later"))
    layers.put(("clients",), [], Origin("later"))
    assert str(layers.origin(("server", "port"))) == "later"
    assert str(layers.origin(("server", "host"))) == "c.yaml:1"
    assert str(layers.origin(("clients", 0, "name"))) == "later"
    assert str(layers.origin(("nothing",))) == "c.yaml"
    assert str(Layers().origin(("nothing",))) == "configuration"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("text", "text"),
        ("9000", "9000"),
        ("true", "true"),
        ("null", None),
        ('["a", 1]', ["a", 1]),
        (' {"a": {"b": null}} ', {"a": {"b": None}}),
        ('"[quoted]"', "[quoted]"),
        ("[broken", "[broken"),
        ("[" * 100_000, "[" * 100_000),
        ("${HOME}", "${HOME}"),
    ],
)
def test_a_variable_is_json_where_it_looks_like_it_else_text(text: str, value: Any) -> None:
    assert with_environment("", GATEWAY_SERVER__KEY=text).data == {"server": {"key": value}}


def test_a_variable_means_the_key_that_the_file_spells_otherwise() -> None:
    layers = with_environment(
        "upstreams: {My-Local: {base_url: x}}\nmodels: {gpt-4.1: {}}",
        GATEWAY_UPSTREAMS__MY_LOCAL__API_KEY="k",
        GATEWAY_MODELS__GPT_4_1__ENDPOINT="chat",
        GATEWAY_UPSTREAMS__NEW__BASE_URL="y",
    )
    assert layers.data == {
        "upstreams": {"My-Local": {"base_url": "x", "api_key": "k"}, "new": {"base_url": "y"}},
        "models": {"gpt-4.1": {"endpoint": "chat"}},
    }
    origin = layers.origin(("upstreams", "My-Local", "api_key"))
    assert str(origin) == "environment variable GATEWAY_UPSTREAMS__MY_LOCAL__API_KEY"


def test_of_keys_that_a_variable_can_mean_the_first_is_meant() -> None:
    layers = with_environment(
        "models: {a.b: {}, A-B: {}}",
        GATEWAY_MODELS__A_B__MODEL="x",
        GATEWAY_MODELS__NEW="y",
        GATEWAY_MODELS__NEW__MODEL="z",
        GATEWAY_MODELS__new__UPSTREAM="u",
    )
    assert layers.data == {
        "models": {"a.b": {"model": "x"}, "A-B": {}, "new": {"model": "z", "upstream": "u"}}
    }


PARTS = st.sampled_from(["A_B", "a.b", "A-B", "C", "c", "a_b"])


@given(
    st.lists(st.sampled_from(["a.b", "A-B", "a_b", "C", "c"]), unique=True),
    st.lists(st.lists(PARTS, min_size=1, max_size=3), max_size=8),
)
def test_variables_mean_the_keys_that_a_search_through_all_finds(
    written: list[str], variables: list[list[str]]
) -> None:
    layers = layers_of(json.dumps({"models": {key: {"c": 1} for key in written}}))
    expected = layers_of(json.dumps({"models": {key: {"c": 1} for key in written}}))
    environ = {f"GATEWAY_MODELS__{'__'.join(parts)}": f"{n}" for n, parts in enumerate(variables)}
    assert list(merge_environment(layers, environ, SECTIONS)) == []
    for name in sorted(environ):
        here: Any = expected.data
        path: list[str] = []
        for part in name.removeprefix("GATEWAY_").split("__"):
            found = [key for key in here if flat(key) == flat(part)] if here else []
            path.append(found[0] if found else part.lower())
            here = here.get(path[-1]) if isinstance(here, dict) else None
            here = here if isinstance(here, dict) else None
        expected.put(tuple(path), environ[name], Origin("environment"))
    assert layers.data == expected.data


def flat(key: str) -> str:
    return key.lower().replace("-", "_").replace(".", "_")


def test_the_more_special_variable_wins() -> None:
    layers = with_environment("", GATEWAY_LOG__LEVEL="debug", GATEWAY_LOG='{"level": "error"}')
    assert layers.data == {"log": {"level": "debug"}}


def test_a_variable_below_text_replaces_the_text() -> None:
    layers = with_environment("log: x", GATEWAY_LOG__LEVEL__DEEPER="debug")
    assert layers.data == {"log": {"level": {"deeper": "debug"}}}


def test_other_variables_and_empty_ones_are_left_alone() -> None:
    layers = with_environment(
        "",
        HOME="/root",
        GATEWAY_PORT="tcp://10.0.0.1:8080",
        GATEWAY_SERVICE_HOST="10.0.0.1",
        GATEWAY_CONFIG="x.yaml",
        GATEWAY_SERVER__PORT="",
        gateway_server__port="1",
    )
    assert layers.data == {}


def test_a_misspelt_variable_is_a_problem() -> None:
    layers = Layers()
    environ = {"GATEWAY_SERVR__PORT": "1", "GATEWAY_ZZZZZZ__X": "1", "GATEWAY_SERVER____PORT": "1"}
    problems = [str(problem) for problem in merge_environment(layers, environ, SECTIONS)]
    assert problems == [
        (
            "environment variable GATEWAY_SERVER____PORT: has an empty part; "
            "two underscores separate two keys"
        ),
        (
            "environment variable GATEWAY_SERVR__PORT: is not a section of the configuration; "
            "did you mean 'server'?"
        ),
        (
            "environment variable GATEWAY_ZZZZZZ__X: is not a section of the configuration; "
            "sections: clients, log, models, server, upstreams"
        ),
    ]
    assert layers.data == {}


@pytest.mark.parametrize("service", ["GATEWAY", "GATEWAY_SERVER", "GATEWAY__LOG"])
def test_the_variables_of_kubernetes_services_are_left_alone(service: str) -> None:
    environ = {
        f"{service}_SERVICE_HOST": "10.0.0.1",
        f"{service}_SERVICE_PORT": "80",
        f"{service}_SERVICE_PORT_HTTP": "80",
        f"{service}_PORT": "tcp://10.0.0.1:80",
        f"{service}_PORT_80_TCP": "tcp://10.0.0.1:80",
        f"{service}_PORT_80_TCP_PROTO": "tcp",
        f"{service}_PORT_80_TCP_PORT": "80",
        f"{service}_PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert unused_variables(environ, SECTIONS) == []
    layers = Layers()
    assert list(merge_environment(layers, environ, SECTIONS)) == []
    assert layers.data == {}


def test_overrides_are_dotted_and_none_is_not_given() -> None:
    layers = layers_of("server: {port: 1}")
    merge_overrides(
        layers, {"server.port": 2, "server.host": None, "log": {"level": "debug"}, "upstream": None}
    )
    assert layers.data == {"server": {"port": 2}, "log": {"level": "debug"}}
    assert str(layers.origin(("server", "port"))) == "command line"


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("b", ["b", "a", "c"]),
        ("http://b/v1", ["b", "a", "c"]),
        ("http://b/v1///", ["b", "a", "c"]),
        ("http://new/v1", ["command-line", "a", "b", "c"]),
        ("http://d2/v1", ["d", "a", "b", "c"]),
    ],
)
def test_the_upstream_override_comes_first(wanted: str, names: list[str]) -> None:
    text = """upstreams:
  a: {base_url: http://a/v1, api_key: k}
  b: {base_url: http://b/v1/}
  c: 3
  d: {base_url: [http://d1/v1, http://d2/v1/]}
"""
    layers = layers_of(text)
    merge_overrides(layers, {"upstream": wanted})
    assert [name for name in layers.data["upstreams"] if name != "d" or "d" in names] == names
    assert layers.data["upstreams"]["a"]["api_key"] == "k"


@pytest.mark.parametrize("text", ["", "upstreams:", "upstreams: []"])
def test_the_upstream_override_is_the_only_one_when_none_is_configured(text: str) -> None:
    layers = layers_of(text)
    merge_overrides(layers, {"upstream": "http://new/v1"})
    assert layers.data["upstreams"] == {"command-line": {"base_url": "http://new/v1"}}


@given(
    st.dictionaries(
        st.from_regex(r"GATEWAY_[A-Z_]{1,12}", fullmatch=True)
        | st.sampled_from(["GATEWAY_SERVER__A", "GATEWAY_SERVER", "GATEWAY_SERVER__A__B"]),
        st.text(max_size=10),
        max_size=5,
    )
)
def test_any_environment_is_merged_or_reported(environ: dict[str, str]) -> None:
    layers = Layers()
    problems = list(merge_environment(layers, environ, SECTIONS))
    assert set(layers.data) <= set(SECTIONS)
    assert len(problems) <= len(environ)
