"""A field that nobody knows is sent or reported, wherever an OpenAI client writes it.

`test_messages_fields.py` says the same of messages clients, and of the fields that are known; what
is known of these shapes is in random exchanges (`round_trips/`) and the tables of their pairs.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import GatewayError
from gateway.servers import Profile
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.server_capabilities import preset
from gateway.translate.plan import plan
from tests import kinds
from tests.translate.sealing import OpenSeal
from tests.translate.test_messages_fields import dropped_of, is_reported, places, shown

COMPLETIONS, CHAT = Shape.COMPLETIONS, Shape.CHAT
RESPONSES, MESSAGES = Shape.RESPONSES, Shape.MESSAGES
PNG = "data:image/png;base64,iVBORw0="
PDF = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}
OBJECT: Json = {"type": "object", "properties": {}, "additionalProperties": False}
FORMAT: Json = {"name": "n", "description": "d", "strict": True, "schema": OBJECT}
GRAMMAR = {"syntax": "lark", "definition": "start: x"}
FUNCTION: Json = {"name": "f", "description": "d", "parameters": OBJECT, "strict": True}


def user(content: Any, **fields: Any) -> Json:
    return {"role": "user", "content": content, **fields}


def chat(*messages: Json, **fields: Any) -> Json:
    return {"model": "a", "messages": [user("x"), *messages], **fields}


def responses(*items: Json, **fields: Any) -> Json:
    return {"model": "a", "input": [user("x"), *items], **fields}


def after_call(kind: str, output: Any, **fields: Any) -> tuple[Json, Json]:
    """Return a call within the input of a response, and its output."""
    call = {"type": kind, "call_id": "c", "id": "i", "status": "completed", **fields}
    name = f"{kind.removesuffix('_call')}_call_output"
    done = {"type": name, "call_id": "c", "output": output, "status": "completed"}
    return call, done


PARAMETERS: Json = {
    "temperature": 0.3,
    "top_p": 0.4,
    "user": "u",
    "metadata": {"a": "b"},
    "store": False,
    "service_tier": "flex",
    "safety_identifier": "s",
    "prompt_cache_key": "k",
}
BODIES: dict[Shape, list[Json]] = {
    CHAT: [
        chat(
            {"role": "developer", "content": [{"type": "text", "text": "s"}], "name": "n"},
            user([{"type": "image_url", "image_url": {"url": PNG, "detail": "high"}}]),
            user([{"type": "file", "file": PDF}]),
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        ),
        chat(
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "t"}],
                "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                    {"id": "d", "type": "custom", "custom": {"name": "g", "input": "in"}},
                ],
            },
            {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "r"}]},
            {"role": "tool", "tool_call_id": "d", "content": "r"},
            tools=[
                {"type": "function", "function": FUNCTION},
                {
                    "type": "custom",
                    "custom": {"name": "g", "format": {"type": "grammar", "grammar": GRAMMAR}},
                },
            ],
            tool_choice={
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "f"}}],
                },
            },
        ),
        chat(
            {
                "role": "assistant",
                "content": None,
                "function_call": {"name": "f", "arguments": "{}"},
            },
            {"role": "function", "name": "f", "content": "r"},
            functions=[{"name": "f", "parameters": OBJECT}],
            function_call={"name": "f"},
        ),
        chat(response_format={"type": "json_schema", "json_schema": FORMAT}, **PARAMETERS),
        chat(stream=True, stream_options={"include_usage": True}),
        chat(web_search_options={"user_location": {"type": "approximate", "approximate": {}}}),
        chat(prediction={"type": "content", "content": [{"type": "text", "text": "p"}]}),
    ],
    RESPONSES: [
        responses(
            user(
                [
                    {"type": "input_text", "text": "a"},
                    {"type": "input_image", "image_url": PNG, "detail": "low"},
                    {"type": "input_file", **PDF},
                ]
            ),
            {
                "type": "message",
                "role": "assistant",
                "content": [
                    {"type": "output_text", "text": "o", "annotations": []},
                    {"type": "refusal", "refusal": "n"},
                ],
            },
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}]},
        ),
        responses(
            *after_call(
                "function_call",
                [{"type": "input_text", "text": "r"}, {"type": "input_image", "image_url": PNG}],
                name="f",
                arguments="{}",
            ),
            tools=[{"type": "function", **FUNCTION}],
            tool_choice={
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}],
            },
        ),
        responses(
            *after_call("custom_tool_call", "r", name="g", input="in"),
            tools=[{"type": "custom", "name": "g", "format": {"type": "grammar", **GRAMMAR}}],
        ),
        responses(
            *after_call(
                "shell_call",
                [{"stdout": "a", "stderr": "b", "outcome": {"type": "exit", "exit_code": 0}}],
                action={"commands": ["ls"]},
            ),
            tools=[
                {
                    "type": "shell",
                    "environment": {
                        "type": "local",
                        "skills": [{"name": "n", "description": "d", "path": "/p"}],
                    },
                }
            ],
        ),
        responses(
            *after_call(
                "apply_patch_call",
                "ok",
                operation={"type": "create_file", "path": "a", "diff": "d"},
            ),
            tools=[{"type": "apply_patch"}],
        ),
        responses(
            tools=[
                {
                    "type": "namespace",
                    "name": "ns",
                    "tools": [{"type": "function", "name": "f", "parameters": OBJECT}],
                }
            ]
        ),
        responses(
            text={"format": {"type": "json_schema", **FORMAT}, "verbosity": "low"},
            reasoning={"effort": "low"},
            **PARAMETERS,
        ),
    ],
    COMPLETIONS: [
        {"model": "a", "prompt": "p", "stream": True, "stream_options": {"include_usage": True}}
    ],
}
ENDS: list[tuple[Shape, Shape, Profile]] = [
    (CHAT, RESPONSES, kinds.OPENAI),
    (CHAT, RESPONSES, kinds.VLLM),
    (CHAT, COMPLETIONS, kinds.VLLM),
    (CHAT, MESSAGES, kinds.ANTHROPIC),
    (RESPONSES, CHAT, kinds.OPENAI),
    (RESPONSES, CHAT, kinds.VLLM),
    (RESPONSES, COMPLETIONS, kinds.VLLM),
    (RESPONSES, MESSAGES, kinds.ANTHROPIC),
    (COMPLETIONS, CHAT, kinds.OPENAI),
    (COMPLETIONS, RESPONSES, kinds.OPENAI),
    (COMPLETIONS, MESSAGES, kinds.ANTHROPIC),
]
VALUES = {"parameters", "schema", "metadata"}
"""What is in these has no names that an endpoint knows."""


def outcome(client: Shape, home: Shape, kind: Profile, body: Json) -> tuple[str, str] | None:
    """Return what is sent and the report; None: the request is refused."""
    settings = TranslationSettings(on_unsupported="drop", hosted_tools="drop", extra_params="drop")
    context = Context(
        *("m", "m"),
        capabilities=preset(kind, home),
        settings=settings,
        new_id=lambda: "0" * 32,
        seal=OpenSeal(),
        upstream="u",
    )
    try:
        made = plan(client, home, body, context)
    except GatewayError:
        return None
    return json.dumps(list(made.calls)), made.report.header()


def with_unknown(body: Json) -> Iterator[tuple[str, tuple[str | int, ...], Json]]:
    """Yield copies of a request, each with an unknown field in another object."""
    for keys in ((), *places(body)):
        changed = copy.deepcopy(body)
        inner: Any = changed
        for key in keys:
            inner = inner[key]
        if isinstance(inner, dict) and not VALUES & {*keys}:
            inner["of_tomorrow"] = 1
            place = (*keys, "of_tomorrow")
            yield shown(place), place, changed


CASES = [(*end, number) for end in ENDS for number in range(len(BODIES[end[0]]))]


@pytest.mark.parametrize(("client", "home", "kind", "number"), CASES)
def test_a_field_that_nobody_knows_is_sent_or_reported_wherever_it_is(
    client: Shape, home: Shape, kind: Profile, number: int
) -> None:
    body = BODIES[client][number]
    before = outcome(client, home, kind, body)
    silent = []
    for place, keys, changed in with_unknown(body):
        after = outcome(client, home, kind, changed)
        if after is not None and after == before and not is_reported(keys, dropped_of(after[1])):
            silent.append(place)
    assert silent == []


@pytest.mark.parametrize("client", BODIES)
def test_each_of_the_requests_can_be_sent_somewhere(client: Shape) -> None:
    for body in BODIES[client]:
        sent = [outcome(*end, body) for end in ENDS if end[0] is client]
        assert any(sent), body
