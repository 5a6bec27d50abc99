"""Names of tools as Anthropic takes them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.translate.parts.to_messages.tool_names import is_safe_name, safe_tool_name

ANTHROPICS = re.compile(r"[a-zA-Z0-9_-]{1,128}")
"""Of its refusal: "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"."""


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("files.read", "files_read_"),
        ("server/tool name", "server_tool_name_"),
        ("größe", "gr__e_"),
        ("x" * 129, "x" * 119 + "_"),
        ("a\n", "a__"),
    ],
)
def test_other_letters_are_replaced_and_long_names_cut(name: str, beginning: str) -> None:
    sent = safe_tool_name(name)
    assert re.fullmatch(re.escape(beginning) + "[0-9a-f]{8}", sent)
    assert not is_safe_name(name)


@pytest.mark.parametrize("name", ["f", "a-b_C9", "9", "-", "x" * 128, ""])
def test_names_that_it_takes_stay(name: str) -> None:
    assert safe_tool_name(name) == name


@given(st.text(), st.text())
def test_whatever_the_name_it_is_taken_and_no_others(one: str, other: str) -> None:
    for name in (one, other):
        assert ANTHROPICS.fullmatch(safe_tool_name(name)) or not name
        assert is_safe_name(name) is (ANTHROPICS.fullmatch(name) is not None)
    assert (safe_tool_name(one) == safe_tool_name(other)) is (one == other)
