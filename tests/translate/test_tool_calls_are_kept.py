"""However a server gives N tool calls, a client gets N calls with their arguments.

Arguments are compared as JSON; the order is that in which calls began.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.shapes import Json, Shape
from gateway.translate.stream.reply_as_event import whole_as_event
from tests.translate.chat_via_responses import cases
from tests.translate.responses_via_chat import chat_backend
from tests.translate.responses_via_chat.client_stream import read

Call = tuple[str, Json]
"""A call's name and arguments."""

NAMES = st.sampled_from(["f", "g"])
VALUES = st.recursive(
    st.none() | st.integers(0, 9) | st.text('a{}[]"\\é,: ', max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("a{", max_size=2), inner),
    max_leaves=4,
)
ARGUMENTS = st.dictionaries(st.text('k}"', max_size=2), VALUES, max_size=2)
SOME_ARGUMENTS = st.dictionaries(st.text('k}"', max_size=2), VALUES, min_size=1, max_size=2)
Draw = Callable[[st.SearchStrategy[Any]], Any]


def pieces_of(draw: Draw, arguments: Json) -> list[str]:
    """Return the text of arguments in pieces; those of no arguments may be none."""
    if not arguments and draw(st.booleans()):
        few: list[str] = draw(st.sampled_from([[], [""], ["{}"]]))
        return few
    text = json.dumps(arguments, ensure_ascii=draw(st.booleans()))
    size = draw(st.integers(1, len(text)))
    return [text[start : start + size] for start in range(0, len(text), size)]


def interleaved(draw: Draw, queues: Sequence[Sequence[Json]]) -> list[Json]:
    """Return the elements of all queues in any order that keeps each queue's own."""
    turns = [number for number, queue in enumerate(queues) for _ in queue[1:]]
    firsts = [queue[0] for queue in queues]
    waiting = [list(queue[1:]) for queue in queues]
    return firsts + [waiting[number].pop(0) for number in draw(st.permutations(turns))]


def in_turn(_: Draw, queues: Sequence[Sequence[Json]]) -> list[Json]:
    return [each for queue in queues for each in queue]


# --- chat servers ------------------------------------------------------------------------------

ChatStyle = Callable[[Draw, Sequence[Call]], list[Json]]


def fragments(
    draw: Draw,
    call: Call,
    index: object,
    call_id: str,
    *,
    id_again: bool = False,
    name_again: bool = False,
) -> list[Json]:
    """Return the fragments of one call, with its id and its name at the first or at all."""
    name, arguments = call
    made: list[Json] = []
    for number, piece in enumerate(pieces_of(draw, arguments) or [""]):
        made.append(
            chat_backend.fragment(
                None,
                piece,
                name=name if number == 0 or name_again else None,
                call_id=call_id if number == 0 or id_again else "",
            )
        )
        if index is not None:
            made[-1]["index"] = index
    return made


def numbered(draw: Draw, calls: Sequence[Call]) -> list[Json]:
    """Each call has an index, as at OpenAI, perhaps as a string; ids and names are repeated."""
    text = draw(st.booleans())
    again = draw(st.booleans())
    queues = [
        fragments(draw, call, str(i) if text else i, f"call_{i}" if again else "", name_again=again)
        for i, call in enumerate(calls)
    ]
    return interleaved(draw, queues)


def distinguished_by_ids(draw: Draw, calls: Sequence[Call]) -> list[Json]:
    """All have the same index or none; each fragment has its call's id."""
    index = draw(st.sampled_from([0, None]))
    again = draw(st.booleans())
    queues = [
        fragments(draw, call, index, f"call_{i}", id_again=True, name_again=again)
        for i, call in enumerate(calls)
    ]
    return interleaved(draw, queues)


def distinguished_by_first_fragments(draw: Draw, calls: Sequence[Call]) -> list[Json]:
    """All have the same index or none, one after another; id and name come once."""
    index = draw(st.sampled_from([0, None]))
    queues = [fragments(draw, call, index, f"call_{i}") for i, call in enumerate(calls)]
    return in_turn(draw, queues)


def without_ids(draw: Draw, calls: Sequence[Call]) -> list[Json]:
    """All have the same index or none, one after another, and no id: names and texts differ."""
    assume(all(arguments for _, arguments in calls))
    index = draw(st.sampled_from([0, None]))
    return in_turn(draw, [fragments(draw, call, index, "") for call in calls])


def with_one_id(draw: Draw, calls: Sequence[Call]) -> list[Json]:
    """All have the same id and index, one after another: names and texts distinguish them."""
    assume(all(one != other for one, other in pairwise(calls)))
    assume(all(arguments for _, arguments in calls))
    return in_turn(draw, [fragments(draw, call, 0, "x") for call in calls])


def named_once(draw: Draw, calls: Sequence[Call]) -> list[Json]:
    """All are calls of one function, whose name and id only the first has; texts differ."""
    assume(len({name for name, _ in calls}) <= 1)
    assume(all(one != other for one, other in pairwise(calls)))
    assume(all(arguments for _, arguments in calls))
    made = in_turn(draw, [fragments(draw, call, 0, "") for call in calls])
    for each in made[1:]:
        each["function"].pop("name", None)
    return made


def in_one_text(draw: Draw, calls: Sequence[Call]) -> list[Json]:
    """All are in the arguments of one call."""
    made = named_once(draw, calls)
    text = "".join(each["function"]["arguments"] for each in made)
    return [chat_backend.fragment(0, text, name=calls[0][0])] if calls else []


def as_objects(_: Draw, calls: Sequence[Call]) -> list[Json]:
    """Arguments are not written as text (Ollama)."""
    return [
        {"index": i, "function": {"name": name, "arguments": arguments}}
        for i, (name, arguments) in enumerate(calls)
    ]


CHAT_STYLES: list[ChatStyle] = [
    numbered,
    distinguished_by_ids,
    distinguished_by_first_fragments,
    without_ids,
    with_one_id,
    named_once,
    in_one_text,
    as_objects,
]
CALLS = st.lists(st.tuples(NAMES, ARGUMENTS | SOME_ARGUMENTS), max_size=4)
CALLS_OF_ONE = st.lists(st.tuples(st.just("f"), SOME_ARGUMENTS), max_size=4)


def of_responses(response: Json) -> list[Call]:
    """Return the calls that a responses client gets; no two have the same id."""
    calls = [item for item in response["output"] if item["type"] == "function_call"]
    assert len({call["call_id"] for call in calls}) == len(calls)
    return [(call["name"], json.loads(call["arguments"])) for call in calls]


@given(st.data(), st.sampled_from(CHAT_STYLES), CALLS | CALLS_OF_ONE)
def test_responses_clients_get_every_call_of_a_chat_server_once(
    data: st.DataObject, style: ChatStyle, calls: list[Call]
) -> None:
    made = style(data.draw, calls)
    grouped = data.draw(st.booleans())
    deltas = [made] if grouped else [[each] for each in made]
    events = [chat_backend.chunk(tool_calls=each) for each in deltas]
    fold = chat_backend.asking(stream=True).stream()
    finish = chat_backend.chunk(finish=data.draw(st.sampled_from(["stop", "tool_calls"])))
    sent = [event for chunk in [*events, finish] for event in fold.feed(0, chunk)] + fold.end(0)
    assert of_responses(read(sent)) == calls


@given(st.lists(st.tuples(NAMES, ARGUMENTS), max_size=4), st.data())
def test_responses_clients_get_every_call_of_a_whole_chat_reply_once(
    calls: list[Call], data: st.DataObject
) -> None:
    ids = data.draw(st.sampled_from(["one", "none", "own"]))
    made: list[Json] = []
    for i, (name, arguments) in enumerate(calls):
        written: Any = data.draw(st.sampled_from([json.dumps(arguments), arguments]))
        if not arguments:
            written = data.draw(st.sampled_from([None, "", "{}"]))
        call_id = {"one": "x", "none": "", "own": f"call_{i}"}[ids]
        made.append({"id": call_id, "function": {"name": name, "arguments": written}})
    reply = chat_backend.completion(None, "tool_calls", tool_calls=made)
    assert of_responses(chat_backend.replied(reply)) == calls
    fold = chat_backend.asking(stream=True).stream()
    assert (
        of_responses(read(fold.feed(0, whole_as_event(Shape.CHAT, reply)) + fold.end(0))) == calls
    )


# --- responses servers -------------------------------------------------------------------------

HIDDEN: list[tuple[str, ...]] = [
    (),
    ("output_index",),
    ("id", "item_id"),
    ("id", "item_id", "output_index"),
    ("call_id",),
    ("id", "item_id", "output_index", "call_id"),
]


def item_events(draw: Draw, call: Call, number: int) -> list[Json]:
    """Return the events of one call, each with as much of its arguments as a server may say."""
    name, arguments = call
    whole = json.dumps(arguments)
    nothing: list[Any] = [None, "", "{}"]
    head = {"type": "function_call", "id": f"fc_{number}", "call_id": f"c_{number}", "name": name}
    where = {"item_id": head["id"], "output_index": number}
    saying = [*nothing, whole, arguments, json.dumps(arguments, indent=1)]
    began, done = draw(st.sampled_from(saying)), draw(st.sampled_from(saying))
    pieces = draw(st.sampled_from([[], pieces_of(draw, arguments)]))
    item = draw(st.sampled_from(saying))
    if not any(map(_says_it, (began, done, item))) and not pieces:
        item = whole
    events: list[Json] = [
        {"type": "response.output_item.added", "item": {**head, "arguments": began}},
        *({"type": "response.function_call_arguments.delta", "delta": each} for each in pieces),
        {"type": "response.function_call_arguments.done", "arguments": done},
        {"type": "response.output_item.done", "item": {**head, "arguments": item}},
    ]
    if pieces and draw(st.booleans()):
        events[0], events[1] = events[1], events[0]
    return [{**event, **where} for event in events]


def _says_it(value: object) -> bool:
    return bool(value) and value != "{}"


def without(events: Iterable[Json], names: Sequence[str]) -> list[Json]:
    made = [{k: v for k, v in event.items() if k not in names} for event in events]
    for event in made:
        if "item" in event:
            event["item"] = {k: v for k, v in event["item"].items() if k not in names}
    return made


def repeated(draw: Draw, calls: Sequence[Call]) -> list[Json]:
    """Return what the terminal event says again, under ids of its own choice."""
    ids = draw(st.sampled_from(["c_{}", "tool_{}", ""]))
    items = draw(st.sampled_from(["fc_{}", "z_{}", "", "one"]))
    return [
        {
            "type": "function_call",
            "id": items.format(i),
            "call_id": ids.format(i),
            "name": name,
            "arguments": draw(st.sampled_from([json.dumps(arguments), arguments])),
        }
        for i, (name, arguments) in enumerate(calls)
    ]


def of_chat(message: Json) -> list[Call]:
    """Return the calls that a chat client gets; no two have the same id."""
    calls = message.get("tool_calls", [])
    assert len({call["id"] for call in calls}) == len(calls)
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]


@given(st.data(), CALLS)
def test_chat_clients_get_every_call_of_a_responses_server_once(
    data: st.DataObject, calls: list[Call]
) -> None:
    queues = [item_events(data.draw, call, number) for number, call in enumerate(calls)]
    hidden = data.draw(st.sampled_from(HIDDEN))
    distinguished = hidden in ((), ("call_id",), ("output_index",))
    order = interleaved if distinguished and data.draw(st.booleans()) else in_turn
    events = without(order(data.draw, queues), hidden)
    output = repeated(data.draw, calls) if data.draw(st.booleans()) else []
    chunks = cases.streamed(cases.ALL_TOOLS, [*events, cases.ending(cases.response(*output))])
    assert sorted(of_chat(cases.folded(chunks)["message"]), key=repr) == sorted(calls, key=repr)


@given(st.data(), CALLS)
def test_chat_clients_get_every_call_of_a_whole_response_once(
    data: st.DataObject, calls: list[Call]
) -> None:
    reply = cases.response(*repeated(data.draw, calls))
    assert of_chat(cases.message_of(cases.ALL_TOOLS, reply)) == calls
    chunks = cases.streamed(cases.ALL_TOOLS, [whole_as_event(Shape.RESPONSES, reply)])
    assert of_chat(cases.folded(chunks)["message"]) == calls
