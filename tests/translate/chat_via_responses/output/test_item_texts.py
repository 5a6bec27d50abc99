"""Texts that the end of a part, of an item or of a response has longer than their deltas said.

Every stream goes event by event and folded into a whole reply, for chat and completions clients.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from gateway.errors import TruncatedStream
from gateway.shapes import Json, Shape
from gateway.translate import chat_via_responses, completions_via_chat
from gateway.translate.composed import compose
from gateway.translate.contract import StreamTranslation, Translation
from gateway.translate.stream.folding.replies import events_as_whole
from gateway.translate.stream.sse import SSEDecoder, encode_events
from tests.translate.chat_via_responses.cases import (
    ALL_TOOLS,
    context,
    custom_call,
    ending,
    events_of,
    folded,
    function_call,
    like_llamacpp,
    message,
    message_of,
    reasoning,
    refusal,
    response,
    run,
    streamed,
    text,
    translated,
    whole,
)

A = '{"city":"A"}'
"""The arguments of a call."""


@dataclass(frozen=True)
class Case:
    """A kind of text: an item of it, and where chat has it."""

    field: str
    """Of the part, of the item, and of the events."""
    listed: str
    event: str
    part_event: str
    shown: str
    """Where chat's message has it."""

    def item(self, whole: str, **more: Any) -> Json:
        if self.event == "function_call_arguments":
            return function_call("f", whole, **more)
        if self.event == "custom_tool_call_input":
            return custom_call("patch", whole, **more)
        if self.listed == "summary":
            return reasoning(summary=[whole], **more)
        if self.event == "reasoning_text":
            return reasoning(whole, **more)
        return message(refusal(whole) if self.field == "refusal" else text(whole), **more)

    def said(self, made: Json) -> str:
        calls = made.get("tool_calls") or [{"type": "function", "function": {"arguments": ""}}]
        if self.shown in ("arguments", "input"):
            assert len(calls) == 1
            found: str = calls[0][calls[0]["type"]][self.shown]
            return found
        return made.get(self.shown) or ""


CASES: dict[str, Case] = {
    "text": Case("text", "content", "output_text", "content_part", "content"),
    "refusal": Case("refusal", "content", "refusal", "content_part", "refusal"),
    "reasoning": Case("text", "content", "reasoning_text", "content_part", "reasoning_content"),
    "vllm's reasoning": Case(
        "text", "content", "reasoning_text", "reasoning_part", "reasoning_content"
    ),
    "a summary": Case(
        "text",
        "summary",
        "reasoning_summary_text",
        "reasoning_summary_part",
        "reasoning_content",
    ),
    "arguments": Case("arguments", "", "function_call_arguments", "", "arguments"),
    "input": Case("input", "", "custom_tool_call_input", "", "input"),
}
ENDS = ("done", "part", "item", "response")
IDS: dict[str, Json] = {"the same": {}, "others": {"id": "z", "call_id": "t"}}


def events(case: Case, deltas: Sequence[str], ends: Mapping[str, str | None]) -> list[Json]:
    """Return the events of one item, with what each says; None: there is no such event."""
    item = case.item("")
    where: Json = {"item_id": item["id"], "output_index": 0}
    if case.listed:
        where["summary_index" if case.listed == "summary" else "content_index"] = 0
    made: list[Json] = [{"type": "response.output_item.added", "output_index": 0, "item": item}]
    made += [{"type": f"response.{case.event}.delta", "delta": each, **where} for each in deltas]
    done, part, whole_item = ends["done"], ends["part"], ends["item"]
    if done is not None:
        made.append({"type": f"response.{case.event}.done", case.field: done, **where})
    if part is not None and case.listed:
        result = case.item(part)[case.listed][0]
        made.append({"type": f"response.{case.part_event}.done", "part": result, **where})
    if whole_item is not None:
        result = case.item(whole_item)
        made.append({"type": "response.output_item.done", "output_index": 0, "item": result})
    return made


def last(case: Case, said: str | None, ids: str) -> Json:
    """Return the terminal event; None: its response has no output."""
    if said is None:
        return ending(response())
    item = case.item(said)
    renamed = {name: value for name, value in IDS[ids].items() if name in item}
    return ending(response({**item, **renamed}))


def both(upstream: Sequence[Json]) -> list[Json]:
    """Return the message of the stream, and that of the stream folded into one reply."""
    chunks = streamed(ALL_TOOLS, upstream)
    reply = events_as_whole(Shape.RESPONSES, upstream, ("f", "patch"))
    return [
        folded(chunks)["message"],
        whole(ALL_TOOLS, reply)["choices"][0]["message"],
    ]


def pieces_of(said: str) -> list[list[str]]:
    return [[], [said[:4]], [said[:2], said[2:4]], [said]]


@pytest.mark.parametrize("ids", IDS)
@pytest.mark.parametrize("name", CASES)
def test_the_rest_of_a_text_is_taken_from_wherever_it_is(name: str, ids: str) -> None:
    case = CASES[name]
    said = A if name == "arguments" else "Hello you"
    for deltas in pieces_of(said):
        short = "".join(deltas)
        for first in range(len(ENDS) + 1):
            for before, after in itertools.product((None, short), (said, None, short)):
                ends = dict.fromkeys(ENDS[:first], before) | dict.fromkeys(ENDS[first:], after)
                if first < len(ENDS):
                    ends[ENDS[first]] = said
                elif short != said:
                    continue
                upstream = [*events(case, deltas, ends), last(case, ends["response"], ids)]
                if not case.listed and first == 1:
                    continue
                for made in both(upstream):
                    assert case.said(made) == said, (deltas, ends)


@pytest.mark.parametrize("name", CASES)
def test_where_a_whole_differs_nothing_is_doubled(name: str) -> None:
    case = CASES[name]
    if name == "arguments":
        return  # These are an error; see test_call_text.
    for ids in IDS if case.listed else ["the same"]:
        for at in ENDS:
            ends: dict[str, str | None] = {**dict.fromkeys(ENDS), at: "Bye, all of you"}
            upstream = [*events(case, ["Hel", "lo"], ends), last(case, ends["response"], ids)]
            if case.listed or at != "part":
                streamed_one, folded_one = both(upstream)
                assert case.said(streamed_one) == "Hello"
                assert case.said(folded_one) == "Bye, all of you"


def test_the_rest_of_one_of_several_texts_is_its_own() -> None:
    full = response(
        reasoning("one two", id="r1"),
        message(text("a b"), text("c d"), refusal("no no"), id="m1"),
        reasoning(summary=["s t", "u v"], id="r2"),
        message(text("e f"), id="m2"),
    )
    short = response(
        reasoning("one", id="r1"),
        message(text("a b"), text("c"), refusal("no"), id="m1"),
        reasoning(summary=["s t", "u"], id="r2"),
        message(text("e"), id="m2"),
    )
    expected = whole({}, full)["choices"][0]["message"]
    upstream = events_of(short)
    items = [e for e in events_of(full) if e["type"] == "response.output_item.done"]
    kept = [e for e in upstream[:-1] if e["type"] != "response.output_item.done"]
    late: list[Json] = []
    for event in kept:
        if event["type"] == "response.output_item.added" and event["output_index"]:
            late.append(items[event["output_index"] - 1])
        late.append(event)
    late.append(items[-1])
    other = [{**item, "id": f"z{n}"} for n, item in enumerate(full["output"])]
    for final in (response(), full, response(*other)):
        for sent in (late, like_llamacpp(late)):
            for made in both([*sent, ending(final)]):
                assert made == expected
    for final in (full, response(*other)):
        streamed_one, folded_one = both([*upstream[:-1], ending(final)])
        assert sorted(streamed_one["content"]) == sorted(expected["content"])
        assert folded_one == expected


def test_a_message_is_known_by_its_text_under_other_ids() -> None:
    first, second = message(text("one"), id="m1"), message(text("two"), id="m2")
    upstream = events_of(response(second))[:-1]
    final = response({**first, "id": "x"}, {**second, "id": "y", "content": [text("two!")]})
    made = both([*upstream, ending(final)])
    assert [each["content"] for each in made] == ["two!one", "onetwo!"]


def test_reasoning_that_only_its_end_has_is_shown_once() -> None:
    item = reasoning("hm", summary=["short", "er"])
    upstream = [e for e in events_of(response(item)) if not e["type"].endswith("delta")]
    dones: list[Json] = [
        {"type": "response.reasoning_text.done", "item_id": "rs_1", "text": "hm"},
        {
            "type": "response.reasoning_summary_text.done",
            "item_id": "rs_1",
            "summary_index": 0,
            "text": "short",
        },
        {
            "type": "response.reasoning_summary_part.done",
            "summary_index": 1,
            "part": item["summary"][1],
        },
    ]
    end, bare = upstream[-1], ending(response())
    for kept in ([end], upstream, [*dones, bare], [*dones, end]):
        for made in both(kept):
            assert made["reasoning_content"] == "hm"
            assert made["reasoning_summary"] == "short\n\ner"


def test_parts_that_have_no_text_say_nothing() -> None:
    odd: list[Any] = [None, "x", {}, {"type": "output_audio"}, {"type": []}]
    kinds = ("content_part", "reasoning_part")
    upstream = [{"type": f"response.{kind}.done", "part": part} for part in odd for kind in kinds]
    for made in both([*upstream, ending(response(message(text("a"))))]):
        assert made["content"] == "a"


def completions() -> Translation:
    body = {"model": "thinker", "prompt": "hello", "stream": True}
    return compose(
        completions_via_chat.translate,
        chat_via_responses.translate,
        body,
        context(),
        Shape.RESPONSES,
    )


def over_the_wire(stream: StreamTranslation, upstream: Sequence[Json], size: int) -> list[Json]:
    """Return what a client gets of a stream that comes in pieces of so many bytes."""
    wire, decoder = encode_events(Shape.RESPONSES, upstream), SSEDecoder()
    made: list[Json] = []
    for start in range(0, len(wire), size):
        for event in decoder.feed(wire[start : start + size]):
            made += stream.feed(0, msgspec.json.decode(event.data))
    return made + stream.end(0)


@pytest.mark.parametrize("name", ["text", "refusal"])
@pytest.mark.parametrize("at", ENDS)
def test_completions_clients_get_the_rest_too(name: str, at: str) -> None:
    case = CASES[name]
    ends: dict[str, str | None] = {**dict.fromkeys(ENDS), at: "Hello you"}
    upstream = [*events(case, ["Hel", "lo"], ends), last(case, ends["response"], "others")]
    for size in (1, 100_000):
        made = over_the_wire(completions().stream(), upstream, size)
        assert "".join(each["choices"][0]["text"] for each in made) == "Hello you"
    reply = completions().reply([events_as_whole(Shape.RESPONSES, upstream)])
    assert reply["choices"][0]["text"] == "Hello you"


@pytest.mark.parametrize("name", CASES)
def test_a_stream_that_is_cut_off_never_looks_complete(name: str) -> None:
    case = CASES[name]
    said = A if name == "arguments" else "Hello you"
    ends: dict[str, str | None] = dict.fromkeys(ENDS, said)
    upstream = [*events(case, [said[:4]], ends), last(case, said, "others")]
    chunks = over_the_wire(translated({"stream": True, **ALL_TOOLS}).stream(), upstream, 1)
    assert case.said(folded(chunks)["message"]) == said
    for length in range(len(upstream)):
        stream = translated({"stream": True, **ALL_TOOLS}).stream()
        with pytest.raises(TruncatedStream):
            run(stream, upstream[:length])
        with pytest.raises(TruncatedStream):
            events_as_whole(Shape.RESPONSES, upstream[:length])


@pytest.mark.parametrize("pieces", [['{"ci', '{"city":"A', A], ['{"city":', A], ["{}", '{"', A]])
def test_arguments_that_each_delta_repeats_are_taken_once(pieces: list[str]) -> None:
    case = CASES["arguments"]
    for said in (None, "", A):
        ends: dict[str, str | None] = dict.fromkeys(ENDS, said)
        upstream = [*events(case, pieces, ends), last(case, said, "others")]
        for made in both(upstream):
            assert case.said(made) == A


TOOLS: Json = {
    "tools": [{"type": "function", "function": {"name": each}} for each in ("get_weather", "get")]
}


@pytest.mark.parametrize(
    ("names", "name"),
    [
        (["get_", "get_weather"], "get_weather"),
        (["get_", "weather"], "get_weather"),
        (["get_", "get_we", "get_weather"], "get_weather"),
        (["get", "get"], "get"),
        (["get_weather", "get_weather"], "get_weather"),
        (["get_", "get_"], "get_"),
        (["", "get_weather"], "get_weather"),
    ],
)
def test_a_name_in_pieces_is_that_of_the_tool_that_it_makes(names: list[str], name: str) -> None:
    item = function_call("f", A)
    first, *_, final = names
    added = {"type": "response.output_item.added", "item": {**item, "name": first, "arguments": ""}}
    delta = {"type": "response.function_call_arguments.delta", "item_id": item["id"], "delta": A}
    more = [{**delta, "delta": "", "name": each} for each in names[1:-1]]
    done = {"type": "response.output_item.done", "item": {**item, "name": final}}
    again = {"type": "response.output_item.added", "item": {**item, "name": final, "arguments": ""}}
    for upstream in (
        [added, *more, delta, done],
        [added, *more, again, delta],
        [added, delta, done],
    ):
        last_event = ending(response({**item, "name": name}))
        chunks = streamed(TOOLS, [*upstream, last_event])
        (call,) = folded(chunks)["message"]["tool_calls"]
        assert call["function"] == {"name": name, "arguments": A}
        reply = events_as_whole(Shape.RESPONSES, [*upstream, last_event], ("get_weather", "get"))
        (call,) = whole(TOOLS, reply)["choices"][0]["message"]["tool_calls"]
        assert call["function"] == {"name": name, "arguments": A}


def test_a_message_whose_content_is_a_string() -> None:
    assert message_of({}, response({"type": "message", "content": "text"}))["content"] == "text"
