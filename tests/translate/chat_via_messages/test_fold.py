from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_messages.fold import MessageFold
from gateway.translate.chat_via_messages.request import prepare
from gateway.translate.contract import Report
from tests.translate.chat_via_messages.cases import CUSTOM, TOOLS, translated
from tests.translate.messages_upstreams import (
    HELLO,
    PING,
    context,
    events_of,
    message,
    text,
    thinking,
    tool_use,
)


def fold_of(body: Json | None = None, **settings: Any) -> MessageFold:
    of = context(**settings)
    given = {"model": "asked", "messages": HELLO, "tools": [*TOOLS, CUSTOM], **(body or {})}
    return MessageFold(prepare(given, of, Report(Shape.CHAT, Shape.MESSAGES)), of)


def fed(fold: MessageFold, events: list[Json]) -> list[Json]:
    return [delta for event in events for delta in fold.feed(event)]


def joined(deltas: list[Json], name: str) -> str:
    return "".join(delta[name] for delta in deltas if name in delta)


def start(block: Json) -> Json:
    return {"type": "content_block_start", "index": 0, "content_block": block}


def piece(partial: str) -> Json:
    delta = {"type": "input_json_delta", "partial_json": partial}
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def ended(reason: str | None = "end_turn", **more: Any) -> list[Json]:
    return [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason, **more}, "usage": {}},
        {"type": "message_stop"},
    ]


def test_arguments_within_a_text_are_the_upstreams_fault() -> None:
    fold = fold_of()
    fold.feed(start({"type": "text", "text": ""}))
    with pytest.raises(UpstreamError, match="a tool call that is not open"):
        fold.feed(piece("{}"))


def test_texts_and_thinking() -> None:
    fold = fold_of()
    made = message(thinking("one"), thinking("two"), text("Hel"), text("lo"), thinking(""))
    deltas = fed(fold, events_of(made, 2))
    assert joined(deltas, "reasoning_content") == "one\n\ntwo"
    assert joined(deltas, "content") == "Hello"
    assert fold.finish_reason == "stop"
    assert fold.counts.tier == "default"


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("reasoning", ["reasoning"]),
        ("both", ["reasoning_content", "reasoning"]),
        ("none", []),
    ],
)
def test_thinking_is_where_the_operator_wants_it(form: str, names: list[str]) -> None:
    deltas = fed(fold_of(reasoning_out=form), events_of(message(thinking("hm"), text("a")), 9))
    assert [list(delta) for delta in deltas] == [*([names] if names else []), ["content"]]


@pytest.mark.parametrize(
    "pieces",
    [
        ["", '{"a":', '"\\u00', 'e4 \\"', '\\n"}'],
        ['{"a":"\\u00e4 \\"\\n"}'],
        list('{"a":"\\u00e4 \\"\\n"}'),
        ['{"a":"', "", '\\u00e4 \\"\\n"', "  }"],
    ],
)
def test_arguments_arrive_byte_by_byte_as_they_were_sent(pieces: list[str]) -> None:
    fold = fold_of()
    events = [start(tool_use("f")), *map(piece, pieces), *ended("tool_use")]
    first, *rest = fed(fold, events)
    opened = {"index": 0, "id": "toolu_f", "type": "function"}
    assert first == {"tool_calls": [{**opened, "function": {"name": "f", "arguments": ""}}]}
    sent = "".join(delta["tool_calls"][0]["function"]["arguments"] for delta in rest)
    assert sent == "".join(pieces)
    assert fold.finish_reason == "tool_calls"


@pytest.mark.parametrize("given", [{}, {"b": 1, "a": "ä"}])
def test_arguments_may_come_with_the_start_or_not_at_all(given: Json) -> None:
    fold = fold_of()
    deltas = fed(fold, [start(tool_use("f", given)), start(tool_use("g")), *ended("tool_use")])
    texts = [
        (delta["tool_calls"][0]["index"], delta["tool_calls"][0]["function"]["arguments"])
        for delta in deltas
    ]
    expected = '{"b":1,"a":"ä"}' if given else "{}"
    assert texts == [(0, ""), (0, expected), (1, ""), (1, "{}")]


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded", "refusal"])
def test_a_call_that_is_cut_off_gets_no_arguments(reason: str) -> None:
    fold = fold_of()
    deltas = fed(fold, [start(tool_use("f")), *ended(reason)])
    assert [delta for delta in deltas if "tool_calls" in delta][1:] == []
    fold = fold_of()
    deltas = fed(fold, [start(tool_use("f")), piece('{"a'), *ended(reason)])
    assert deltas[1] == {"tool_calls": [{"index": 0, "function": {"arguments": '{"a'}}]}
    assert fold.finish_reason == ("content_filter" if reason == "refusal" else "length")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["a", "b"], [0, 1]),
        (["a", "a", "a"], [0]),
        (["", "a", None], [1]),
        ([None, None], []),
    ],
)
def test_calls_without_an_id_of_their_own_get_one(given: list[str | None], kept: list[int]) -> None:
    fold = fold_of()
    opened = [
        fold.feed(start({**tool_use("f"), "id": call_id})) + fold.feed(ended()[0])
        for call_id in given
    ]
    shown = [delta["tool_calls"][0] for deltas in opened for delta in deltas]
    ids = [call["id"] for call in shown if "id" in call]
    assert len({*ids}) == len(given)
    assert all(ids)
    assert [index for index, call_id in enumerate(given) if ids[index] == call_id] == kept


def test_custom_tools_get_their_text() -> None:
    fold = fold_of()
    events = [start(tool_use("patch")), piece('{"in'), piece('put": "*** ä"}'), *ended("tool_use")]
    assert fed(fold, events) == [
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "toolu_patch",
                    "type": "custom",
                    "custom": {"name": "patch", "input": ""},
                }
            ]
        },
        {"tool_calls": [{"index": 0, "custom": {"input": "*** ä"}}]},
    ]
    fold = fold_of()
    cut = [start(tool_use("patch")), piece('{"input": "*** '), *ended("max_tokens")]
    assert fed(fold, cut)[1] == {"tool_calls": [{"index": 0, "custom": {"input": "*** "}}]}
    fold = fold_of()
    with pytest.raises(UpstreamError):
        fed(fold, [start(tool_use("patch")), piece('{"input": "*** '), *ended("tool_use")])


def test_the_old_form_has_one_call() -> None:
    fold = fold_of({"tools": [], "functions": [{"name": "f"}]})
    made = message(tool_use("f", {"a": 1}), tool_use("f"), reason="tool_use")
    deltas = [delta for delta in fed(fold, events_of(made, 99)) if delta]
    assert deltas == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": '{"a":1}'}},
    ]
    assert fold.finish_reason == "function_call"


@pytest.mark.parametrize("others", [[], [tool_use("f")], [tool_use("f"), tool_use("f", {"a": 1})]])
def test_calls_that_a_function_call_does_not_hold_are_reported(others: list[Json]) -> None:
    translation = translated({"tools": [], "functions": [{"name": "f"}]})
    translation.reply([message(tool_use("f", {"a": 1}), *others, reason="tool_use")])
    assert translation.report.dropped == (["tool_calls"] if others else [])


@pytest.mark.parametrize(
    ("reason", "finish", "native"),
    [
        ("end_turn", "stop", None),
        ("stop_sequence", "stop", None),
        ("max_tokens", "length", None),
        ("model_context_window_exceeded", "length", "model_context_window_exceeded"),
        ("tool_use", "stop", None),
        ("pause_turn", "stop", "pause_turn"),
        ("compaction", "stop", "compaction"),
        (None, "stop", None),
    ],
)
def test_stop_reasons_become_finish_reasons(
    reason: str | None, finish: str, native: str | None
) -> None:
    fold = fold_of()
    assert fed(fold, [start(text("a")), *ended(reason)]) == [{"content": "a"}]
    assert fold.finish_reason == finish
    assert fold.native_word == native
    called = fold_of()
    fed(called, [start(tool_use("f")), *ended(reason)])
    assert called.finish_reason == ("tool_calls" if finish == "stop" else finish)


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"type": "refusal", "category": "bio", "explanation": "Not this."}, "Not this."),
        ({"type": "refusal", "explanation": None}, "The model refuses to answer."),
        ("odd", "The model refuses to answer."),
        (None, "The model refuses to answer."),
    ],
)
def test_refusals_say_why(details: object, words: str) -> None:
    fold = fold_of()
    deltas = fed(fold, [start(text("Well")), *ended("refusal", stop_details=details)])
    assert deltas == [{"content": "Well"}, {"refusal": words}]
    assert fold.finish_reason == "content_filter"
    assert fold.native_word == "refusal"


def test_blank_stops_are_looked_for() -> None:
    fold = fold_of({"stop": ["\n\n", "END"]})
    made = message(text("one\n"), text("\ntwo"), text("three"))
    deltas = fed(fold, events_of(made, 1))
    assert joined(deltas, "content") == "one"
    assert fold.finish_reason == "stop"
    assert fold.is_cut
    assert isinstance(fold.counts.usage, dict)
    assert fold.counts.usage["output_tokens"] == 5
    fold = fold_of({"stop": ["\n\n"]})
    assert joined(fed(fold, events_of(message(text("one\n")), 1)), "content") == "one\n"
    assert not fold.is_cut


def test_what_chat_has_no_place_for_is_passed_over() -> None:
    fold = fold_of()
    odd: list[Json] = [
        PING,
        {"type": "content_block_start", "index": 0, "content_block": {"type": "redacted_thinking"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "server_tool_use"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "citations_delta"}},
        {"type": 7},
        {},
    ]
    assert fed(fold, odd) == []
    assert fold.finish_reason is None


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_start", "index": 0},
        {"type": "content_block_delta", "index": 0, "delta": "x"},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": 7}},
        {"type": "message_delta"},
        piece("{}"),
        start({"type": "tool_use", "id": "x"}),
        start({"type": "tool_use", "id": "x", "name": 7}),
    ],
)
def test_what_cannot_be_read_is_an_error(event: Json) -> None:
    with pytest.raises(UpstreamError):
        fold_of().feed(event)


def test_inputs_that_are_kept_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.translate.contract.MAX_REPLY_CHARACTERS", 9)
    fold = fold_of()
    fold.feed(start(tool_use("patch")))
    fold.feed(piece("123456789"))
    with pytest.raises(UpstreamError, match="more than 9"):
        fold.feed(piece("1"))
