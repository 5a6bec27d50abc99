"""What messages say that OpenAI's endpoints have no place for."""

from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Report, Translation
from gateway.translate.parts.to_messages.unplaced import report_unplaced
from gateway.translate.plan import plan
from tests.translate.messages_upstreams import (
    HELLO,
    context,
    events_of,
    message,
    text,
    thinking,
    tool_use,
)

CITED: Json = {**text("Rome."), "citations": [{"type": "web_search_result_location", "url": "u"}]}
SEARCH: Json = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
FOUND: Json = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
TOOL: Json = {"name": "f", "parameters": {"type": "object"}}
BODIES: dict[Shape, Json] = {
    Shape.CHAT: {"messages": HELLO, "tools": [{"type": "function", "function": TOOL}]},
    Shape.RESPONSES: {"input": HELLO, "tools": [{"type": "function", **TOOL}]},
    Shape.COMPLETIONS: {"prompt": "hello"},
}
LOST: list[tuple[Json, list[str]]] = [
    (message(SEARCH, FOUND, text("a")), ["content.server_tool_use", f"content.{FOUND['type']}"]),
    (message(text("a"), {"type": "zzz", "of": 1}), ["content.zzz"]),
    (message(text("a"), {"type": 7}), ["content.7"]),
    (message(text("a"), container={"id": "c"}), ["container"]),
    (message(text("a"), diagnostics={"x": 1}, zzz=[1]), ["diagnostics", "zzz"]),
    (
        message(text("a"), reason="refusal", stop_details={"category": "bio", "explanation": "N"}),
        ["stop_details.category"],
    ),
]


def translated(client: Shape, body: Json) -> Translation:
    return plan(client, Shape.MESSAGES, {"model": "m", **BODIES[client], **body}, context())


@pytest.mark.parametrize("client", BODIES)
@pytest.mark.parametrize(("reply", "lost"), LOST)
def test_what_has_no_place_is_reported(client: Shape, reply: Json, lost: list[str]) -> None:
    whole = translated(client, {})
    before = list(whole.report.dropped)
    whole.reply([reply])
    assert sorted(set(whole.report.dropped) - set(before)) == sorted(lost)
    streamed = translated(client, {"stream": True})
    fold = streamed.stream()
    for event in events_of(reply):
        fold.feed(0, event)
    fold.end(0)
    # A stream of Anthropic's has the container in its first event, too.
    assert set(streamed.report.dropped) - set(before) == set(lost)


@pytest.mark.parametrize("client", BODIES)
@pytest.mark.parametrize(
    ("blocks", "lost"),
    [
        ([{**text("a"), "zzz": 1}, {**thinking("b"), "yyy": {"a": 1}}], ["zzz", "yyy"]),
        ([{**text("a"), "zzz": None, "yyy": []}], []),
        ([{"type": "redacted_thinking", "data": "d", "zzz": True}, text("a")], ["zzz"]),
        ([{**tool_use("f"), "zzz": "a"}], ["zzz"]),
    ],
)
def test_unknown_fields_of_blocks_are_reported(
    client: Shape, blocks: list[Json], lost: list[str]
) -> None:
    whole = translated(client, {})
    whole.reply([message(*blocks)])
    said = [name for name in whole.report.dropped if name.startswith("content.")]
    assert said == [f"content.{name}" for name in lost]


@pytest.mark.parametrize("client", BODIES)
def test_citations_are_reported(client: Shape) -> None:
    whole = translated(client, {})
    whole.reply([message(CITED)])
    assert "citations" in whole.report.dropped
    streamed = translated(client, {"stream": True})
    fold = streamed.stream()
    for event in _with_citation(events_of(message(text("Rome.")))):
        fold.feed(0, event)
    assert "citations" in streamed.report.dropped


OTHER_BLOCKS: list[tuple[Json, list[Json]]] = [
    (SEARCH, [{"type": "input_json_delta", "partial_json": ""}]),
    (SEARCH, [{"type": "input_json_delta", "partial_json": part} for part in ('{"q"', ":1}")]),
    (
        {"type": "mcp_tool_use", "id": "m", "name": "f", "server_name": "s", "input": {}},
        [{"type": "input_json_delta", "partial_json": "{}"}],
    ),
    ({"type": "zzz"}, [{"type": "text_delta", "text": "no"}]),
    ({"type": "zzz"}, [{"type": "thinking_delta", "thinking": "no"}]),
]


@pytest.mark.parametrize("client", BODIES)
@pytest.mark.parametrize(("block", "deltas"), OTHER_BLOCKS)
@pytest.mark.parametrize("last", [text("b"), tool_use("f", {}), tool_use("f", {"a": 1})])
def test_deltas_of_a_block_without_a_place_are_passed_over(
    client: Shape, block: Json, deltas: list[Json], last: Json
) -> None:
    events = events_of(message(text("a"), last, block, text("c")))
    at = next(
        i for i, e in enumerate(events) if e.get("content_block", {}).get("type") == block["type"]
    )
    pieces = [{"type": "content_block_delta", "index": 2, "delta": each} for each in deltas]
    shown = translated(client, {"stream": True})
    sent = _said(shown, [*events[: at + 1], *pieces, *events[at + 1 :]])
    assert f"content.{block['type']}" in shown.report.dropped
    assert sent == _said(translated(client, {"stream": True}), events)


def _said(translation: Translation, events: list[Json]) -> list[Json]:
    fold = translation.stream()
    return [each for event in events for each in fold.feed(0, event)] + fold.end(0)


def _with_citation(events: list[Json]) -> list[Json]:
    """Return the events of a text, with a citation at its end."""
    end = next(i for i, each in enumerate(events) if each["type"] == "content_block_stop")
    cited = {"type": "citations_delta", "citation": CITED["citations"][0]}
    delta = {"type": "content_block_delta", "index": 0, "delta": cited}
    return [*events[:end], delta, *events[end:]]


@pytest.mark.parametrize("caller", [{"type": "direct"}, None])
@pytest.mark.parametrize("client", BODIES)
def test_what_arrives_is_not_reported(client: Shape, caller: Any) -> None:
    """Servers that dump objects of Anthropic's SDK say null for a caller that they do not know."""
    blocks = [thinking("Hm."), {"type": "redacted_thinking", "data": "d"}, text("a")]
    if client is not Shape.COMPLETIONS:
        blocks.append({**tool_use(), "caller": caller, "toolset_name": None})
    full = message(*blocks, container=None, diagnostics=None)
    whole = translated(client, {})
    before = list(whole.report.dropped)
    whole.reply([full])
    assert whole.report.dropped == before


@pytest.mark.parametrize(
    ("event", "lost"),
    [
        (
            {
                "type": "content_block_start",
                "content_block": {
                    **tool_use(),
                    "caller": {"type": "code_execution_20250825"},
                    "toolset_name": "t",
                },
            },
            ["content.caller", "content.toolset_name"],
        ),
        (
            {"type": "content_block_start", "content_block": {**tool_use(), "caller": None}},
            [],
        ),
        ({"type": "content_block_start", "content_block": CITED}, ["citations"]),
        (
            {"type": "content_block_start", "content_block": {**tool_use(), "zzz": 1}},
            ["content.zzz"],
        ),
        ({"type": "content_block_start", "content_block": {"type": []}}, ["content.[]"]),
        ({"type": "content_block_delta", "delta": {"type": "zzz_delta"}}, ["content.zzz_delta"]),
        ({"type": "content_block_delta", "delta": {"type": 1}}, ["content.1"]),
        ({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}}, []),
        ({"type": "message_delta", "delta": {"container": {"id": "c"}}}, ["container"]),
        ({"type": "message_delta", "delta": None}, []),
        ({"type": "message_start"}, []),
        ({"type": "message_start", "message": {"content": []}}, []),
        ({"type": "message_start", "message": {"content": [text("a"), 1]}}, []),
        ({"type": "message_start", "message": {"content": "a"}}, []),
        ({"type": "message_start", "message": {"content": [CITED]}}, ["citations"]),
        (
            {"type": "message_start", "message": {"content": [{"type": "zzz"}], "zzz": 1}},
            ["zzz", "content.zzz"],
        ),
        ({"type": "ping"}, []),
    ],
)
def test_events_of_any_form(event: Any, lost: list[str]) -> None:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    report_unplaced(event, report)
    assert report.dropped == lost
