import pytest

from gateway.config.checks.problems import Origin
from gateway.config.reading.variables import (
    better_variable,
    origin_of,
    own_variables,
    unused_variables,
)
from gateway.config.schema.configuration import SECTIONS, key_paths

SEPARATED = [
    ("UPSTREAMS__OPENAI_API_KEY", "UPSTREAMS__OPENAI__API_KEY"),
    ("UPSTREAMS__MY_OWN_TIMEOUTS_FIRST_BYTE", "UPSTREAMS__MY_OWN__TIMEOUTS__FIRST_BYTE"),
    ("SERVER__TLS_CERTIFICATE", "SERVER__TLS__CERTIFICATE"),
    ("SERVER__MAX__BODY__BYTES", "SERVER__MAX_BODY_BYTES"),
    ("MODELS__FAST_PARAMS__SET", "MODELS__FAST__PARAMS__SET"),
]


def test_a_variable_with_one_underscore_too_few_is_pointed_out() -> None:
    environ = {
        "GATEWAY_SERVER_PORT": "1",
        "GATEWAY_SERVR_PORT": "1",
        "GATEWAY_CONFIG": "x",
        "GATEWAY_SERVER__PORT": "1",
        "GATEWAY_MODELS": "{}",
        "GATEWAY_PORT": "tcp://10.0.0.1",
        "OTHER_SERVER_PORT": "1",
    }
    assert unused_variables(environ, SECTIONS) == [
        "GATEWAY_SERVER_PORT is not used; did you mean GATEWAY_SERVER__PORT?",
        "GATEWAY_SERVR_PORT is not used; did you mean GATEWAY_SERVER__PORT?",
    ]


@pytest.mark.parametrize(("parts", "meant"), SEPARATED)
def test_underscores_are_counted_in_every_part_of_a_name(parts: str, meant: str) -> None:
    name = f"GATEWAY_{parts}".replace("__", "_")
    (sentence,) = unused_variables({name: "1"}, SECTIONS, key_paths())
    assert sentence == f"{name} is not used; did you mean GATEWAY_{meant}?"


@pytest.mark.parametrize(("parts", "meant"), SEPARATED)
def test_a_variable_that_is_used_may_have_them_in_the_wrong_place(parts: str, meant: str) -> None:
    found = better_variable(origin_of(f"GATEWAY_{parts}"), key_paths())
    assert found == f"did you mean GATEWAY_{meant}?"


@pytest.mark.parametrize(
    "origin",
    [
        origin_of("GATEWAY_SERVER__PORT"),
        origin_of("GATEWAY_SERVER__PROT"),
        Origin("GATEWAY_SERVER_PORT", 1),
        Origin("command line"),
    ],
)
def test_nothing_is_better_than_a_key_or_known_of_another_place(origin: Origin) -> None:
    assert better_variable(origin, key_paths()) == ""


@pytest.mark.parametrize("name", ["GATEWAY_CONFIG_FILE", "GATEWAY_CONFIG_PATH", "GATEWAY_CONF"])
def test_the_variable_of_the_file_is_known_by_other_names(name: str) -> None:
    (sentence,) = unused_variables({name: "a.yaml"}, SECTIONS)
    assert sentence == f"{name} is not used; did you mean GATEWAY_CONFIG?"


def test_own_variables_are_sorted_and_others_left_out() -> None:
    environ = {"GATEWAY_B": "1", "GATEWAY_A": "1", "PATH": "/bin"}
    assert list(own_variables(environ)) == ["GATEWAY_A", "GATEWAY_B"]
