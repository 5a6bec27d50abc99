"""Calls of agents as blocks of messages, one by one and many at a time."""

import pytest
from msgspec import Raw
from msgspec.json import decode, encode

from gateway.fast.agents.messages_calls import check_names, custom_tool_use, tool_use, tool_uses
from gateway.fast.agents.uncommon import UNCOMMON

NOT_OBJECTS = (b'"[]"', b'"{"', b"{}", b'"\\"x\\""', b'"{},{}"', b'"{\\"a\\":1e400}"')


def test_a_call_has_an_object() -> None:
    assert decode(encode(tool_use("a", "f", Raw(b'" "'))))["input"] == {}
    assert decode(encode(custom_tool_use("a", "f", Raw(b'"Hi."'))))["input"] == {"input": "Hi."}
    for arguments in NOT_OBJECTS:
        with pytest.raises(UNCOMMON):
            tool_use("a", "f", Raw(arguments))


@pytest.mark.parametrize("ids", [["a", "b_2"], ["a:1", "b"], ["é", "b-1"], ["1", "b"]])
@pytest.mark.parametrize("last", [b'"{\\"a\\":[1.5]}"', b'" "', b'""'])
def test_many_calls_are_what_each_is(ids: list[str], last: bytes) -> None:
    names, arguments = ["f", "g"], [Raw(b'"{}"'), Raw(last)]
    each = list(map(tool_use, ids, names, arguments))
    assert list(tool_uses(ids, names, arguments)) == each


def test_there_may_be_no_calls() -> None:
    assert list(tool_uses([], [], [])) == []


@pytest.mark.parametrize("arguments", NOT_OBJECTS)
def test_one_that_has_no_object_is_found_among_many(arguments: bytes) -> None:
    with pytest.raises(UNCOMMON):
        list(tool_uses(["a", "b"], ["f", "g"], [Raw(b'"{}"'), Raw(arguments)]))


def test_two_texts_are_not_an_object_together() -> None:
    arguments = [Raw(encode(each)) for each in ('{"a":[1', "2]}")]
    with pytest.raises(UNCOMMON):
        list(tool_uses(["a", "b"], ["f", "g"], arguments))


@pytest.mark.parametrize("name", ["files.read", "a/b", "f" * 129, "", "é"])
def test_a_name_that_is_sent_as_another_is_uncommon(name: str) -> None:
    with pytest.raises(UNCOMMON):
        tool_uses(["a", "b"], ["f", name], [Raw(b'"{}"')] * 2)
    with pytest.raises(UNCOMMON):
        custom_tool_use("a", name, Raw(b'"Hi."'))
    with pytest.raises(UNCOMMON):
        check_names(["f", name])
