"""Usage, on every pair: the most that a stream has said, whatever its server calls the counts."""

from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.capabilities import Capabilities
from gateway.translate.contract import Context
from gateway.translate.plan import plan

OPTIONS = {"stream": True, "stream_options": {"include_usage": True}}
REQUESTS: dict[Shape, Json] = {
    Shape.COMPLETIONS: {"model": "m", "prompt": ["Hello"], "max_tokens": 99, **OPTIONS},
    Shape.CHAT: {"model": "m", "messages": [{"role": "user", "content": "Hello"}], **OPTIONS},
    Shape.RESPONSES: {"model": "m", "input": "Hello", "stream": True},
}
COUNTS = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
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
    last = [*sent, *stream.end(0)][-1]
    usage = last["response"]["usage"] if client is Shape.RESPONSES else last["usage"]
    expected = _responses(COUNTS) if client is Shape.RESPONSES else COUNTS
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
        last = [*sent, *stream.end(0)][-1]
        usage = last["response"]["usage"] if client is Shape.RESPONSES else last["usage"]
    else:
        usage = translation.reply([whole(home, given)])["usage"]
    expected = _responses(COUNTS) if client is Shape.RESPONSES else COUNTS
    others = COUNTS if client is Shape.RESPONSES else _responses(COUNTS)
    assert {name: usage[name] for name in expected} == expected
    assert usage["cost"] == 0.5
    assert usage.keys() & (others.keys() - expected.keys()) == set()


def whole(home: Shape, usage: Json) -> Json:
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
    return [*before, {**last, "usage": usage}]
