"""A completions endpoint that takes one prompt, as replies and as streams."""

from collections.abc import Sequence
from typing import Any

from gateway.errors import GatewayError
from gateway.shapes import Json
from gateway.translate.completions_fanned_out import translate
from gateway.translate.contract import StreamTranslation, Translation
from gateway.translate.limits.capabilities import Capabilities
from tests.translate.completions_via_chat.chat_backend import make_context

ONE_PROMPT = Capabilities(strict_params=False, prompt_list=False, token_prompts=False)
ONE_CHOICE = Capabilities(strict_params=False, prompt_list=False, token_prompts=False, n=False)


def asking(capabilities: Capabilities = ONE_PROMPT, /, **parameters: Any) -> Translation:
    body = {"model": "asked", "prompt": ["a", "b"], **parameters}
    before = dict(body)
    translation = translate(body, make_context(capabilities))
    assert body == before
    return translation


def choice(text: str, index: int = 0, reason: str | None = "stop", **more: Any) -> Json:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": reason, **more}


def completion(*choices: Json | None, **more: Any) -> Json:
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 5,
        "model": "served",
        "choices": list(choices),
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        **more,
    }


def chunk(*choices: Json | None, **more: Any) -> Json:
    return {"id": "cmpl-1", "created": 5, "model": "served", "choices": list(choices), **more}


def fed(stream: StreamTranslation, *events: tuple[int, Json]) -> list[Json]:
    return [out for call, event in events for out in stream.feed(call, event)]


def texts(events: Sequence[Json]) -> dict[int, str]:
    found: dict[int, str] = {}
    for event in events:
        for piece in event["choices"]:
            found[piece["index"]] = found.get(piece["index"], "") + piece["text"]
    return found


def raised(error: GatewayError) -> tuple[int, str | None]:
    return error.status, error.param


LISTS = Capabilities(token_prompts=False)


TOKENS = Capabilities(prompt_list=False)
