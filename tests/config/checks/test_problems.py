import pytest

from gateway.config.checks.problems import (
    ConfigError,
    KeyPath,
    Origin,
    Problem,
    alternatives,
    counted,
    missing_extra,
    show_key,
    show_path,
)


def test_a_problem_is_one_line_with_place_key_message_and_advice() -> None:
    problem = Problem(Origin("a.yaml", 3), "server.port", "must be at most 65535", "lower it")
    assert str(problem) == "a.yaml:3: server.port: must be at most 65535; lower it"


def test_a_problem_of_a_whole_file_has_neither_line_nor_key() -> None:
    assert str(Problem(Origin("a.yaml"), "", "is not UTF-8")) == "a.yaml: is not UTF-8"


def test_the_error_lists_all_problems() -> None:
    first = Problem(Origin("a.yaml", 1), "a", "is wrong")
    second = Problem(Origin("a.yaml", 2), "b", "is wrong")
    assert str(ConfigError([first])).startswith("1 problem in the configuration:\n")
    error = ConfigError([first, second])
    assert error.problems == (first, second)
    assert str(error) == (
        "2 problems in the configuration:\n  a.yaml:1: a: is wrong\n  a.yaml:2: b: is wrong"
    )


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ((), ""),
        (("server", "port"), "server.port"),
        (("clients", 0, "name"), "clients[0].name"),
        (("models", "gpt-4.1*", "endpoint"), 'models["gpt-4.1*"].endpoint'),
        (("models", "a\nb"), 'models["a?b"]'),
        (("models", "é\ud800"), 'models["\\xe9?"]'),
        (("upstreams", "a", "api_key", "sk-secret", 0), "upstreams.a.api_key"),
        (("sk-proj-abcdefghij",), "sk-***"),
        (("models", "x" * 500), "models." + "x" * 80 + "..."),
    ],
)
def test_a_key_path_is_written_as_a_person_would(path: KeyPath, shown: str) -> None:
    assert show_path(path) == shown


def test_a_key_that_looks_like_a_secret_is_masked() -> None:
    assert show_key("sk-ant-0123456789") == "sk-***"
    assert show_key("AIza0123456789") == "AIz***"
    assert show_key("sk-short") == "sk-short"
    assert show_key("skip_validation") == "skip_validation"


def test_one_of_a_thing_is_not_several() -> None:
    assert [counted(number, "rule") for number in (0, 1, 2)] == ["0 rules", "1 rule", "2 rules"]
    assert [counted(number, "alias", "aliases") for number in (1, 3)] == ["1 alias", "3 aliases"]


def test_words_are_shown_as_a_choice() -> None:
    assert [alternatives(["a"]), alternatives(["a", "b"]), alternatives(["a", "b", "c"])] == [
        "a",
        "a or b",
        "a, b or c",
    ]


def test_a_missing_extra_says_how_it_is_installed() -> None:
    problem = missing_extra("redis")
    assert problem.message == "needs the extra redis, which is not installed"
    assert problem.advice == "pip install 'endpoint-gateway[redis]'"
