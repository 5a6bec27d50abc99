"""Names of tools that are too long for OpenAI's endpoints."""

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.translate.parts.from_messages.tool_names import sent_name

LONG = "mcp__a_server_with_a_long_name__a_tool_with_a_name_that_is_longer_than_that"


def test_a_name_of_64_characters_stays() -> None:
    assert sent_name("n" * 64) == "n" * 64


def test_a_longer_one_is_cut_and_has_a_hash_behind_it() -> None:
    sent = sent_name(LONG)
    assert re.fullmatch(r".{55}_[0-9a-f]{8}", sent)
    assert LONG.startswith(sent[:55])
    assert sent != sent_name(LONG + "2")


@given(st.text(max_size=130))
def test_every_name_has_at_most_64_characters(name: str) -> None:
    assert len(sent_name(name)) <= 64
    assert sent_name(name) == sent_name(name)
