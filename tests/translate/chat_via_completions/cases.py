"""What the tests of this package share: requests, contexts, and upstream replies to them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gateway.config.translation_settings import TemplateSettings, TranslationSettings
from gateway.errors import GatewayError, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.chat_via_completions import translate
from gateway.translate.contract import Context, StreamTranslation, Translation
from gateway.translate.limits.capabilities import Capabilities

HELLO = [{"role": "user", "content": "hello"}]
RAW = TemplateSettings(name="raw")
LENIENT = Capabilities(strict_params=False)


def context(
    capabilities: Capabilities = LENIENT,
    template: TemplateSettings | None = RAW,
    **settings: Any,
) -> Context:
    return Context(
        model_asked="base",
        model_sent="acme/base-7b",
        settings=replace(TranslationSettings(), **settings),
        capabilities=capabilities,
        template=template,
        new_id=lambda: "f" * 32,
        now=1_700_000_000,
    )


def translated(body: Json, of: Context | None = None) -> Translation:
    return translate({"messages": HELLO, **body}, of or context())


def call_of(body: Json, of: Context | None = None) -> Json:
    """Return the one upstream body of a request."""
    (call,) = translated(body, of).calls
    return call


def completion(*choices: Json, **more: Any) -> Json:
    return {
        "id": "cmpl-7",
        "object": "text_completion",
        "created": 1_690_000_000,
        "model": "acme/base-7b",
        "choices": [
            {"index": i, "logprobs": None, "finish_reason": "stop", **choice}
            for i, choice in enumerate(choices)
        ],
        **more,
    }


def chunk(
    text: str = "",
    *,
    index: int = 0,
    finish: str | None = None,
    logprobs: Json | None = None,
    **more: Any,
) -> Json:
    choice = {"index": index, "text": text, "logprobs": logprobs, "finish_reason": finish}
    return {
        "id": "cmpl-7",
        "object": "text_completion",
        "created": 1_690_000_000,
        "model": "acme/base-7b",
        "choices": [choice],
        **more,
    }


def legacy_logprobs(*tokens: str) -> Json:
    return {
        "tokens": list(tokens),
        "token_logprobs": [-0.5] * len(tokens),
        "top_logprobs": [{token: -0.5, "other": -1.5} for token in tokens],
        "text_offset": [0] * len(tokens),
    }


def run(stream: StreamTranslation, events: Sequence[Json], call: int = 0) -> list[Json]:
    """Return all chunks of one call's stream, its end included."""
    chunks = [made for event in events for made in stream.feed(call, event)]
    return chunks + stream.end(call)


def text_of(chunks: Sequence[Json], index: int = 0) -> str:
    return "".join(
        choice["delta"].get("content", "")
        for made in chunks
        for choice in made["choices"]
        if choice["index"] == index
    )


def finishes_of(chunks: Sequence[Json], index: int = 0) -> list[str]:
    return [
        choice["finish_reason"]
        for made in chunks
        for choice in made["choices"]
        if choice["index"] == index and choice["finish_reason"] is not None
    ]


def tokens_of(chunks: Sequence[Json], index: int = 0) -> list[str]:
    return [
        entry["token"]
        for made in chunks
        for choice in made["choices"]
        if choice["index"] == index and choice["logprobs"]
        for entry in choice["logprobs"]["content"]
    ]


def outcome(attempt: Callable[[], Any]) -> Any:
    """Return what an attempt returns, or the one kind of error that it may raise."""
    try:
        return attempt()
    except GatewayError as error:
        return error


DEFAULT_LIMIT = "max_completion_tokens:none->1024"


def assert_refused(body: Json, param: str, of: Context | None = None) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        translated(body, of)
    assert caught.value.param == param
    assert caught.value.code == "unsupported_parameter"
    assert f"'{param}' is not supported for model 'base'" in caught.value.message


def assert_refused_or_dropped(body: Json, param: str, capabilities: Capabilities = LENIENT) -> None:
    assert_refused(body, param, context(capabilities))
    lenient = translated(body, context(capabilities, on_unsupported="drop"))
    assert param in lenient.report.dropped
    assert not set(lenient.calls[0]) - {"model", "prompt", "max_tokens"}


def assert_ignored(body: Json) -> None:
    """Assert that a neutral value is neither sent nor refused nor reported."""
    translation = translated(body)
    assert translation.calls[0] == call_of({})
    assert translation.report.dropped == []
    assert translation.report.changed == [DEFAULT_LIMIT]


def assert_hint(body: Json, name: str) -> None:
    translation = translated(body)
    assert translation.calls[0] == call_of({})
    assert translation.report.dropped == [name]
