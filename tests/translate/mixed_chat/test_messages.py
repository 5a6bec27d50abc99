from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.mixed_chat.messages import read_messages

HELLO: Json = {"role": "user", "content": "Hi"}
CALL: Json = {"id": "c", "type": "function", "function": {"name": "Read", "arguments": "{}"}}
USE: Json = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": "ä"}}
USED: Json = {
    "id": "toolu_1",
    "type": "function",
    "function": {"name": "Read", "arguments": '{"path": "ä"}'},
}
TEXT: Json = {"type": "text", "text": "Hi"}
IMAGE: Json = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
OF_ANTHROPIC: Json = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "AA=="},
}
BY_URL: Json = {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}


def result(content: Any = "text", **more: Any) -> Json:
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content, **more}


def tool(content: Any) -> Json:
    return {"role": "tool", "tool_call_id": "toolu_1", "content": content}


def of(role: str, *content: Json) -> Json:
    return {"role": role, "content": list(content)}


def sent(*messages: Any) -> list[Any]:
    return read_messages(list(messages), frozenset()).sent


def test_messages_of_chat_stay_as_they_are() -> None:
    messages = [
        of("system", TEXT),
        of("user", TEXT, IMAGE),
        {"role": "assistant", "content": None, "tool_calls": [CALL, "none", {"function": 1}]},
        {"role": "assistant", "content": "x", "tool_calls": "none"},
        {"role": "tool", "tool_call_id": "c", "content": "text"},
        {"role": "user", "content": ["none", {"type": 1}, {"type": {"a": 1}}, {"type": [1]}]},
        {"role": "assistant", "content": [{"type": ["tool_use"]}, {"type": {}}]},
        {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": {"a": 1}}}]},
        {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": ["x"]}}]},
        "none",
    ]
    read = read_messages(messages, frozenset({"x"}))
    assert read.sent == messages
    assert not read.has_blocks


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"content": [], "tool_calls": [CALL]}, {"content": None, "tool_calls": [CALL]}),
        ({"content": []}, {"content": ""}),
        ({"content": "Hi", "tool_calls": []}, {"content": "Hi"}),
        ({"content": [], "tool_calls": []}, {"content": ""}),
    ],
)
def test_empty_lists_of_the_assistant_are_left_out(given: Json, kept: Json) -> None:
    assert sent({"role": "assistant", **given}) == [{"role": "assistant", **kept}]


def test_the_empty_content_of_others_is_for_the_upstream_to_refuse() -> None:
    assert sent({"role": "user", "content": []}) == [{"role": "user", "content": []}]


def test_calls_of_flat_custom_tools_are_custom_calls() -> None:
    call = {**CALL, "index": 0, "function": {"name": "ApplyPatch", "arguments": "*** Begin"}}
    message: Json = {"role": "assistant", "content": None, "tool_calls": [call, CALL]}
    read = read_messages([message], frozenset({"ApplyPatch"}))
    (changed,) = read.sent
    assert read.dropped == ["messages[0].tool_calls[0].index"]
    assert changed["tool_calls"] == [
        {"id": "c", "type": "custom", "custom": {"name": "ApplyPatch", "input": "*** Begin"}},
        CALL,
    ]


def test_tool_use_becomes_calls_and_thoughts_are_dropped() -> None:
    thought: Json = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    hidden: Json = {"type": "redacted_thinking", "data": "d"}
    read = read_messages([of("assistant", thought, hidden, TEXT, USE)], frozenset())
    assert read.sent == [{"role": "assistant", "content": [TEXT], "tool_calls": [USED]}]
    assert read.dropped == ["messages[0].content[0]", "messages[0].content[1]"]
    assert read.has_blocks


MARKED: Json = {"cache_control": {"type": "ephemeral"}}


def test_marks_stay_and_what_else_has_no_place_is_named() -> None:
    read = read_messages(
        [
            of("user", {**OF_ANTHROPIC, **MARKED, "transformations": {"a": 1}}),
            of("assistant", {**USE, **MARKED, "caller": {"type": "direct"}, "toolset_name": None}),
            of("user", result([{**OF_ANTHROPIC, "zzz": 1}], **MARKED, toolset_name="t", zzz=False)),
        ],
        frozenset(),
    )
    assert read.sent == [
        of("user", {**IMAGE, **MARKED}),
        {"role": "assistant", "content": None, "tool_calls": [{**USED, **MARKED}]},
        {**tool([IMAGE]), **MARKED},
    ]
    assert read.dropped == [
        "messages[0].content[0].transformations",
        "messages[1].content[0].caller",
        "messages[2].content[0].content[0].zzz",
        "messages[2].content[0].toolset_name",
    ]
    assert read.client_path(1, ".tool_calls[0].cache_control") == "messages[1].cache_control"
    assert read.client_path(2, ".cache_control") == "messages[2].content[0].cache_control"


def test_an_assistant_with_calls_alone_has_no_content() -> None:
    bare: Json = {"type": "tool_use", "id": "b", "name": "List"}
    message = {**of("assistant", USE, bare), "tool_calls": [CALL]}
    (changed,) = sent(message)
    assert changed["content"] is None
    assert [call["function"]["arguments"] for call in changed["tool_calls"]] == [
        "{}",
        '{"path": "ä"}',
        "{}",
    ]


def test_results_become_messages_before_the_rest() -> None:
    read = read_messages([HELLO, of("user", TEXT, result(), result([TEXT, OF_ANTHROPIC]))], set())
    assert read.sent == [HELLO, tool("text"), tool([TEXT, IMAGE]), of("user", TEXT)]
    assert read.client_path(0, ".content") == "messages[0].content"
    assert read.client_path(1, ".content") == "messages[1].content[1]"
    assert read.client_path(3, ".content[0]") == "messages[1]"
    assert read.client_path(4, ".content") == "messages"


@pytest.mark.parametrize(
    ("given", "content"),
    [
        (result(is_error=True), "Error: text"),
        (result("", is_error=True), "Error"),
        (result("error 5", is_error=True), "error 5"),
        (result([TEXT, OF_ANTHROPIC], is_error=True), [{**TEXT, "text": "Error: Hi"}, IMAGE]),
        (result([OF_ANTHROPIC], is_error=True), [{**TEXT, "text": "Error"}, IMAGE]),
        (result([None], is_error=True), [{**TEXT, "text": "Error"}, None]),
        (result([], is_error=True), "Error"),
        (result(5, is_error=True), 5),
        (result([]), ""),
        ({"type": "tool_result", "tool_use_id": "toolu_1"}, ""),
        (result(is_error=False), "text"),
    ],
)
def test_a_failed_call_says_so_in_words(given: Json, content: object) -> None:
    read = read_messages([of("user", given)], frozenset())
    assert read.sent == [tool(content)]
    failed = given.get("is_error") is True
    assert read.emulated == (["messages[0].content[0].is_error"] if failed else [])


def test_images_become_chats() -> None:
    odd: Json = {"type": "image", "source": "none"}
    url = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    assert sent(of("user", OF_ANTHROPIC, BY_URL, odd)) == [of("user", IMAGE, url, odd)]


def test_ids_that_are_too_long_are_the_same_hash_everywhere() -> None:
    long = f"call_{'a' * 40}\nfc_{'b' * 40}"
    messages = [
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": long}]},
        {"role": "tool", "tool_call_id": long, "content": "x"},
        of("assistant", {**USE, "id": long}),
        of("user", {**result(), "tool_use_id": long}),
    ]
    first, second, third, fourth = sent(*messages)
    ids = {
        first["tool_calls"][0]["id"],
        second["tool_call_id"],
        third["tool_calls"][0]["id"],
        fourth["tool_call_id"],
    }
    (only,) = ids
    assert only.startswith("call_")
    assert len(only) <= 64


@pytest.mark.parametrize(
    "source",
    [
        {"type": "file", "file_id": "file_1"},
        {"type": "base64", "data": "AA=="},
        {"type": "base64", "media_type": "image/png"},
    ],
)
def test_an_image_without_an_address_stays_as_it_is(source: Json) -> None:
    """The endpoint says that it does not take the block."""
    block: Json = {"type": "image", "source": source}
    assert sent(of("user", TEXT, block)) == [of("user", TEXT, block)]
