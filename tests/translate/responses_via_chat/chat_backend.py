"""What a chat backend sends, and how the tests of this package talk to it."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import msgspec
import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import GatewayError, TruncatedStream
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, StreamTranslation, Translation
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.responses_via_chat import translate
from gateway.translate.stream.sse import DONE, SSEDecoder, encode_events, terminator
from tests.translate.openai_schema import check_schema
from tests.translate.responses_via_chat.client_stream import read, read_any

NOW = 1_700_000_000
CREATED = 1_690_000_000
OPENAI = Capabilities()
SELF_HOSTED = Capabilities(
    strict_params=False,
    custom_tools=False,
    allowed_tools=False,
    moderation=False,
    developer_role=False,
    multi_system=False,
    roles_in_a_row=False,
)


def context(capabilities: Capabilities = OPENAI, /, **settings: Any) -> Context:
    """Return a context whose fresh ids count up: 000…01, 000…02, …."""
    numbers = count(1)
    return Context(
        model_asked="asked",
        model_sent="sent",
        settings=replace(TranslationSettings(), **settings),
        capabilities=capabilities,
        new_id=lambda: f"{next(numbers):032x}",
        now=NOW,
    )


def asking(of: Context | None = None, /, **parameters: Any) -> Translation:
    """Translate a request, check that it is untouched and that OpenAI would take the call."""
    body = {"model": "asked", "input": "Hello", **parameters}
    before = copy.deepcopy(body)
    translation = translate(body, of or context())
    assert body == before
    for call in translation.calls:
        check_schema("CreateChatCompletionRequest", call)
    return translation


def call_of(of: Context | None = None, /, **parameters: Any) -> Json:
    """Return the one upstream body of a request."""
    (call,) = asking(of, **parameters).calls
    return call


def refused(of: Context | None = None, /, **parameters: Any) -> GatewayError:
    """Return the error that a request is refused with."""
    with pytest.raises(GatewayError) as caught:
        asking(of, **parameters)
    assert caught.value.status == 400
    return caught.value


def entry(token: str, logprob: float = -0.5, **top: float) -> Json:
    return {
        "token": token,
        "logprob": logprob,
        "bytes": list(token.encode()),
        "top_logprobs": [
            {"token": other, "logprob": value, "bytes": list(other.encode())}
            for other, value in top.items()
        ],
    }


def usage(prompt: int = 3, completion: int = 5) -> Json:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def tool_call(name: str, arguments: str, call_id: str = "call_a", **more: Any) -> Json:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
        **more,
    }


def completion(
    content: Any = None, finish: str | None = "stop", *, logprobs: Any = None, **message: Any
) -> Json:
    """Return a whole reply with one message."""
    return {
        "id": "chatcmpl-7",
        "object": "chat.completion",
        "created": CREATED,
        "model": "sent-0613",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": None, **message},
                "logprobs": logprobs,
                "finish_reason": finish,
            }
        ],
        "usage": usage(),
    }


def chunk(
    content: Any = None, finish: str | None = None, *, logprobs: Any = None, **delta: Any
) -> Json:
    """Return a chunk with one delta."""
    if content is not None:
        delta["content"] = content
    choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
    return {**_HEAD, "choices": [choice]}


_HEAD: Json = {
    "id": "chatcmpl-7",
    "object": "chat.completion.chunk",
    "created": CREATED,
    "model": "sent-0613",
}
ROLE = chunk("", role="assistant", refusal=None)
USAGE = {**_HEAD, "choices": [], "usage": usage()}


def fragment(
    index: int | None, arguments: str | None = None, *, name: str | None = None, call_id: str = ""
) -> Json:
    """Return a piece of a streamed tool call; what is None or empty is left out."""
    piece: Json = {} if index is None else {"index": index}
    if call_id:
        piece |= {"id": call_id, "type": "function"}
    function = {"name": name, "arguments": arguments}
    piece["function"] = {key: value for key, value in function.items() if value is not None}
    return piece


def replied(reply: Json, of: Context | None = None, /, **parameters: Any) -> Json:
    """Return the response that a whole reply becomes, checked against the schema.

    The same reply as a stream of one event must become the same.
    """
    response = asking(of, **parameters).reply([copy.deepcopy(reply)])
    check_schema("Response", response)
    assert "output_text" not in response
    return response


def streamed(translate_again: Callable[[], Translation], events: Sequence[Json]) -> list[Json]:
    """Return the events that a client is sent for a backend's stream; all are checked.

    The stream is sent whole and byte by byte, which must not matter, and cut off after every
    event, which the client must learn of. `translate_again` makes a translation with fresh ids.
    """
    wire = b"".join(encode_events(Shape.CHAT, [event]) for event in events)
    ending = terminator(Shape.CHAT)
    whole = _play(translate_again(), [wire + ending])
    read(whole)
    bytewise = _play(translate_again(), [bytes([byte]) for byte in wire + ending])
    assert bytewise == whole
    assert _play(translate_again(), [wire]) == whole, "without [DONE]"
    _cut_off_everywhere(translate_again, events)
    return whole


def stream_of(
    events: Sequence[Json], of: Callable[[], Context] = context, /, **parameters: Any
) -> list[Json]:
    """Return what a client of a streamed request is sent."""
    return streamed(lambda: asking(of(), stream=True, **parameters), events)


def _cut_off_everywhere(translate_again: Callable[[], Translation], events: Sequence[Json]) -> None:
    for length in range(len(events)):
        fold = translate_again().stream()
        wire = b"".join(encode_events(Shape.CHAT, [event]) for event in events[:length])
        received = _feed(fold, [wire])
        if any(_finishes(event) for event in events[:length]):
            read(received + fold.end(0))
            continue
        with pytest.raises(TruncatedStream) as caught:
            fold.end(0)
        response = read_any(received + fold.fail(caught.value))
        assert response["status"] == "failed"


def _finishes(event: Json) -> bool:
    choices = event.get("choices") or ()
    return any(choice.get("finish_reason") for choice in choices if choice["index"] == 0)


def _play(translation: Translation, pieces: Sequence[bytes]) -> list[Json]:
    fold = translation.stream()
    received = _feed(fold, pieces)
    return received + fold.end(0)


def _feed(fold: StreamTranslation, pieces: Sequence[bytes]) -> list[Json]:
    decoder = SSEDecoder()
    received: list[Json] = []
    for piece in pieces:
        for event in decoder.feed(piece):
            if event.data != DONE and not fold.satisfied(0):
                # A copy, as the wire makes one: nothing may change what was emitted before.
                received += copy.deepcopy(fold.feed(0, msgspec.json.decode(event.data)))
    return received


CITATION = {"url": "https://a.example", "start_index": 0, "end_index": 1, "title": "A"}
