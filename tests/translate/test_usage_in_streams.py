"""Usage, on every pair: the most that a stream has said, whatever its server calls the counts."""

from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.plan import plan
from gateway.translate.stream.messages.message_events import events_of

OPTIONS = {"stream": True, "stream_options": {"include_usage": True}}
REQUESTS: dict[Shape, Json] = {
    Shape.COMPLETIONS: {"model": "m", "prompt": ["Hello"], "max_tokens": 99, **OPTIONS},
    Shape.CHAT: {"model": "m", "messages": [{"role": "user", "content": "Hello"}], **OPTIONS},
    Shape.RESPONSES: {"model": "m", "input": "Hello", "stream": True},
    Shape.MESSAGES: {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": 99,
        "stream": True,
    },
}
COUNTS = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
ENDED = {"stop_reason": "end_turn", "stop_sequence": None}
ITEM = {"type": "message", "id": "i", "content": [{"type": "output_text", "text": "Hi"}]}
POORER: list[Any] = [
    None,
    {"output_tokens": 0},
    {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    {"prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 10},
]
PAIRS = [
    (client, home)
    for client in Shape
    for home in Shape
    if client is not home or client is Shape.COMPLETIONS
]


def events(home: Shape, *usages: Any) -> list[Json]:
    if home is Shape.RESPONSES:
        response = {"id": "r", "status": "completed", "output": [ITEM]}
        return [
            {"type": "response.completed", "response": {**response, "usage": _responses(usage)}}
            for usage in usages
        ]
    if home is Shape.MESSAGES:
        return [
            *list(events_of(whole(home, _responses(usages[0]))))[:-2],
            *({"type": "message_delta", "delta": ENDED, "usage": _responses(u)} for u in usages),
            {"type": "message_stop"},
        ]
    said = {"text": "Hi"} if home is Shape.COMPLETIONS else {"delta": {"content": "Hi"}}
    choice = {"index": 0, "finish_reason": "stop", **said}
    return [
        {"id": "c", "choices": [choice]},
        *({"id": "c", "choices": [], "usage": usage} for usage in usages),
    ]


def _responses(usage: Any) -> Any:
    names = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
    return usage and {names.get(key, key): value for key, value in usage.items()}


@pytest.mark.parametrize("poorer", POORER)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_poorer_usage_takes_nothing_away(client: Shape, home: Shape, poorer: Any) -> None:
    context = Context("m", "m", capabilities=Capabilities(prompt_list=False))
    stream = plan(client, home, REQUESTS[client], context).stream()
    sent = [event for each in events(home, COUNTS, poorer) for event in stream.feed(0, each)]
    usage = _usage_in([*sent, *stream.end(0)])
    expected = _expected(client)
    assert {name: usage[name] for name in expected} == expected


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("names", ["chat's", "those of responses"])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_usage_has_the_clients_names(
    client: Shape, home: Shape, names: str, *, streamed: bool
) -> None:
    given = {**(COUNTS if names == "chat's" else _responses(COUNTS)), "cost": 0.5}
    context = Context("m", "m", capabilities=Capabilities(prompt_list=False))
    translation = plan(client, home, {**REQUESTS[client], "stream": streamed}, context)
    if streamed:
        stream = translation.stream()
        said = _renamed(events(home, COUNTS), given)
        sent = [event for each in said for event in stream.feed(0, each)]
        usage = _usage_in([*sent, *stream.end(0)])
    else:
        usage = translation.reply([whole(home, given)])["usage"]
    expected = _expected(client)
    others = _responses(COUNTS) if client in (Shape.COMPLETIONS, Shape.CHAT) else COUNTS
    assert {name: usage[name] for name in expected} == expected
    assert usage["cost"] == 0.5
    assert usage.keys() & (others.keys() - expected.keys()) == set()


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("odd", [5.0, 2.5, -5, True, "5", None, 2**60])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_counts_are_whole_numbers(client: Shape, home: Shape, odd: Any, *, streamed: bool) -> None:
    given = {**_in_words_of(home, COUNTS), "cost": 0.5}
    given["total_tokens"] = odd
    told = _usage_of(client, home, given, streamed=streamed)
    expected = _expected(client)
    assert {name: told[name] for name in expected} == {
        name: 5 if name == "total_tokens" and odd == 5.0 else count
        for name, count in expected.items()
    }
    output = next(name for name in given if name in ("completion_tokens", "output_tokens"))
    told = _usage_of(client, home, {**given, output: odd}, streamed=streamed)
    if odd == 5.0:
        assert told["cost"] == 0.5
    elif client is Shape.MESSAGES:
        assert (told["input_tokens"], told["output_tokens"]) == (0, 0)
    else:
        assert told is None
    assert all(type(told[name]) is int for name in expected if told is not None)


def _usage_of(client: Shape, home: Shape, given: Json, *, streamed: bool) -> Any:
    """Return the usage that a client is told; None: none."""
    context = Context("m", "m", capabilities=Capabilities(prompt_list=False))
    translation = plan(client, home, {**REQUESTS[client], "stream": streamed}, context)
    if not streamed:
        return translation.reply([whole(home, given)]).get("usage")
    stream = translation.stream()
    said = _renamed(events(home, COUNTS), given)
    if home is Shape.MESSAGES:
        said[0]["message"]["usage"] = {}
    sent = [event for each in said for event in stream.feed(0, each)]
    usages = [event.get("response", event).get("usage") for event in [*sent, *stream.end(0)]]
    return [None, *(usage for usage in usages if usage)][-1]


def _in_words_of(home: Shape, counts: Json) -> Json:
    words: Json = _responses(counts) if home in (Shape.RESPONSES, Shape.MESSAGES) else counts
    return dict(words)


def _expected(client: Shape) -> Json:
    if client is Shape.MESSAGES:
        return {"input_tokens": 10, "output_tokens": 5}
    return _responses(COUNTS) if client is Shape.RESPONSES else COUNTS


def _usage_in(sent: list[Json]) -> Json:
    """Return the last usage of a stream."""
    usages = [event.get("response", event).get("usage") for event in sent]
    usage: Json = [usage for usage in usages if usage][-1]
    return usage


def whole(home: Shape, usage: Json) -> Json:
    if home is Shape.MESSAGES:
        return {"id": "m", "content": [{"type": "text", "text": "Hi"}], "usage": usage, **ENDED}
    if home is Shape.RESPONSES:
        return {"id": "r", "status": "completed", "output": [ITEM], "usage": usage}
    said = {"text": "Hi"} if home is Shape.COMPLETIONS else {"message": {"content": "Hi"}}
    choice = {"index": 0, "finish_reason": "stop", **said}
    return {"id": "c", "choices": [choice], "usage": usage}


def _renamed(said: list[Json], usage: Json) -> list[Json]:
    """Return the events with another usage in the last one."""
    *before, last = said
    if "response" in last:
        return [*before, {**last, "response": {**last["response"], "usage": usage}}]
    if last.get("type") == "message_stop":
        return [*before[:-1], {**before[-1], "usage": usage}, last]
    return [*before, {**last, "usage": usage}]
