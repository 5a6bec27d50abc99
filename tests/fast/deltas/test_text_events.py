"""Only events that carry text and nothing else are text events."""

from typing import Any

import pytest

from gateway.fast.deltas.text_events import has_only
from gateway.shapes import Json, Shape
from tests.fast.both_paths import changed
from tests.fast.names import names_in_translate

CHAT: Json = {
    "id": "c",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "system_fingerprint": None,
    "choices": [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": "a", "tool_calls": [], "reasoning": ""},
            "logprobs": None,
            "finish_reason": None,
        }
    ],
    "usage": None,
    "obfuscation": "xx",
}
COMPLETIONS: Json = {**CHAT, "choices": [{"index": 1, "text": "a", "finish_reason": ""}]}
RESPONSES: Json = {
    "type": "response.output_text.delta",
    "item_id": "msg_1",
    "output_index": 0,
    "content_index": 0,
    "delta": "a",
    "logprobs": [],
    "sequence_number": 4,
    "obfuscation": "xx",
}
MESSAGES: Json = {
    "type": "content_block_delta",
    "index": 0,
    "delta": {"type": "text_delta", "text": "a"},
}
EVENTS = [
    *((Shape.CHAT, CHAT), (Shape.COMPLETIONS, COMPLETIONS)),
    *((Shape.RESPONSES, RESPONSES), (Shape.MESSAGES, MESSAGES)),
]


@pytest.mark.parametrize(("shape", "event"), EVENTS)
def test_text_alone_is_a_text_event(shape: Shape, event: Json) -> None:
    assert has_only("text", shape, event)


@pytest.mark.parametrize(
    ("shape", "event", "path", "value"),
    [
        *[
            (shape, event, path, value)
            for shape, event in ((Shape.CHAT, CHAT), (Shape.COMPLETIONS, COMPLETIONS))
            for path, value in (
                ("own", None),
                ("usage", {"total_tokens": 1}),
                ("error", {"message": "no"}),
                ("citations", ["u"]),
                ("choices", []),
                ("choices", event["choices"] * 2),
                ("choices.0.own", None),
                ("choices.0.message", {"content": "ab"}),
                ("choices.0.finish_reason", "stop"),
                ("choices.0.logprobs", {"content": []}),
            )
        ],
        *[
            (Shape.CHAT, CHAT, f"choices.0.delta.{name}", value)
            for name, value in (
                *(("own", None), ("content", ""), ("content", None), ("content", ["a"])),
                *(("refusal", "no"), ("reasoning", "hm"), ("tool_calls", [{"index": 0}])),
            )
        ],
        (Shape.COMPLETIONS, COMPLETIONS, "choices.0.text", ""),
        *[
            (Shape.RESPONSES, RESPONSES, path, value)
            for path, value in (
                *(("own", None), ("delta", ""), ("type", "response.refusal.delta")),
                *(("logprobs", [{"token": "a"}]), ("response", {})),
            )
        ],
        *[
            (Shape.MESSAGES, MESSAGES, path, value)
            for path, value in (
                *(("own", None), ("type", "content_block_start"), ("delta.text", "")),
                *(("delta.type", "thinking_delta"), ("delta.citations", []), ("delta", {})),
            )
        ],
    ],
)
def test_anything_else_is_none(shape: Shape, event: Json, path: str, value: Any) -> None:
    assert not has_only("text", shape, changed(event, [(path, value)]))


ANY_VALUE = {
    *("id", "object", "created", "model", "system_fingerprint", "service_tier"),
    *("provider", "obfuscation", "p"),
    *("item_id", "output_index", "content_index", "sequence_number"),
}
"""Fields whose values do not set an event of a run apart."""


@pytest.mark.parametrize(
    ("shape", "event", "path"),
    [
        *[(Shape.CHAT, CHAT, path) for path in ("", "choices.0.", "choices.0.delta.")],
        *[(Shape.COMPLETIONS, COMPLETIONS, path) for path in ("", "choices.0.")],
        (Shape.RESPONSES, RESPONSES, ""),
        *[(Shape.MESSAGES, MESSAGES, path) for path in ("", "delta.")],
    ],
)
def test_no_other_field_that_a_translation_may_read_is_passed_over(
    shape: Shape, event: Json, path: str
) -> None:
    any_value = ANY_VALUE | ({"index"} if event is MESSAGES else set())
    for name in {*names_in_translate(), "own"} - any_value:
        assert not has_only("text", shape, changed(event, [(f"{path}{name}", {"a": "b"})])), name
