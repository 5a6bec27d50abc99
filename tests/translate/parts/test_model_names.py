import pytest

from gateway.translate.parts.model_names import ModelNames


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
    assert names.in_clients(said) == (said if expected is None else expected)


@pytest.mark.parametrize(
    ("asked", "sent"), [("openai/gpt-9", "gpt-9"), ("gpt-9", "openai/gpt-9"), ("my gpt-9", "gpt-9")]
)
def test_names_that_contain_one_another_are_named_once(asked: str, sent: str) -> None:
    names = ModelNames(sent, asked)
    once = names.in_clients(f"Limit of {sent} reached.")
    assert once == f"Limit of {asked} reached."
    assert names.in_clients(once) == once


@pytest.mark.parametrize("sent", ["default", "7"])
def test_a_name_that_may_be_a_word_counts_where_it_is_surely_a_name(sent: str) -> None:
    names = ModelNames(sent, "fast")
    assert names.in_clients(f"The {sent} limit is {sent}.") == f"The {sent} limit is {sent}."
    for before, after in (("'", "'"), ("`", "`"), ("Model ", " is busy"), ("model: ", ".")):
        assert names.in_clients(f"{before}{sent}{after}") == f"{before}fast{after}"
    assert names.in_clients(f"Model {sent}-2 is busy") == f"Model {sent}-2 is busy"


def test_a_name_is_no_pattern() -> None:
    assert ModelNames("a+b-1", r"\1").in_clients("a+b-1 and aab-1") == r"\1 and aab-1"
