import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.checks.problems import InvalidValue
from gateway.config.reading.expand import expand
from gateway.config.reading.files import Files

ENVIRON = {"KEY": "sk-canary", "EMPTY": "", "_x1": "one", "NESTED": "${KEY}"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("", ""),
        ("literal $ {x} $x $$ }", "literal $ {x} $x $$ }"),
        ("${KEY}", "sk-canary"),
        ("a${_x1}b${_x1}", "aonebone"),
        ("${EMPTY}", ""),
        ("${EMPTY:-d}", "d"),
        ("${UNSET:-d}", "d"),
        ("${UNSET:-}", ""),
        ("${UNSET:-a:-b c\n}", "a:-b c\n"),
        ("${KEY:-d}", "sk-canary"),
        ("$${KEY}", "${KEY}"),
        ("$$${KEY}", "$${KEY}"),
        ("$${", "${"),
        ("${NESTED}", "${KEY}"),
    ],
)
def test_references_are_replaced_once(text: str, expanded: str) -> None:
    assert expand(text, ENVIRON, Files().value) == expanded


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${UNSET}", "variable UNSET is not set"),
        ("x${", "without its }"),
        ("${KEY", "without its }"),
        ("${}", "that is not"),
        ("${1X}", "that is not"),
        ("${KEY-d}", "that is not"),
        ("${KEY:?no}", "that is not"),
        ("${ KEY }", "that is not"),
        ("${file:}", "that is not"),
        ("${file:/run/x", "without its }"),
        ("${A:-${KEY}}", "has a \\${ inside"),
    ],
)
def test_a_bad_reference_is_refused_without_showing_a_value(text: str, reason: str) -> None:
    with pytest.raises(InvalidValue, match=reason) as caught:
        expand(text, ENVIRON, Files().value)
    assert "canary" not in f"{caught.value.message}{caught.value.advice}"


@given(st.text(alphabet="${}:-ABKEY_x ", max_size=40))
def test_any_text_expands_or_is_a_fault(text: str) -> None:
    try:
        expanded = expand(text, ENVIRON, Files().value)
    except InvalidValue:
        return
    assert "${" in text or expanded == text


@given(st.text(max_size=40))
def test_escaping_every_reference_gives_the_text_back(text: str) -> None:
    # A dollar sign before the escape would make one more escape out of it.
    literal = text.replace("$", "S") + "${KEY}"
    assert expand(literal.replace("${", "$${"), ENVIRON, Files().value) == literal
