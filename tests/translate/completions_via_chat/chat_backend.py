"""What a chat backend sends, and a client that reads the translated stream."""

import copy
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import TruncatedStream
from gateway.shapes import Json, Shape
from gateway.translate.completions_via_chat import translate
from gateway.translate.contract import Context, StreamTranslation, Translation
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.stream.sse import DONE, SSEDecoder, encode_events, terminator

NOW = 1_700_000_000
FRESH_ID = "f" * 32


def make_context(
    capabilities: Capabilities | None = None,
    settings: TranslationSettings | None = None,
    **others: Any,
) -> Context:
    return Context(
        model_asked="asked",
        model_sent="sent",
        capabilities=capabilities or Capabilities(),
        settings=settings or TranslationSettings(),
        new_id=lambda: FRESH_ID,
        now=NOW,
        **others,
    )


SELF_HOSTED = Capabilities(strict_params=False)
DROPPING = TranslationSettings(on_unsupported="drop")


def asking(context: Context | None = None, /, **parameters: Any) -> Translation:
    """Translate a request for one prompt, or what `parameters` say; check that it is untouched."""
    body = {"model": "asked", "prompt": "Once", **parameters}
    before = copy.deepcopy(body)
    translation = translate(body, context or make_context())
    assert body == before
    return translation


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


def choice(
    text: str | None,
    index: int = 0,
    finish_reason: str | None = "stop",
    entries: list[Json] | None = None,
    **message: Any,
) -> Json:
    return {
        "index": index,
        "message": {"role": "assistant", "content": text, **message},
        "logprobs": None if entries is None else {"content": entries, "refusal": None},
        "finish_reason": finish_reason,
    }


def usage(prompt: int = 3, completion: int = 5) -> Json:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def completion(*choices: Json, **others: Any) -> Json:
    return {
        "id": "chatcmpl-7",
        "object": "chat.completion",
        "created": 1_600_000_000,
        "model": "sent-0613",
        "choices": list(choices),
        "usage": usage(),
        **others,
    }


def chunk(*choices: Json, **others: Any) -> Json:
    return {
        "id": "chatcmpl-7",
        "object": "chat.completion.chunk",
        "created": 1_600_000_000,
        "model": "sent-0613",
        "choices": list(choices),
        **others,
    }


def delta(
    content: str | None = None,
    index: int = 0,
    finish_reason: str | None = None,
    entries: list[Json] | None = None,
    **others: Any,
) -> Json:
    return {
        "index": index,
        "delta": {**({} if content is None else {"content": content}), **others},
        "logprobs": None if entries is None else {"content": entries},
        "finish_reason": finish_reason,
    }


def role(index: int = 0) -> Json:
    return delta("", index, role="assistant", refusal=None)


def streamed(translation: Translation, *streams: Sequence[Json]) -> list[Json]:
    """Return the chunks of the streams of all calls.

    They are sent whole and byte by byte, which must not matter, and cut off after every event,
    which the client must learn of unless every choice was finished.
    """
    wires = [b"".join(encode_events(Shape.CHAT, [event]) for event in stream) for stream in streams]
    ending = terminator(Shape.CHAT)
    whole = _play(translation.stream(), [[wire + ending] for wire in wires])
    bytewise = _play(
        translation.stream(), [[bytes([byte]) for byte in wire + ending] for wire in wires]
    )
    assert bytewise == whole
    assert _play(translation.stream(), [[wire] for wire in wires]) == whole, "without [DONE]"
    _cut_off_everywhere(translation, streams)
    return whole


def _cut_off_everywhere(translation: Translation, streams: Sequence[Sequence[Json]]) -> None:
    for call, stream in enumerate(streams):
        for length in range(len(stream)):
            start = b"".join(encode_events(Shape.CHAT, [event]) for event in stream[:length])
            fold = translation.stream()
            received = _feed(fold, call, [start])
            ended = {str(c.get("index")) for c in _choices(stream[:length]) if _is_last(c)}
            ended |= {str(c["index"]) for c in _choices(received) if _is_last(c)}
            if len(ended) >= translation.calls[call].get("n", 1):
                fold.end(call)
            else:
                with pytest.raises(TruncatedStream):
                    fold.end(call)


def _choices(events: Sequence[Json]) -> list[Json]:
    return [choice for event in events for choice in event.get("choices") or () if choice]


def _is_last(part: Json) -> bool:
    return bool(part.get("finish_reason"))


def _play(fold: StreamTranslation, wires: Sequence[Sequence[bytes]]) -> list[Json]:
    received: list[Json] = []
    for call, pieces in enumerate(wires):
        received += _feed(fold, call, pieces)
        received += fold.end(call)
    return received


def _feed(fold: StreamTranslation, call: int, pieces: Sequence[bytes]) -> list[Json]:
    decoder = SSEDecoder()
    received: list[Json] = []
    for piece in pieces:
        for event in decoder.feed(piece):
            if event.data != DONE and not fold.satisfied(call):
                # A copy, as the wire makes one: nothing may change what was emitted before.
                received += copy.deepcopy(fold.feed(call, msgspec.json.decode(event.data)))
    return received


def gathered(chunks: Sequence[Json]) -> dict[int, Json]:
    """Return what a client makes of the chunks: per index the text, the logprobs, the finish."""
    choices: dict[int, Json] = {}
    for event in chunks:
        for part in event["choices"]:
            known = choices.setdefault(
                part["index"], {"text": "", "logprobs": None, "finish_reason": None}
            )
            assert known["finish_reason"] is None, "nothing comes after the finish"
            known["text"] += part["text"]
            known["finish_reason"] = part["finish_reason"]
            if part["logprobs"] is not None:
                sums = known["logprobs"] or {key: [] for key in part["logprobs"]}
                known["logprobs"] = {key: sums[key] + part["logprobs"][key] for key in sums}
    return choices


NO_STOP = Capabilities(stop=False)


HEAD = {"id": "cmpl-7", "object": "text_completion", "created": 1_600_000_000, "model": "asked"}


def part(text: str, index: int = 0, reason: str | None = None, logprobs: Any = None) -> Json:
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}
