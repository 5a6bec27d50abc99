import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.checks.suggest import did_you_mean, nearest

KEYS = ["base_url", "api_key", "kind", "timeouts", "headers", "Mixed"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("baseurl", "base_url"),
        ("BASE_URL", "base_url"),
        ("api_base", "base_url"),
        ("api-base", "base_url"),
        ("knd", "kind"),
        ("mixd", "Mixed"),
        ("zzzzzz", None),
        ("", None),
    ],
)
def test_the_nearest_word_is_found_by_spelling_or_by_what_others_call_it(
    word: str, meant: str | None
) -> None:
    assert nearest(word, KEYS) == meant


def test_a_suggestion_is_a_question_or_nothing() -> None:
    assert did_you_mean("knd", KEYS) == "did you mean 'kind'?"
    assert did_you_mean("zzzzzz", KEYS) == ""


@given(st.text(max_size=500))
def test_any_word_gives_a_candidate_or_none(word: str) -> None:
    assert nearest(word, KEYS) in {*KEYS, None}


@pytest.mark.parametrize(
    ("word", "keys", "meant"),
    [
        ("key", ["name", "key_sha256", "models"], "key_sha256"),
        ("max", ["max_bytes", "max_entries"], None),
        ("servers", ["server", "upstreams"], "server"),
        ("servers", ["upstreams"], "upstreams"),
    ],
)
def test_a_slip_goes_before_other_programs_words_and_a_beginning_is_enough(
    word: str, keys: list[str], meant: str | None
) -> None:
    assert nearest(word, keys) == meant
