"""Turns of messages, written for a messages endpoint."""

import pytest
from msgspec import Raw
from msgspec.json import decode, encode

from gateway.fast.agents.messages_calls import tool_use
from gateway.fast.agents.messages_writer import (
    Block,
    MessagesWriter,
    TextBlock,
    Tool,
    WrittenTools,
    are_said,
    content_of,
    is_blank,
    picture,
    schema_of,
    sent_with,
)
from gateway.fast.agents.uncommon import Uncommon
from gateway.fast.codec import ABSENT
from gateway.shapes import Json
from gateway.translate.limits.capabilities import Capabilities
from tests.fast.agents.messages_contexts import CONTEXTS

HI = Raw(b'"Hi."')


def calling(*call_ids: str) -> MessagesWriter:
    writer = MessagesWriter(Capabilities())
    writer.user(HI)
    uses = [tool_use(each, "f", Raw(b'"{}"')) for each in call_ids]
    writer.assistant([*uses], {each: use.id for each, use in zip(call_ids, uses, strict=True)})
    return writer


def written(writer: MessagesWriter) -> Json:
    body: Json = decode(encode(writer.written()))
    return body


@pytest.mark.parametrize("blank", ["", " ", "\t\n\r", "\u2003", "\u00a0 "])
def test_a_text_of_spaces_is_blank(blank: str) -> None:
    assert is_blank(blank)
    assert is_blank(Raw(encode(blank)))
    assert not are_said([HI, Raw(encode(blank))])


@pytest.mark.parametrize(
    "text", [" a", "a", "!", "~", "\x7f", "\\", " \\", "\n\ta", "Z", "[", "]", "é", '"', "\x00"]
)
def test_no_other_text_is(text: str) -> None:
    assert not is_blank(text)
    assert not is_blank(Raw(encode(text)))


def test_what_many_say_is_known_at_one_look() -> None:
    assert are_said([HI, Raw(b'"\\n [a"')])
    assert are_said(())
    for other in (b"null", b"[]", b'""', b'"\\\\"'):
        assert not are_said([Raw(other)])


def test_one_text_is_a_string() -> None:
    assert content_of([TextBlock(HI)]) == HI
    assert isinstance(content_of([TextBlock(HI)] * 2), list)
    assert isinstance(content_of([{"type": "thinking"}]), list)


def test_a_call_with_the_id_of_an_earlier_one_is_uncommon() -> None:
    writer = calling("a", "b")
    for call_id in ("a", "b"):
        writer.result(call_id, HI)
    writer.assistant([], {"x": "x", "b": "b"})
    for call_id in ("x", "b"):
        writer.result(call_id, HI)
    with pytest.raises(Uncommon):
        writer.written()


def test_a_call_and_its_result_are_written_at_once() -> None:
    use = tool_use("a:1", "f", Raw(b'"{}"'))
    said: list[Block] = [TextBlock(HI), use]
    by_turns, at_once = MessagesWriter(Capabilities()), MessagesWriter(Capabilities())
    for result, thinks in ((HI, True), (None, False)):
        for writer in (by_turns, at_once):
            writer.user(HI)
        by_turns.assistant(said, {"a:1": use.id}, thinks=thinks)
        by_turns.result("a:1", result)
        at_once.answered(said, use.id, result, thinks=thinks)
        assert at_once.messages == by_turns.messages
        assert at_once.ends_in_calls == by_turns.ends_in_calls
        assert (at_once.has_calls, by_turns.has_calls) == (True, True)
    with pytest.raises(Uncommon):
        at_once.written()


def test_results_follow_their_calls_in_the_order_of_these() -> None:
    writer = calling("a", "b:1")
    writer.result("b:1", None)
    writer.result("a", HI)
    writer.user(HI)
    writer.user([TextBlock(HI)])
    body = written(writer)
    kinds = [block["type"] for block in body["messages"][2]["content"]]
    assert kinds == ["tool_result", "tool_result", "text", "text"]
    assert body["messages"][2]["content"][1]["content"] == ""
    assert body["messages"][1]["content"][1]["id"].startswith("call_")
    assert (writer.has_calls, writer.ends_in_calls) == (True, True)


def test_what_is_said_after_the_answer_is_a_message_of_its_own() -> None:
    writer = calling("a")
    writer.result("a", HI)
    writer.assistant(HI)
    writer.user(HI)
    writer.user(HI)
    roles = [message["role"] for message in written(writer)["messages"]]
    assert roles == ["user", "assistant", "user", "assistant", "user", "user"]
    assert not writer.ends_in_calls


def test_what_the_user_says_in_a_row_is_joined_where_roles_must_alternate() -> None:
    writer = MessagesWriter(Capabilities(roles_in_a_row=False))
    writer.user(HI)
    writer.user([TextBlock(HI), TextBlock(HI)])
    writer.user(HI)
    writer.assistant(HI)
    assert [len(message["content"]) for message in written(writer)["messages"]] == [4, 3]
    writer.assistant(HI)
    with pytest.raises(Uncommon):
        writer.written()


def test_instructions_come_first() -> None:
    writer = MessagesWriter(Capabilities())
    writer.instruct([TextBlock(HI)])
    with pytest.raises(Uncommon):
        writer.written()
    writer.user(HI)
    assert written(writer)["system"] == "Hi."
    with pytest.raises(Uncommon):
        writer.instruct([TextBlock(HI)])


def test_calls_without_results_and_results_without_calls_are_uncommon() -> None:
    for act in (
        lambda: calling("a").user(HI),
        lambda: calling("a").assistant(HI),
        lambda: calling("a").answered([], "b", HI, thinks=False),
        lambda: calling("a").written(),
        lambda: calling("a").result("b", HI),
        lambda: calling().result("a", HI),
    ):
        with pytest.raises(Uncommon):
            act()
    writer = calling("a", "b")
    writer.result("a", HI)
    with pytest.raises(Uncommon):
        writer.result("a", HI)


def test_a_schema_is_one_of_objects() -> None:
    assert schema_of(Raw(b"{}")) == {"type": "object", "properties": {}}
    assert schema_of(Raw(b'{"title":"a"}')) == {"type": "object", "title": "a"}
    given = Raw(b'{"type":"array"}')
    assert schema_of(given) is given


def test_a_picture_has_its_source() -> None:
    block = picture(Raw(b'"https://a/b.png"'), "p", CONTEXTS["Claude"])
    assert decode(encode(block))["source"] == {"type": "url", "url": "https://a/b.png"}


def test_parameters_stay_after_the_conversation() -> None:
    writer = calling()
    sent = sent_with(writer.written(), {"model": "m", "messages": [], "max_tokens": 3}, None)
    assert list(sent) == ["model", "messages", "max_tokens"]


def test_tools_are_written_with_the_places_of_what_is_left_out() -> None:
    tools = [Tool(name, ABSENT, Raw(b"{}"), ABSENT) for name in "ab"]
    for takes_strict, loosened in ((False, [1]), (True, [])):
        made = WrittenTools.of(tools, [None, True], takes_strict=takes_strict)
        assert made.loosened == loosened
        assert made.written is not None
        sent = sent_with({}, {"model": "m"}, made.written)
        assert [tool["name"] for tool in decode(encode(sent))["tools"]] == ["a", "b"]
    assert WrittenTools.of([], [], takes_strict=True).written is None


def test_tools_of_one_name_are_looked_at_elsewhere() -> None:
    f, g = (Tool(name, ABSENT, Raw(b"{}"), ABSENT) for name in "fg")
    assert WrittenTools.of([f, g], [None, None], takes_strict=True).written is not None
    with pytest.raises(Uncommon):
        WrittenTools.of([f, g, f], [None] * 3, takes_strict=True)
