"""What is looked at as a whole list is what checks of its items return, errors included."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.chat import CHAT_PARAMETERS, TOOL
from gateway.translate.schema.chat_messages import CONVERSATION, MESSAGES, PARTS
from gateway.translate.schema.checks import (
    Anything,
    Array,
    Check,
    Integer,
    OneOf,
    Record,
    String,
)
from gateway.translate.schema.checks import (
    Mapping as ObjectOf,
)
from gateway.translate.schema.messages import MESSAGES_PARAMETERS
from gateway.translate.schema.messages_blocks import BLOCKS, CONVERSED
from gateway.translate.schema.messages_tools import TOOL_LIST as ANTHROPICS_TOOL_LIST
from gateway.translate.schema.native_types import NOTHING, Objects, tagged, type_of, without_nulls
from gateway.translate.schema.responses_input import ITEMS
from gateway.translate.schema.responses_input import PARTS as RESPONSES_PARTS
from gateway.translate.schema.responses_input_list import INPUT
from gateway.translate.schema.responses_tools import TOOL_LIST

JUNK: Sequence[Any] = (
    *(None, "", "x", 1, 2**70, 1.5, True, [], ["x"], [None], {}, {"type": None}, {"x": None}),
    *({"type": "text", "text": "a"}, [{"type": "text", "text": "a"}]),
    *([{"type": "text", "text": "a", "x": 1}], [{"type": "text", "text": ""}], "user", "custom"),
    *([{"text": "a"}], [{"type": "input_text", "text": "a", "x": None}], "assistant"),
)
FUNCTION_CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}

CHAT_PARTS: Mapping[str, Json] = {
    "text": {"text": "a"},
    "refusal": {"refusal": "a"},
    "image_url": {"image_url": {"url": "a", "detail": "low"}},
    "input_audio": {"input_audio": {"data": "a", "format": "wav"}},
    "file": {"file": {"filename": "a"}},
}
CHAT: Sequence[Json] = [
    *({"role": role, "content": "a", "name": "x"} for role in ("developer", "system", "user")),
    {
        "role": "user",
        "content": [
            {"type": kind, **part} for kind, part in CHAT_PARTS.items() if kind != "refusal"
        ],
    },
    {"role": "assistant", "content": "a"},
    {"role": "assistant", "content": [{"type": "text", "text": "a"}], "tool_calls": []},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            FUNCTION_CALL,
            {"id": "b", "type": "custom", "custom": {"name": "f", "input": "a"}},
        ],
        "refusal": "a",
        "annotations": [],
    },
    {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
    {"role": "assistant", "audio": {"id": "a"}},
    {"role": "tool", "tool_call_id": "a", "content": "a"},
    {"role": "function", "name": "f", "content": "a"},
]
ITEM_FIELDS: Mapping[str, Json] = {
    "function_call": {"call_id": "a", "name": "f", "arguments": "{}", "namespace": "n"},
    "custom_tool_call": {"call_id": "a", "name": "f", "input": "a"},
    "function_call_output": {"call_id": "a", "output": [{"type": "input_text", "text": "a"}]},
    "custom_tool_call_output": {"call_id": "a", "output": "a"},
    "local_shell_call": {"call_id": "a", "action": {"type": "exec", "command": ["ls"]}},
    "local_shell_call_output": {"id": "a", "output": "a"},
    "shell_call": {"call_id": "a", "action": {"commands": ["ls"]}},
    "shell_call_output": {"call_id": "a", "output": [{"stdout": "a"}]},
    "apply_patch_call": {"call_id": "a", "operation": {"type": "delete_file", "path": "a"}},
    "apply_patch_call_output": {"call_id": "a", "status": "completed", "output": "a"},
    "tool_search_call": {"call_id": "a", "arguments": {}},
    "tool_search_output": {"call_id": "a", "tools": [{"type": "function", "name": "f"}]},
    "additional_tools": {"role": "developer", "tools": [{"type": "function", "name": "f"}]},
    "reasoning": {"summary": [{"type": "summary_text", "text": "a"}], "encrypted_content": "a"},
    "item_reference": {"id": "a"},
    "configuration_update": {"id": "a", "text": {"format": {"type": "text"}}},
}
RESPONSES: Sequence[Json] = [
    {"role": "user", "content": "a"},
    {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "a"}]},
    {
        "type": "message",
        "id": "a",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []}],
        "phase": None,
    },
    *({"type": kind, **fields} for kind, fields in ITEM_FIELDS.items()),
    {"type": "web_search_call", "id": "a"},
    {"id": "a"},
]
BLOCK_FIELDS: Mapping[str, Json] = {
    "text": {"text": "a", "cache_control": {"type": "ephemeral"}},
    "image": {"source": {"type": "base64", "media_type": "image/png", "data": "a"}},
    "document": {"source": {"type": "content", "content": [{"type": "text", "text": "a"}]}},
    "search_result": {"source": "a", "title": "a", "content": [{"type": "text", "text": "a"}]},
    "tool_result": {"tool_use_id": "a", "content": [{"type": "text", "text": ""}]},
    "tool_addition": {"tool": {"type": "tool_reference", "name": "f"}},
}
SAID: Mapping[str, Json] = {
    "text": {"text": "a"},
    "thinking": {"thinking": "a", "signature": "a"},
    "redacted_thinking": {"data": "a"},
    "tool_use": {"id": "a", "name": "f", "input": {"a": [None]}, "caller": {"type": "direct"}},
    "server_tool_use": {"id": "a"},
    "compaction": {"content": "a"},
}
ANTHROPICS: Sequence[Json] = [
    {"role": "user", "content": "a"},
    {"role": "user", "content": [{"type": kind, **b} for kind, b in BLOCK_FIELDS.items()]},
    {"role": "assistant", "content": [{"type": kind, **b} for kind, b in SAID.items()]},
    {"role": "system", "content": [{"type": "text", "text": "a"}], "clear_at": "a"},
    {"role": "system", "output_config": {"effort": "low"}},
    {"role": "ctx", "content": "a"},
]
TOOLS: Sequence[Json] = [
    {"type": "function", "function": {"name": "f", "description": "a", "parameters": {"a": None}}},
    {"type": "custom", "custom": {"name": "f", "format": {"type": "text"}}},
    {"type": "web_search"},
]

RESPONSES_TOOLS: Sequence[Json] = [
    {"type": "function", "name": "f", "parameters": {"a": None}, "strict": True},
    {"type": "custom", "name": "f", "format": {"type": "text"}},
    {"type": "shell", "environment": {"type": "local", "skills": []}},
    {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f"}]},
    {"type": "web_search", "filters": {"a": None}},
]
ANTHROPICS_TOOLS: Sequence[Json] = [
    {"name": "f", "input_schema": {"type": "object", "a": None}, "cache_control": {}},
    {"type": "custom", "name": "f", "description": "a", "input_schema": {}},
    {"type": "bash_20250124", "name": "bash"},
    {"type": "web_search_20250305", "name": "web_search"},
]

ANTHROPICS_LIST = MESSAGES_PARAMETERS["messages"]
CHAT_TOOLS = CHAT_PARAMETERS["tools"]
assert isinstance(ANTHROPICS_LIST, Objects)
assert isinstance(CHAT_TOOLS, Objects)
LISTS: Sequence[tuple[Objects, Json]] = [
    (check, item)
    for check, items in (
        (CONVERSATION, CHAT),
        (INPUT, RESPONSES),
        (ANTHROPICS_LIST, ANTHROPICS),
        (CHAT_TOOLS, TOOLS),
        (TOOL_LIST, RESPONSES_TOOLS),
        (ANTHROPICS_TOOL_LIST, ANTHROPICS_TOOLS),
    )
    for item in items
]

Keys = tuple[str | int, ...]


def places(value: object, keys: Keys = ()) -> Iterator[Keys]:
    """Yield the way to each value within a value."""
    inner = value.items() if isinstance(value, dict) else ()
    for key, each in enumerate(value) if isinstance(value, list) else inner:
        yield (*keys, key)
        yield from places(each, (*keys, key))


def variants(item: Json) -> Iterator[Json]:
    """Yield an item with each of its values replaced, left out, or joined by an unknown field."""
    yield item
    for keys in places(item):
        for junk in (..., *JUNK):
            changed = copy.deepcopy(item)
            inner: Any = changed
            for key in keys[:-1]:
                inner = inner[key]
            if junk is ...:
                del inner[keys[-1]]
            else:
                inner[keys[-1]] = copy.deepcopy(junk)
            yield changed
        for unknown in (None, 1):
            changed = copy.deepcopy(item)
            inner = changed
            for key in keys:
                inner = inner[key]
            if isinstance(inner, dict):
                inner["x"] = unknown
                yield changed
    yield from ({**item, "x": None}, {**item, "x": [None]})


def outcome(check: Check, value: object) -> object:
    """Return what a check makes of a list: with the order of fields, or the error."""
    try:
        return msgspec.json.encode(check.accept(value, "list"))
    except InvalidRequest as error:
        return str(error), error.param, error.code


@pytest.mark.parametrize(("objects", "item"), LISTS)
def test_whatever_is_in_a_list_it_is_as_if_checked_alone(objects: Objects, item: Json) -> None:
    for changed in variants(item):
        given = [item, changed]
        before = copy.deepcopy(given)
        assert outcome(objects, given) == outcome(objects.array, given), changed
        assert given == before


@pytest.mark.parametrize(("objects", "item"), LISTS)
def test_what_is_not_a_list_of_objects_is_refused_alike(objects: Objects, item: Json) -> None:
    others: Sequence[Any] = (None, "a", {}, [], ["a"], [None], [[]], [item, 1], [{}])
    for given in others:
        assert outcome(objects, given) == outcome(objects.array, given), given


def test_each_type_has_its_example() -> None:
    assert {message["role"] for message in CHAT} == MESSAGES.keys()
    assert CHAT_PARTS.keys() == PARTS.keys()
    assert ITEM_FIELDS.keys() == ITEMS.keys()
    assert {message["role"] for message in ANTHROPICS} == {*CONVERSED, "ctx"}
    assert (BLOCK_FIELDS.keys() | SAID.keys()) <= BLOCKS.keys()
    assert {"input_text", "output_text", "refusal"} <= RESPONSES_PARTS.keys()
    assert TOOL.names == {"type", *(tool["type"] for tool in TOOLS[:2])}


@pytest.mark.parametrize(
    ("objects", "items"),
    [
        (CONVERSATION, CHAT[:7]),
        (INPUT, RESPONSES[3:9]),
        (CHAT_TOOLS, TOOLS[:1]),
        (TOOL_LIST, RESPONSES_TOOLS[:2]),
        (ANTHROPICS_TOOL_LIST, ANTHROPICS_TOOLS[:2]),
    ],
)
def test_usual_lists_need_no_other_look(objects: Objects, items: Sequence[Json]) -> None:
    """The check of single items would be asked for one that is not of the type."""
    alone = Objects(Array(_Never()), objects.kind, objects.prepared)
    assert alone.accept(list(items), "list") == objects.accept(list(items), "list")


class _Never:
    def accept(self, value: object, param: str) -> Any:
        raise AssertionError(f"{param}: {value}")


def test_nesting_without_end_is_left_to_the_check() -> None:
    deep: Json = {}
    for _ in range(100_000):
        deep = {"a": deep}
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {"a": deep}}
    given = [{"role": "assistant", "content": [call]}]
    assert ANTHROPICS_LIST.accept(given, "messages")[0]["content"][0]["id"] == "a"


def test_a_type_that_is_alone_has_its_tag() -> None:
    kind = tagged({"a": Record({"type": String()})})
    cases: Sequence[tuple[Json, bool]] = (
        ({"type": "a"}, True),
        ({}, False),
        ({"type": "b"}, False),
    )
    for given, fits in cases:
        try:
            msgspec.convert(given, kind)
        except msgspec.ValidationError:
            assert not fits
        else:
            assert fits


def test_what_a_check_changes_has_no_type() -> None:
    assert type_of(Integer()) is NOTHING


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (Anything(), [None], None),
        (String(max_length=2), "ab", "abc"),
        (OneOf("a", "b"), "b", "c"),
        (ObjectOf(String()), {"a": "b"}, {"a": 1}),
        (ObjectOf(), {"a": None}, []),
        (Array(String(), min_items=1, max_items=2), ["a"], []),
        (Array(), [None], "a"),
    ],
    ids=str,
)
def test_types_are_as_narrow_as_their_checks(check: Check, good: object, bad: object) -> None:
    kind = type_of(check)
    msgspec.convert(good, kind)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(bad, kind)


def test_null_fields_are_left_out_of_objects() -> None:
    assert without_nulls([{"a": None, "b": [None]}, None, "a"]) == [{"b": [None]}, None, "a"]


def test_a_fault_far_down_a_list_is_named_and_its_neighbours_are_as_they_were() -> None:
    given: list[Json] = [{"role": "user", "content": "a"} for _ in range(1_300)]
    given[700] = {"role": "user", "content": [{"type": "text", "text": "a", "x": None}]}
    checked = CONVERSATION.accept(given, "messages")
    assert checked == CONVERSATION.array.accept(given, "messages")
    assert checked[700] == {"role": "user", "content": [{"type": "text", "text": "a"}]}
    given[1_299] = {"role": "user", "content": 1}
    with pytest.raises(InvalidRequest) as refused:
        CONVERSATION.accept(given, "messages")
    assert refused.value.param == "messages[1299].content"
