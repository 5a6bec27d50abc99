"""Nothing that a messages client can send is lost without a word.

`anthropic_fields.json` has the fields of a request by the types of Anthropic's Python SDK 2.14.0,
betas included. Each of them is in one of the requests here; taken out of it, it must make a
difference: to what is sent, to what the reply depends on, or to the report.
"""

import copy
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import InvalidRequest
from gateway.servers import Profile
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.server_capabilities import preset
from gateway.translate.plan import plan
from gateway.translate.schema.messages import MESSAGES_PARAMETERS, OUTPUT_CONFIG, THINKING
from gateway.translate.schema.messages_blocks import (
    BLOCKS,
    DOCUMENT_SOURCES,
    IMAGE_SOURCES,
    MESSAGE,
    OF_SERVER_TOOLS,
    SYSTEM_MESSAGE,
)
from gateway.translate.schema.messages_tools import (
    CLIENT_TOOL,
    CUSTOM_TOOL,
    TOOL_CHOICE,
    client_tool_of,
)
from tests import kinds
from tests.translate.messages_requests import (
    added,
    asked,
    assistant,
    image,
    pdf,
    removed,
    result,
    system,
    text,
    tool,
    use,
    user,
)
from tests.translate.sealing import OpenSeal

SDK: Json = json.loads(Path(__file__).with_name("anthropic_fields.json").read_text("utf-8"))
MARK: Json = {"type": "ephemeral", "ttl": "1h"}
URL = "https://a.example/x"


def test_every_parameter_and_block_of_the_sdk_is_known() -> None:
    # The SDK sends `betas` as a header field.
    assert set(SDK["parameters"]) - {"betas"} <= MESSAGES_PARAMETERS.keys()
    assert SDK["blocks"].keys() == BLOCKS.keys()
    assert SDK["image_sources"].keys() == IMAGE_SOURCES.keys()
    assert SDK["document_sources"].keys() == DOCUMENT_SOURCES.keys()
    for name, fields in SDK["image_sources"].items():
        assert set(fields) == IMAGE_SOURCES[name].fields.keys()
    for name, fields in SDK["document_sources"].items():
        assert set(fields) == DOCUMENT_SOURCES[name].fields.keys()


def test_every_field_that_can_be_sent_elsewhere_is_known() -> None:
    ours = BLOCKS.keys() - OF_SERVER_TOOLS - {"browser_state", "compaction"}
    for name in ours:
        assert set(SDK["blocks"][name]) <= BLOCKS[name].fields.keys(), name
    assert set(SDK["messages"]["user"]) == MESSAGE.fields.keys()
    assert set(SDK["messages"]["system"]) == SYSTEM_MESSAGE.fields.keys()
    assert set(SDK["output_config"]) == OUTPUT_CONFIG.fields.keys()
    choices = {field for fields in SDK["tool_choices"].values() for field in fields}
    assert choices == TOOL_CHOICE.fields.keys()
    for name, fields in SDK["tools"].items():
        known = CUSTOM_TOOL if name == "custom" else CLIENT_TOOL
        if name == "custom" or client_tool_of(name):
            assert set(fields) <= known.fields.keys(), name
    assert THINKING.fields.keys() == {"type", "budget_tokens", "display"}


def _before(*blocks: Json) -> Sequence[Json]:
    """Return a conversation with blocks of the assistant's."""
    return (user("x"), assistant("before", *blocks, "after"), user("y"))


def _result(content: Any, **fields: Any) -> Sequence[Json]:
    return (user("x"), assistant(use("1")), user(result("1", content, **fields)))


SEARCH = {
    "type": "search_result",
    "source": URL,
    "title": "T",
    "content": [text("a", citations=[{"type": "x"}]), text("b")],
    "citations": {"enabled": True},
}
STRICT: Json = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
PARAMETERS: Json = {
    "anthropic_beta": ["x"],
    "anthropic_version": "x",
    "billing_policy": {"x": 1},
    "cache_control": MARK,
    "compaction": {"x": 1},
    "container": "c",
    "context_management": {"edits": []},
    "diagnostics": {"x": 1},
    "fallback_credit_token": "t",
    "fallbacks": [{"model": "m"}],
    "inference_geo": "eu",
    "mcp_servers": [{"type": "url", "url": URL, "name": "n"}],
    "metadata": {"user_id": "u"},
    "output_format": {"type": "json_schema", "schema": STRICT},
    "service_tier": "standard_only",
    "speed": "fast",
    "stop_sequences": ["a", "b"],
    "stream": True,
    "system": "s",
    "temperature": 0.5,
    "top_k": 5,
    "top_p": 0.5,
    "user_profile_id": "u",
    "workspace_id": "w",
    "zzz": 1,
}
REQUESTS: list[Json] = [
    *(asked(**{name: value}) for name, value in PARAMETERS.items()),
    asked(thread="t"),
    asked(output_config={"effort": "low", "task_budget": {"total": 5}, "zzz": 1}),
    asked(output_config={"format": {"type": "json_schema", "schema": STRICT, "zzz": 1}}),
    asked(
        thinking={"type": "enabled", "budget_tokens": 5000, "display": "omitted"}, max_tokens=6000
    ),
    asked(thinking={"type": "adaptive", "display": "omitted", "block_binding": {"x": 1}}),
    asked(thinking={"type": "disabled"}),
    asked(system=[text("a", citations=[{"type": "x"}], zzz=1), text("b", cache_control=MARK)]),
    asked({**user("a"), "zzz": 1}, user("b")),
    asked({"role": "ctx", "content": [text("a")]}),
    asked(user("a"), system("b", "c"), assistant("d"), system("e"), user("f")),
    asked(user("a"), {**system("b"), "clear_at": "next_user_message"}, user("c")),
    asked(user("a"), {**system("b"), "output_config": {"effort": "low", "zzz": 1}}),
    asked(user("a"), system(added("f")), tools=[tool("f", defer_loading=True), tool("g")]),
    asked(user("a"), system({**added(definition=tool("h")), "cache_control": MARK})),
    asked(user("a"), system(removed("f")), tools=[tool("f"), tool("g")]),
    asked(user("a", removed(type="mcp_toolset_reference", server_name="m"))),
    asked(user("a", text("b", cache_control=MARK))),
    asked(user("a", text("b", citations=[{"type": "x"}], zzz=1))),
    asked(user("a", {**image(), "transformations": {"oversized_image": "error"}})),
    asked(user("a", {**image(), "cache_control": MARK})),
    asked(user("a", image({"type": "url", "url": URL}))),
    asked(user("a", image({"type": "file", "file_id": "f"}))),
    asked(user("a", pdf(title="t", context="c", citations={"enabled": True}, zzz=1))),
    asked(user("a", pdf(cache_control=MARK))),
    asked(user("a", pdf(source={"type": "url", "url": URL}, title="t", context="c"))),
    asked(user("a", pdf(source={"type": "file", "file_id": "f"}))),
    asked(user("a", pdf(source={"type": "text", "data": "d", "zzz": 1}, title="t", context="c"))),
    asked(user("a", pdf(source={"type": "content", "content": "d"}))),
    asked(user("a", pdf(source={"type": "content", "content": [text("d"), image()]}, title="t"))),
    asked(user("a", SEARCH)),
    asked(user("a", {"type": "container_upload", "file_id": "f"})),
    asked(*_before({"type": "thinking", "thinking": "t", "signature": "EqoB", "zzz": 1})),
    asked(*_before({"type": "redacted_thinking", "data": "EmwK", "zzz": 1})),
    asked(
        *_before({"type": "compaction", "content": "c", "encrypted_content": "e"}),
        tools=[tool("g")],
    ),
    *(asked(*_before({"type": kind, "content": "c"})) for kind in OF_SERVER_TOOLS),
    asked(
        *_before(
            {
                "type": "compaction",
                "content": "c",
                "tool_changes": [
                    {**added("g"), "zzz": 1},
                    {**added(definition=tool("h")), "zzz": 1},
                    removed(type="mcp_tool_reference", server_name="m", name="n"),
                ],
            }
        ),
        tools=[tool("g")],
    ),
    asked(*_before(pdf())),
    asked(
        user("x"),
        assistant(
            "a",
            {**use("1", y=2), "caller": {"type": "x"}, "toolset_name": "t", "zzz": 1},
            "b",
        ),
        user("before", result("1", "r", toolset_name="t", is_error=True, zzz=1), "after"),
    ),
    asked(*_result("r", cache_control=MARK)),
    asked(*_result([text("a"), image(), pdf(), SEARCH, text("b")])),
    asked(*_result([{"type": "tool_reference", "tool_name": "f", "zzz": 1}])),
    asked(*_result([{"type": "browser_state", "tabs": []}])),
    asked(
        tools=[
            tool("f", STRICT, description="d", strict=True, zzz=1),
            tool("g", {"properties": {"b": {}}}, strict=True, type="custom"),
        ],
        tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True, "zzz": 1},
    ),
    asked(
        tools=[
            tool("f", eager_input_streaming=True, input_examples=[{}], allowed_callers=["x"]),
            tool("g", cache_control=MARK, defer_loading=True),
        ],
        tool_choice={"type": "any"},
    ),
    asked(
        tools=[
            {"type": "bash_20250124", "name": "bash", "input_examples": [{}], "strict": True},
            {"type": "text_editor_20250728", "name": "edit", "max_characters": 5, "zzz": 1},
            {"type": "memory_20250818", "name": "memory", "defer_loading": True},
            {"type": "memory_20250818", "name": "notes", "allowed_callers": ["x"]},
            {"type": "web_search_20260318", "name": "web_search", "max_uses": 5},
        ],
        tool_choice={"type": "none"},
    ),
]
ENDS: list[tuple[Shape, Profile]] = [
    (Shape.CHAT, kinds.OPENAI),
    (Shape.CHAT, kinds.VLLM),
    (Shape.CHAT, kinds.MISTRAL),
    (Shape.RESPONSES, kinds.OPENAI),
    (Shape.RESPONSES, kinds.VLLM),
    (Shape.COMPLETIONS, kinds.VLLM),
]
Keys = tuple[str | int, ...]


def outcome(body: Json, home: Shape, kind: Profile, *, drops: bool) -> Any:
    """Return all that a request leads to: what is sent and said of it, or the refusal of it."""
    settings = (
        TranslationSettings(on_unsupported="drop", hosted_tools="drop", extra_params="drop")
        if drops
        else TranslationSettings()
    )
    of = Context(
        "m", "m", capabilities=preset(kind, home), settings=settings, seal=OpenSeal(), upstream="u"
    )
    try:
        made = plan(Shape.MESSAGES, home, body, of)
    except InvalidRequest as refused:
        return refused
    request: Any = made
    options = getattr(request, "_outer", request)._request.options
    return json.dumps(list(made.calls)), made.report.header(), options


def places(value: Any, keys: Keys = ()) -> Iterator[Keys]:
    """Yield the places of all that can be taken out of a value."""
    if keys:
        yield keys
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*keys, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*keys, index))


def without(body: Json, keys: Keys) -> Json:
    """Return a copy without what is at a place."""
    changed = copy.deepcopy(body)
    inner: Any = changed
    for key in keys[:-1]:
        inner = inner[key]
    del inner[keys[-1]]
    return changed


def shown(keys: Keys) -> str:
    """Return a place as the report has it."""
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return path.removeprefix(".")


def dropped_of(header: str) -> Sequence[str]:
    """Return what a report says is dropped."""
    _, _, dropped = header.partition("dropped=")
    return dropped.partition(";")[0].split(",")


def is_reported(keys: Keys, dropped: Sequence[str]) -> bool:
    """Whether the report says of a place, or of what it is in, that it is dropped."""
    if "definition" in keys and "tools" in dropped:
        return True
    return any(shown(keys[:end]) in dropped for end in range(1, len(keys) + 1))


def has_no_place(body: Json, keys: Keys, dropped: Sequence[str]) -> bool:
    """Whether something means nothing, or the same as its absence (docs/translation/report.md)."""
    place = shown(keys)
    return (
        # All tools take objects; `custom` is the usual type.
        place.endswith((".input_schema.type", "tools[1].type"))
        # Nobody but its maker can check it.
        or keys[-1] == "signature"
        or (place == "tool_choice" and body[place]["type"] == "none" and "tools" in dropped)
        # It is removed within the conversation.
        or (place.startswith("tools[0]") and body["messages"][-1]["content"] == [removed("f")])
        # All marks of a request are one entry, and no server has times for them.
        or (keys[-1] != "cache_control" and "cache_control" in keys)
        or (keys[-1] == "cache_control" and str(body).count("cache_control") > 1)
    )


@pytest.mark.parametrize(("home", "kind"), ENDS, ids=str)
@pytest.mark.parametrize("body", REQUESTS, ids=lambda body: ",".join(body)[28:] or "messages")
def test_nothing_is_lost_without_a_word(body: Json, home: Shape, kind: Profile) -> None:
    whole = outcome(body, home, kind, drops=True)
    if isinstance(whole, InvalidRequest):
        assert whole.param, whole
        return
    names = dropped_of(whole[1])
    for keys in places(body):
        if keys[0] == "model" or is_reported(keys, names) or has_no_place(body, keys, names):
            continue
        less = outcome(without(body, keys), home, kind, drops=True)
        assert less != whole, shown(keys)


@pytest.mark.parametrize(("home", "kind"), ENDS, ids=str)
@pytest.mark.parametrize("body", REQUESTS, ids=lambda body: ",".join(body)[28:] or "messages")
def test_what_is_refused_is_named_as_the_client_has_it(
    body: Json, home: Shape, kind: Profile
) -> None:
    refused = outcome(body, home, kind, drops=False)
    if isinstance(refused, InvalidRequest):
        assert refused.status == 400
        assert refused.param is not None
        assert any(shown(keys) == refused.param for keys in places(body)), refused.param


def objects(body: Json) -> Iterator[tuple[Keys, Json, Json]]:
    """Yield the place of each object in a request, the object, and a copy of all with it.

    What is in a schema, or in the arguments of a call, has no names that an endpoint knows.
    """
    for keys in ((), *places(body)):
        changed = copy.deepcopy(body)
        inner: Any = changed
        for key in keys:
            inner = inner[key]
        if isinstance(inner, dict) and not {"input_schema", "schema", "input"} & {*keys}:
            yield keys, inner, changed


@pytest.mark.parametrize(("home", "kind"), ENDS, ids=str)
@pytest.mark.parametrize("body", REQUESTS, ids=lambda body: ",".join(body)[28:] or "messages")
def test_a_field_that_nobody_knows_is_sent_or_reported_wherever_it_is(
    body: Json, home: Shape, kind: Profile
) -> None:
    before = outcome(body, home, kind, drops=True)
    for keys, inner, changed in objects(body):
        inner["of_tomorrow"] = 1
        after = outcome(changed, home, kind, drops=True)
        if isinstance(after, InvalidRequest):
            continue
        place = (*keys, "of_tomorrow")
        reported = is_reported(place, dropped_of(after[1])) or "cache_control" in keys
        assert after != before or reported, shown(place)


@pytest.mark.parametrize(("home", "kind"), ENDS, ids=str)
@pytest.mark.parametrize("body", REQUESTS, ids=lambda body: ",".join(body)[28:] or "messages")
def test_a_mark_for_the_cache_is_reported_wherever_it_is(
    body: Json, home: Shape, kind: Profile
) -> None:
    if "cache_control" in str(body):
        return
    for keys, inner, changed in objects(body):
        block = BLOCKS.get(str(inner.get("type")))
        if (block is None or "cache_control" not in block.fields) and "input_schema" not in inner:
            continue
        inner["cache_control"] = MARK
        after = outcome(changed, home, kind, drops=True)
        if not isinstance(after, InvalidRequest):
            place = (*keys, "cache_control")
            reported = is_reported(place, dropped_of(after[1]))
            assert reported or "=cache_control" in after[1].replace(",", "="), shown(place)


JUNK: Sequence[Any] = (
    *(None, 0, -1, 1.5, True, "", "x", 10**30),
    *([], [None], ["x"], [[]], [{}], {}, {"type": "x"}, {"type": None}, {"name": 1}),
    *({"type": "text", "text": "a"}, {"content": None}, {"a": {"b": [1]}}),
)


@given(st.data())
def test_whatever_is_wrong_in_a_request_it_is_answered_or_refused(data: st.DataObject) -> None:
    body = copy.deepcopy(data.draw(st.sampled_from(REQUESTS)))
    for _ in range(data.draw(st.integers(1, 3))):
        *keys, last = data.draw(st.sampled_from(list(places(body))))
        inner: Any = body
        for key in keys:
            inner = inner[key]
        inner[last] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
    home, kind = data.draw(st.sampled_from(ENDS))
    outcome(body, home, kind, drops=data.draw(st.booleans()))
