"""Numbers that are none, and byte order marks, in replies: read, and valid JSON for the client.

Python's `json` writes them so, and the official clients read them. Every pair of shapes, whole and
streamed; at the model's own endpoint the bytes stay as they are.
"""

import json
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.errors import InvalidRequest
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Exchanged, Scene, chat_chunk, chat_completion, completion
from tests.fakes import EVENT_STREAM, JSON, Answer, FakeReply, json_reply
from tests.faults import payloads as faults

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
OTHER = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.OTHER)
BOM = b"\xef\xbb\xbf"
MINUS_INFINITY, NAN, TOO_LARGE = float("-inf"), float("nan"), "TOO LARGE"
LOWEST = -9999.0

CHOSEN = {"token": "Hello", "logprob": MINUS_INFINITY, "bytes": None}
ENTRY = {**CHOSEN, "top_logprobs": [CHOSEN, {**CHOSEN, "token": "Bye", "logprob": NAN}]}
LEGACY: Json = {
    "tokens": ["Hello"],
    "token_logprobs": [MINUS_INFINITY],
    "top_logprobs": [{"Hello": MINUS_INFINITY, "Bye": NAN}],
    "text_offset": [0],
}
ODD: Json = {"created": TOO_LARGE, "took_ms": NAN}
USAGE: Json = {
    "prompt_tokens": 1,
    "completion_tokens": 2,
    "total_tokens": 3,
    "price": MINUS_INFINITY,
}
ASKED: dict[Shape, Json] = {
    COMPLETIONS: {"prompt": "Hi", "logprobs": 2},
    CHAT: {"messages": [{"role": "user", "content": "Hi"}], "logprobs": True, "top_logprobs": 2},
    RESPONSES: {
        "input": "Hi",
        "include": ["message.output_text.logprobs"],
        "top_logprobs": 2,
    },
    Shape.MESSAGES: {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
}


def response(status: str) -> Json:
    text = {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": [ENTRY]}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "price": NAN}
    done = status == "completed"
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": TOO_LARGE,
        "model": "served-model",
        "status": status,
        "error": None,
        "incomplete_details": None,
        "took_ms": NAN,
        "output": [{**item, "content": [text]}] if done else [],
        "usage": usage if done else None,
    }


def whole(home: Shape) -> Json:
    """Return a reply of an endpoint."""
    if home is RESPONSES:
        return response("completed")
    if home is Shape.MESSAGES:
        return {**faults.whole(home), **ODD}
    reply = completion() if home is COMPLETIONS else chat_completion()
    reply["choices"][0]["logprobs"] = LEGACY if home is COMPLETIONS else {"content": [ENTRY]}
    return {**reply, **ODD, "usage": USAGE}


def events(home: Shape) -> list[Json]:
    """Return the events of a stream of an endpoint."""
    if home is RESPONSES:
        place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        item = response("completed")["output"][0]
        delta = {**place, "delta": "Hello", "logprobs": [ENTRY]}
        result: list[Json] = [
            {"type": "response.created", "response": response("in_progress")},
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": {**item, "status": "in_progress", "content": []},
            },
            {
                "type": "response.content_part.added",
                **place,
                "part": {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
            },
            {"type": "response.output_text.delta", **delta},
            {
                "type": "response.output_text.done",
                **place,
                "text": "Hello",
                "logprobs": [ENTRY],
            },
            {"type": "response.content_part.done", **place, "part": item["content"][0]},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": response("completed")},
        ]
        return [{**event, "sequence_number": n, "took_ms": NAN} for n, event in enumerate(result)]
    if home is Shape.MESSAGES:
        phases = faults.chunk_objects(home).values()
        return [{**event, "took_ms": NAN} for phase in phases for event in phase]
    if home is CHAT:
        first = chat_chunk("Hello", **ODD)
        first["choices"][0]["logprobs"] = {"content": [ENTRY]}
        last = chat_chunk(finish="stop", **ODD)
    else:
        first, last = completion(**ODD), completion("", **ODD)
        first["choices"][0] |= {"finish_reason": None, "logprobs": LEGACY}
        del first["usage"], last["usage"]
    return [first, last, {**first, "choices": [], "usage": USAGE}]


def written(value: Json) -> bytes:
    """Return what Python's `json` writes, and C's `printf` of a number beyond every double."""
    return json.dumps(value).replace(json.dumps(TOO_LARGE), "1e400").encode()


def body_of(home: Shape, *, streamed: bool) -> bytes:
    if not streamed:
        return BOM + written(whole(home))
    stream = b"".join(b"data: " + BOM + written(event) + b"\n\n" for event in events(home))
    return BOM + stream + faults.terminator(home)


def exchanged(client: Shape, home: Shape, *, renamed: bool, streamed: bool) -> Exchanged:
    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"object": "list", "data": [{"id": "m", "object": "model"}]})
        headers = EVENT_STREAM if streamed else JSON
        return FakeReply(200, headers, (body_of(home, streamed=streamed),))

    rule = ModelRule("asked", model="m" if renamed else None, endpoints=(home,))
    body = {"model": "asked", **ASKED[client], **({"stream": True} if streamed else {})}
    return Scene(answer, OTHER, rules=(rule,)).generate(client, body)


def logprobs_in(value: Any) -> list[Any]:
    """Return all logprobs of a reply or an event."""
    if isinstance(value, list):
        return [each for item in value for each in logprobs_in(item)]
    if not isinstance(value, dict):
        return []
    if "token_logprobs" in value:
        best = [each for item in value["top_logprobs"] for each in item.values()]
        return [*value["token_logprobs"], *best]
    own = [value["logprob"]] if "logprob" in value else []
    return [*own, *(each for inner in value.values() for each in logprobs_in(inner))]


WITH_LOGPROBS = (COMPLETIONS, CHAT, RESPONSES)
PAIRS = [(client, home, True) for client in WITH_LOGPROBS for home in WITH_LOGPROBS]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("client", "home", "renamed"), PAIRS)
def test_they_are_read_wherever_the_gateway_translates(
    client: Shape, home: Shape, *, renamed: bool, streamed: bool
) -> None:
    seen = exchanged(client, home, renamed=renamed, streamed=streamed)
    values = [event for event in seen.events if event != "[DONE]"] if streamed else [seen.json]
    found = logprobs_in(values)
    assert len(found) >= 3
    assert set(found) == {LOWEST}
    assert b"Hello" in seen.body
    assert b"\xef\xbb\xbf" not in seen.body
    assert b'"error":{' not in seen.body


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("shape", Shape)
def test_what_is_relayed_stays_as_it_is(shape: Shape, *, streamed: bool) -> None:
    seen = exchanged(shape, shape, renamed=False, streamed=streamed)
    assert seen.body == body_of(shape, streamed=streamed)


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e400"])
@pytest.mark.parametrize("shape", Shape)
def test_a_request_with_one_is_refused(shape: Shape, number: bytes) -> None:
    body = msgspec.json.encode({"model": "m", **ASKED[shape], "temperature": 1})
    scene = Scene(lambda _: json_reply(whole(shape)), OTHER, rules=(ModelRule("m", model="x"),))
    with pytest.raises(InvalidRequest) as raised:
        scene.generate(shape, body.replace(b'"temperature":1', b'"temperature":' + number))
    assert (raised.value.status, raised.value.code) == (400, "invalid_json")
