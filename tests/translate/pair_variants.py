"""What requests ask for beside a text, in the words of each client."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.shapes import Json, Shape
from tests.translate.pair_table import (
    CHAT,
    COMPLETIONS,
    MESSAGES,
    RESPONSES,
    WEATHER,
    messages_tool,
)

PERSON: Json = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
TEXT_ANSWERED: Mapping[Shape, Json] = {
    COMPLETIONS: {"prompt": "Hello", "max_tokens": 40},
    CHAT: {"messages": [{"role": "user", "content": "Hello"}]},
    RESPONSES: {"input": "Hello"},
    MESSAGES: {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 40},
}


@dataclass(frozen=True)
class Variant:
    """What is asked for beside a text, by client shape; a shape that is missing has no such thing.

    `refused` maps pairs to the parameter that a 400 names: they cannot do it.
    """

    asked: Mapping[Shape, Json]
    refused: Mapping[tuple[Shape, Shape], str]


TEXT_ONLY = Variant({shape: {} for shape in Shape}, {})
TOOLS = Variant(
    {
        CHAT: {
            "messages": [{"role": "user", "content": "call weather"}],
            "tools": [{"type": "function", "function": WEATHER}],
            "tool_choice": "required",
            "parallel_tool_calls": False,
        },
        RESPONSES: {
            "input": "call weather",
            "tools": [{"type": "function", **WEATHER}],
            "tool_choice": {"type": "function", "name": "weather"},
            "parallel_tool_calls": False,
        },
        MESSAGES: {
            "messages": [{"role": "user", "content": "call weather"}],
            "tools": [messages_tool(WEATHER)],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        },
    },
    {(client, COMPLETIONS): "tools" for client in (CHAT, RESPONSES, MESSAGES)},
)
SECOND_TURN = Variant(
    {
        CHAT: {
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": "call weather"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
            ],
            "tools": [{"type": "function", "function": WEATHER}],
        },
        RESPONSES: {
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "call weather"}]},
                {
                    "type": "function_call",
                    "call_id": "call_1",
                    "name": "weather",
                    "arguments": '{"city": "Oslo"}',
                },
                {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
            ],
            "tools": [{"type": "function", **WEATHER}],
        },
        MESSAGES: {
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "call weather"}]},
                {
                    "role": "assistant",
                    "content": [
                        {
                            "type": "tool_use",
                            "id": "toolu_1",
                            "name": "weather",
                            "input": {"city": "Oslo"},
                        }
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}
                    ],
                },
            ],
            "tools": [messages_tool(WEATHER)],
        },
    },
    {
        (CHAT, COMPLETIONS): "messages[2]",
        (RESPONSES, COMPLETIONS): "input[1]",
        (MESSAGES, COMPLETIONS): "tools",
    },
)
SEVERAL = Variant({COMPLETIONS: {"n": 2}, CHAT: {"n": 2}}, {})
LOGPROBS = Variant(
    {
        COMPLETIONS: {"logprobs": 2},
        CHAT: {"logprobs": True, "top_logprobs": 2},
        RESPONSES: {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
    },
    {
        (COMPLETIONS, MESSAGES): "logprobs",
        (CHAT, MESSAGES): "logprobs",
        (RESPONSES, MESSAGES): "include",
    },
)
STRUCTURED = Variant(
    {
        CHAT: {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "person", "schema": PERSON, "strict": True},
            }
        },
        RESPONSES: {
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "person",
                    "schema": PERSON,
                    "strict": True,
                }
            }
        },
        MESSAGES: {"output_config": {"format": {"type": "json_schema", "schema": PERSON}}},
    },
    {
        (CHAT, COMPLETIONS): "response_format",
        (RESPONSES, COMPLETIONS): "text.format",
        (MESSAGES, COMPLETIONS): "output_config.format",
    },
)
TUNED = Variant(
    {
        COMPLETIONS: {"temperature": 0.5, "top_p": 0.5, "user": "u", "stop": ["\n\n"]},
        CHAT: {
            "temperature": 0.5,
            "top_p": 0.5,
            "user": "u",
            "stop": ["\n\n"],
            "metadata": {"a": "b"},
            "store": False,
        },
        RESPONSES: {
            "temperature": 0.5,
            "top_p": 0.5,
            "user": "u",
            "metadata": {"a": "b"},
            "store": False,
            "truncation": "disabled",
        },
        MESSAGES: {
            "temperature": 0.5,
            "top_p": 0.5,
            "top_k": 5,
            "stop_sequences": ["###"],
            "thinking": {"type": "disabled"},
            "metadata": {"user_id": "u"},
            "service_tier": "standard_only",
            "cache_control": {"type": "ephemeral"},
        },
    },
    {},
)
VARIANTS = {
    "text": TEXT_ONLY,
    "tools": TOOLS,
    "the turn after a tool call": SECOND_TURN,
    "n=2": SEVERAL,
    "logprobs": LOGPROBS,
    "structured output": STRUCTURED,
    "sampling and hints": TUNED,
}
