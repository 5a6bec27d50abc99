import pytest

from gateway.errors import GatewayError, UpstreamError
from gateway.translate.parts.model_names import ModelNames, name_as_asked


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Limit of gpt-5.4-mini in org-1.", "Limit of fast in org-1."),
        ("The model `gpt-5.4-mini` is overloaded", "The model `fast` is overloaded"),
        ("gpt-5.4-mini: try again", "fast: try again"),
        ("Not with gpt-5.4-mini.", "Not with fast."),
        ("(gpt-5.4-mini), 'gpt-5.4-mini'", "(fast), 'fast'"),
        ("model=gpt-5.4-mini", "model=fast"),
        # parts of other names
        ("gpt-5.4-mini-2026-01-01 is gone", None),
        ("ft:gpt-5.4-mini:acme is gone", None),
        ("openai/gpt-5.4-mini is gone", None),
        ("gpt-5.4-mini:free is gone", None),
        ("gpt-5.4-mini.1 and my_gpt-5.4-mini and gpt-5.4-mini_2", None),
        ("see https://x.example/models/gpt-5.4-mini", None),
        ("nothing of it", None),
    ],
)
def test_a_whole_name_is_the_clients(said: str, expected: str | None) -> None:
    names = ModelNames(sent="gpt-5.4-mini", asked="fast")
    assert names.as_asked(said) == (said if expected is None else expected)


@pytest.mark.parametrize(
    ("asked", "sent"), [("openai/gpt-9", "gpt-9"), ("gpt-9", "openai/gpt-9"), ("my gpt-9", "gpt-9")]
)
def test_names_that_contain_one_another_are_named_once(asked: str, sent: str) -> None:
    names = ModelNames(sent, asked)
    once = names.as_asked(f"Limit of {sent} reached.")
    assert once == f"Limit of {asked} reached."
    assert names.as_asked(once) == once


@pytest.mark.parametrize("sent", ["default", "7"])
def test_a_name_that_may_be_a_word_counts_where_it_is_surely_a_name(sent: str) -> None:
    names = ModelNames(sent, "fast")
    assert names.as_asked(f"The {sent} limit is {sent}.") == f"The {sent} limit is {sent}."
    for before, after in (("'", "'"), ("`", "`"), ("Model ", " is busy"), ("model: ", ".")):
        assert names.as_asked(f"{before}{sent}{after}") == f"{before}fast{after}"
    assert names.as_asked(f"Model {sent}-2 is busy") == f"Model {sent}-2 is busy"


def test_a_name_is_no_pattern() -> None:
    assert ModelNames("a+b-1", r"\1").as_asked("a+b-1 and aab-1") == r"\1 and aab-1"


def test_only_a_model_under_another_name_has_two() -> None:
    assert ModelNames.of("m-1", "fast") == ModelNames(sent="m-1", asked="fast")
    assert ModelNames.of("m-1", "m-1") is None
    assert ModelNames.of("", "fast") is None


def test_all_texts_of_a_value_and_no_names_of_fields_are_changed() -> None:
    names = ModelNames("m-1", "fast")
    assert names.in_texts({"m-1": ["m-1 is busy", {"a": "m-1"}, 1, None]}) == {
        "m-1": ["fast is busy", {"a": "fast"}, 1, None]
    }


@pytest.mark.parametrize(
    ("models", "kind", "expected"),
    [
        (ModelNames("m-1", "fast"), UpstreamError, "fast is busy."),
        (ModelNames("m-1", "fast"), GatewayError, "m-1 is busy."),
        (None, UpstreamError, "m-1 is busy."),
    ],
)
def test_an_upstreams_error_has_the_clients_name(
    models: ModelNames | None, kind: type[GatewayError], expected: str
) -> None:
    error = kind("m-1 is busy.")
    name_as_asked(error, models)
    assert error.message == expected
