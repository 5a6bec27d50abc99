"""Items of the input, one by one: calls, outputs, and what is reported of them."""

from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    SELF_HOSTED,
    asking,
    context,
)
from tests.translate.responses_via_chat.input.items import (
    CHAT_USER,
    USER,
    called,
    chat_call,
    gave,
    messages,
    said,
    tool_message,
)


def test_messages_need_no_type() -> None:
    assert messages(OPENAI, [{"role": "user", "content": "hi"}]) == [CHAT_USER]


def test_a_phase_is_dropped_and_reported() -> None:
    translation = asking(input=[USER, said("assistant", "a", phase="commentary")])
    assert translation.report.dropped == ["input[1].phase"]


def test_parallel_calls_become_one_assistant_message() -> None:
    items = [
        USER,
        said("assistant", "wait"),
        called("a"),
        called("b"),
        gave("b", "2"),
        gave("a"),
    ]
    assert messages(OPENAI, items) == [
        CHAT_USER,
        {
            "role": "assistant",
            "content": "wait",
            "tool_calls": [chat_call("a"), chat_call("b")],
        },
        tool_message("a"),
        tool_message("b", "2"),
    ]


def test_an_item_id_is_not_sent() -> None:
    items = [
        USER,
        called("call_a", id="fc_1", status="completed"),
        gave("call_a"),
    ]
    assert messages(OPENAI, items)[1]["tool_calls"] == [chat_call("call_a")]


def test_a_long_or_empty_call_id_is_replaced_in_the_call_and_its_output() -> None:
    for call_id in ("x" * 65, ""):
        sent = messages(OPENAI, [USER, called(call_id), gave(call_id)])
        (call,) = sent[1]["tool_calls"]
        assert call["id"] == sent[2]["tool_call_id"]
        assert call["id"].startswith("call_")
        assert len(call["id"]) == 37
        # Nor is it a random one, or the next turn would not begin as this one.
        assert call["id"] != f"call_{context().new_id()}"


def test_custom_calls_are_kept_where_the_backend_knows_them() -> None:
    call = {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": "x"}
    output = {"type": "custom_tool_call_output", "call_id": "a", "output": "ok"}
    assert messages(OPENAI, [call, output]) == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "a", "type": "custom", "custom": {"name": "patch", "input": "x"}}
            ],
        },
        tool_message("a"),
    ]


def test_custom_calls_become_functions_where_the_backend_has_none() -> None:
    call = {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": 'x"y'}
    output = {"type": "custom_tool_call_output", "call_id": "a", "output": "ok"}
    (sent, _) = messages(SELF_HOSTED, [call, output])
    assert sent["tool_calls"] == [chat_call("a", "patch", '{"input": "x\\"y"}')]


def test_an_output_needs_no_name_and_says_so() -> None:
    output = {**gave("a"), "name": "f", "namespace": "n"}
    translation = asking(input=[USER, called("a"), output])
    assert translation.report.dropped == ["input[2].name", "input[2].namespace"]


def test_a_call_in_a_namespace_has_the_flat_name() -> None:
    sent = messages(OPENAI, [called("a", namespace="crm"), gave("a")])
    assert sent[0]["tool_calls"] == [chat_call("a", "crm__f")]
