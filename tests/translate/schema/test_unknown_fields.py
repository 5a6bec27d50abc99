"""What nobody knows of inside of parameters: passed to the same place, or in the report."""

import copy
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Literal

import pytest

from gateway.config.translation_settings import TemplateSettings, TranslationSettings
from gateway.errors import InvalidRequest
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.plan import plan
from gateway.translate.schema.checks import Record
from gateway.translate.schema.unknown_fields import carry_unknown

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
SCHEMA = {"type": "object", "properties": {}}
FUNCTION = {"name": "f", "description": "d", "parameters": SCHEMA, "strict": False}
GRAMMAR = {"syntax": "lark", "definition": "start: x"}
PLACE = {"type": "approximate", "approximate": {"country": "NO"}}
CHAT_ASKED: Json = {
    "model": "asked",
    "messages": [
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "name": "Ann", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Ho"}]},
        {"role": "user", "content": "Well?"},
    ],
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": SCHEMA, "strict": False},
    },
    "prompt_cache_options": {"mode": "explicit"},
}
CHAT_WITH_TOOLS: Json = {
    **CHAT_ASKED,
    "messages": [
        *CHAT_ASKED["messages"],
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "b", "type": "custom", "custom": {"name": "g", "input": "x"}},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "ok"}]},
        {"role": "tool", "tool_call_id": "b", "content": "ok"},
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "ok"},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "https://a.example/i.png"}},
                {"type": "file", "file": {"file_id": "file-1"}},
            ],
        },
    ],
    "tools": [
        {"type": "function", "function": FUNCTION},
        {
            "type": "custom",
            "custom": {"name": "g", "format": {"type": "grammar", "grammar": GRAMMAR}},
        },
    ],
    "tool_choice": {
        "type": "allowed_tools",
        "allowed_tools": {
            "mode": "auto",
            "tools": [{"type": "function", "function": {"name": "f"}}],
        },
    },
    "web_search_options": {"search_context_size": "low", "user_location": PLACE},
}
CHAT_WITH_FUNCTIONS: Json = {
    **CHAT_ASKED,
    "functions": [{"name": "f", "parameters": SCHEMA}],
    "response_format": {"type": "text"},
}
RESPONSES_ASKED: Json = {
    "model": "asked",
    "instructions": "Be brief.",
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Ho", "annotations": []}],
        },
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "message", "role": "user", "content": "Well?"},
    ],
    "reasoning": {"effort": "low"},
    "text": {"format": {"type": "text"}, "verbosity": "low"},
    "stream_options": {"include_obfuscation": False},
    "prompt_cache_options": {"mode": "explicit"},
}


def output(kind: str, call_id: str) -> Json:
    return {"type": kind, "call_id": call_id, "output": [{"type": "input_text", "text": "ok"}]}


RESPONSES_WITH_TOOLS: Json = {
    **RESPONSES_ASKED,
    "input": [
        {
            "type": "additional_tools",
            "role": "developer",
            "tools": [
                {"type": "apply_patch"},
                {"type": "namespace", "name": "n", "tools": [{"type": "function", **FUNCTION}]},
            ],
        },
        *RESPONSES_ASKED["input"],
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "b", "name": "g", "input": "x"},
        {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}},
        output("function_call_output", "a"),
        output("custom_tool_call_output", "b"),
        {"type": "shell_call_output", "call_id": "c", "output": []},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_image", "image_url": "https://a.example/i.png"},
                {"type": "input_file", "file_id": "file-1"},
            ],
        },
    ],
    "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}},
    "tools": [
        {"type": "function", **FUNCTION},
        {"type": "custom", "name": "g", "format": {"type": "grammar", **GRAMMAR}},
        {"type": "shell"},
    ],
    "tool_choice": {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [
            {"type": "function", "name": "f"},
            {"type": "function", "name": "f", "namespace": "n"},
        ],
    },
}
ASKED = [
    (CHAT, RESPONSES, CHAT_ASKED),
    (CHAT, RESPONSES, CHAT_WITH_TOOLS),
    (CHAT, RESPONSES, CHAT_WITH_FUNCTIONS),
    (CHAT, COMPLETIONS, CHAT_ASKED),
    (RESPONSES, CHAT, RESPONSES_ASKED),
    (RESPONSES, CHAT, RESPONSES_WITH_TOOLS),
    (RESPONSES, COMPLETIONS, RESPONSES_ASKED),
]
WHOLE = ("parameters", "schema", "arguments", "action", "moderation")
"""What is passed, or rewritten, with whatever is in it."""


def objects(value: object, path: str = "") -> Iterator[tuple[str, Json]]:
    """Yield every object inside of a body, with its path."""
    if isinstance(value, dict):
        if path:
            yield path, value
        for name, inner in value.items():
            if name not in WHOLE:
                yield from objects(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from objects(inner, f"{path}[{position}]")


CASES = [
    pytest.param(client, home, body, path, id=f"{client}-{home}-{number}-{path}")
    for number, (client, home, body) in enumerate(ASKED)
    for path, _ in objects(body)
]


def context(*, strict: bool, policy: Literal["auto", "pass", "drop", "refuse"] = "auto") -> Context:
    able = Capabilities(
        strict_params=strict,
        custom_tools=strict,
        allowed_tools=strict,
        json_schema=True,
        hosted_tools=frozenset({"web_search"}),
    )
    settings = TranslationSettings(extra_params=policy)
    template = TemplateSettings("transcript")
    return Context("asked", "sent", settings, able, template=template)


def translated(
    client: Shape, home: Shape, body: Json, path: str, of: Context, key: str
) -> Translation:
    marked = copy.deepcopy(body)
    dict(objects(marked))[path][key] = "marked"
    before = copy.deepcopy(marked)
    translation = plan(client, home, marked, of)
    assert marked == before
    return translation


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("client", "home", "body", "path"), CASES)
def test_nothing_unknown_is_lost_without_a_word(
    client: Shape, home: Shape, body: Json, path: str, *, strict: bool
) -> None:
    translation = translated(client, home, body, path, context(strict=strict), "zzz")
    sent = [inner for _, inner in objects(translation.calls[0]) if "zzz" in inner]
    reported = [name for name in translation.report.dropped if name.endswith(".zzz")]
    covered = [name for name in translation.report.dropped if path.startswith(name)]
    if sent:
        assert not strict
        assert reported == []
    else:
        assert reported == [f"{path}.zzz"] or covered


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("client", "home", "body", "path"), CASES)
def test_cache_marks_are_never_passed(
    client: Shape, home: Shape, body: Json, path: str, *, strict: bool
) -> None:
    of = context(strict=strict, policy="pass")
    translation = translated(client, home, body, path, of, "cache_control")
    assert not [path for path, inner in objects(translation.calls[0]) if "cache_control" in inner]
    assert [name for name in translation.report.dropped if path.startswith(name.split(".cache")[0])]


@pytest.mark.parametrize(
    ("client", "home", "body", "path", "place"),
    [
        (CHAT, RESPONSES, CHAT_ASKED, "messages[1]", "input[1]"),
        (CHAT, RESPONSES, CHAT_ASKED, "messages[1].content[0]", "input[1].content[0]"),
        (CHAT, RESPONSES, CHAT_WITH_TOOLS, "messages[4].tool_calls[0]", "input[4]"),
        (CHAT, RESPONSES, CHAT_WITH_TOOLS, "messages[5]", "input[6]"),
        (CHAT, RESPONSES, CHAT_WITH_TOOLS, "tools[0].function", "tools[0]"),
        (CHAT, RESPONSES, CHAT_WITH_TOOLS, "tools[0]", "tools[0]"),
        (CHAT, RESPONSES, CHAT_ASKED, "response_format.json_schema", "text.format"),
        (RESPONSES, CHAT, RESPONSES_ASKED, "input[0]", "messages[1]"),
        (RESPONSES, CHAT, RESPONSES_ASKED, "input[0].content[0]", "messages[1].content[0]"),
        (RESPONSES, CHAT, RESPONSES_ASKED, "input[1]", "messages[2]"),
        (RESPONSES, CHAT, RESPONSES_WITH_TOOLS, "input[5]", "messages[4].tool_calls[0]"),
        (RESPONSES, CHAT, RESPONSES_WITH_TOOLS, "input[8]", "messages[5]"),
        (RESPONSES, CHAT, RESPONSES_WITH_TOOLS, "tools[0]", "tools[0].function"),
    ],
)
def test_where_the_place_is_the_same_it_is_passed(
    client: Shape, home: Shape, body: Json, path: str, place: str
) -> None:
    for of in (context(strict=False), context(strict=True, policy="pass")):
        (call,) = translated(client, home, body, path, of, "zzz").calls
        assert dict(objects(call))[place]["zzz"] == "marked"
    for of in (context(strict=True), context(strict=False, policy="drop")):
        translation = translated(client, home, body, path, of, "zzz")
        assert translation.report.dropped.count(f"{path}.zzz") == 1


def test_what_means_something_at_the_target_is_never_passed() -> None:
    of = context(strict=False)
    for key in ("tool_calls", "tool_call_id", "function_call", "refusal"):
        translation = translated(RESPONSES, CHAT, RESPONSES_ASKED, "input[1]", of, key)
        assert f"input[1].{key}" in translation.report.dropped
        assert key not in translation.calls[0]["messages"][2]
    for key in ("id", "status", "type"):
        translation = translated(CHAT, RESPONSES, CHAT_ASKED, "messages[1]", of, key)
        assert f"messages[1].{key}" in translation.report.dropped
        assert translation.calls[0]["input"][1].get(key) != "marked"


def test_the_name_of_a_participant_is_one_wherever_it_comes_from() -> None:
    of = context(strict=False)
    translation = translated(RESPONSES, CHAT, RESPONSES_ASKED, "input[0]", of, "name")
    assert translation.calls[0]["messages"][1]["name"] == "marked"
    translation = translated(RESPONSES, COMPLETIONS, RESPONSES_ASKED, "input[0]", of, "name")
    assert "marked: Hi" in translation.calls[0]["prompt"]


@pytest.mark.parametrize(
    ("client", "home", "more", "param"),
    [
        (CHAT, RESPONSES, {"prediction": {"type": "content"}}, "prediction.content"),
        (CHAT, RESPONSES, {"prediction": {"type": "x", "content": ""}}, "prediction.type"),
        (CHAT, RESPONSES, {"prediction": {"type": "content", "content": 5}}, "prediction.content"),
        (CHAT, RESPONSES, {"metadata": {"a": 5}}, "metadata.a"),
        (CHAT, RESPONSES, {"prompt_cache_options": {"mode": 1.5}}, "prompt_cache_options.mode"),
        (RESPONSES, CHAT, {"prompt_cache_options": {"mode": 1.5}}, "prompt_cache_options.mode"),
        (RESPONSES, CHAT, {"include": [""]}, "include[0]"),
        (RESPONSES, CHAT, {"include": [5]}, "include[0]"),
    ],
)
def test_what_the_clients_endpoint_refuses_is_refused(
    client: Shape, home: Shape, more: dict[str, Any], param: str
) -> None:
    body = CHAT_ASKED if client is CHAT else RESPONSES_ASKED
    with pytest.raises(InvalidRequest) as caught:
        plan(client, home, {**body, **more}, context(strict=False))
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"annotations": 5}, "annotations"),
        ({"annotations": ["a"]}, "annotations[0]"),
        ({"logprobs": {}}, "logprobs"),
        ({"logprobs": [5]}, "logprobs[0]"),
    ],
)
def test_parts_of_an_assistant_have_what_replies_have(part: Json, path: str) -> None:
    content = [{"type": "output_text", "text": "a", **part}]
    item = {"type": "message", "role": "assistant", "content": content}
    with pytest.raises(InvalidRequest) as caught:
        plan(RESPONSES, CHAT, {"input": [item]}, context(strict=True))
    assert caught.value.param == f"input[0].content[0].{path}"


def test_a_summary_of_reasoning_is_texts() -> None:
    item = {"type": "reasoning", "summary": [{"type": 5, "text": "a"}]}
    with pytest.raises(InvalidRequest) as caught:
        plan(RESPONSES, CHAT, {"input": [item]}, context(strict=True))
    assert caught.value.param == "input[0].summary[0].type"


class Reserved(frozenset[str]):
    """Names that note how often they are united with others."""

    united = 0

    def __ror__(self, other: AbstractSet[str]) -> frozenset[str]:
        Reserved.united += 1
        return frozenset.__or__(self, other)


def test_what_is_withheld_is_gathered_once_for_all_fields_of_an_object() -> None:
    many: Json = {f"x{number}": number for number in range(100)}
    target: Json = {"x1": "there"}
    asked, report = context(strict=False), Report(CHAT, RESPONSES)
    carry_unknown(many, Record({}), "a", asked, report, target, Reserved({"x2"}))
    assert report.dropped == ["a.x1", "a.x2"]
    assert len(target) == 99
    assert Reserved.united == 1
