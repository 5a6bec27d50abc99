"""Messages requests of agents, and odd ones; what both paths make of them."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from msgspec.json import decode, encode

from gateway.config.translation_settings import TranslationSettings
from gateway.fast.agents.codec import AgentCodec
from gateway.fast.pairs import pair_paths
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.exact_inputs import ExactInputs
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.parts.messages.signatures import pack
from gateway.translate.plan import plan
from tests.fast.agents.both import planned_once
from tests.fast.both_paths import ABSENT, assert_as_generic, changed, each, like, some_of
from tests.translate.completions_via_chat.chat_backend import make_context
from tests.translate.sealing import OpenSeal

BILLING = "x-anthropic-billing-header: cc_version=2.1; cch=0"
MARK: Json = {"type": "ephemeral"}
TEXT: Json = {"type": "text", "text": "Go on."}
NOTHING: Json = {"type": "text", "text": ""}
MARKED: Json = {**TEXT, "cache_control": MARK}
UNTYPED: Json = {"text": "Go on."}
SCHEMA: Json = {"type": "object", "properties": {"path": {"type": "string"}}}
THOUGHT: Json = {"type": "thinking", "thinking": "Hm.", "signature": "EqQB"}
CALL: Json = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": "é\u2028/a"}}
OTHER_CALL: Json = {"type": "tool_use", "id": "toolu_2", "name": "Bash", "input": {}}
RESULT: Json = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "1\tx"}
OTHER_RESULT: Json = {"type": "tool_result", "tool_use_id": "toolu_2", "content": [TEXT, TEXT]}
PICTURE: Json = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
}
LINKED: Json = {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}}
SYSTEM: Json = {"role": "system", "content": "Be quick."}

CONTEXTS: dict[str, Context] = {
    "OpenAI": make_context(),
    "session": make_context(session="s"),
    "reasoning": make_context(Capabilities(reasoning=True, sampling_needs_effort_none=True)),
    "sealing": make_context(Capabilities(reasoning=True), seal=OpenSeal(), upstream="up"),
    "sealing for a reader": make_context(
        Capabilities(reasoning_field="reasoning_content"), seal=OpenSeal(), upstream="up"
    ),
    "required": make_context(Capabilities(reasoning_field="reasoning", reasoning_required=True)),
    "takes reasoning": make_context(Capabilities(reasoning=True, reasoning_items=True)),
    "effort": make_context(reasoning_effort="low"),
    "no efforts": make_context(Capabilities(reasoning_effort=False)),
    "no hints": make_context(Capabilities(hints=False)),
    "vLLM": make_context(
        Capabilities(
            strict_params=False,
            continues_last=True,
            names_stop=True,
            multi_system=False,
            late_system="user",
            strict_by_default=False,
            may_stream_unasked=True,
        )
    ),
    "roles alternate": make_context(Capabilities(roles_in_a_row=False)),
    "hoisted": make_context(settings=TranslationSettings(late_system="hoist")),
    "no developers": make_context(Capabilities(reasoning=True, developer_role=False)),
    "pictures": make_context(Capabilities(tool_image_parts=True)),
    "no tools": make_context(Capabilities(tools=False)),
    "least": make_context(
        Capabilities(min_output_tokens=16, max_tokens_field="max_completion_tokens")
    ),
    "dropping": make_context(settings=TranslationSettings(on_unsupported="drop")),
}


def _sealed(content: Json) -> Json:
    """Return thinking that the server of the context `sealing` has signed."""
    return {**THOUGHT, "signature": pack(content, THOUGHT["thinking"], CONTEXTS["sealing"])}


SEALED: list[Json] = [
    _sealed(
        {
            "message": {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]},
            "calls": {"toolu_1": {"extra_content": {"google": {"thought_signature": "s"}}}},
            "goes_on": True,
        }
    ),
    _sealed({"item": {"type": "reasoning", "id": "rs_1", "encrypted_content": "x"}}),
    {**THOUGHT, "signature": pack({}, "Hm.", CONTEXTS["sealing"])},
]
FULL: Json = {
    "model": "asked",
    "max_tokens": 3000,
    "messages": [
        {"role": "user", "content": [TEXT, MARKED]},
        {"role": "assistant", "content": [THOUGHT, TEXT, CALL, OTHER_CALL]},
        {"role": "user", "content": [RESULT, OTHER_RESULT, MARKED]},
        {"role": "assistant", "content": "Done."},
        {"role": "user", "content": "Again."},
    ],
    "system": [{"type": "text", "text": BILLING}, TEXT, MARKED],
    "tools": [
        {"name": "Read", "description": "Reads.", "input_schema": SCHEMA, "cache_control": MARK},
        {"name": "Bash", "input_schema": {"type": "object", "properties": {}}, "strict": True},
    ],
    "tool_choice": {"type": "auto"},
    "metadata": {"user_id": "user_1_session_2"},
    "thinking": {"type": "enabled", "budget_tokens": 2048},
    "output_config": {"effort": "high"},
    "temperature": 1,
    "stream": True,
}
LEAST: Json = {"model": "asked", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi."}]}

ODD_PARAMETERS: list[tuple[str, Any]] = [
    *each("model", ABSENT, None, 3),
    *each("max_tokens", ABSENT, None, 0, -1, 16.0, 2.5, True, "9", 1, 2**63 - 1, 2**63),
    *each("temperature", ABSENT, None, -0.1, 1.1, 0.25, 1.0, 0, True, "1", []),
    *each("top_p", None, -0.1, 1.1, 0, 0.5, True, "1"),
    *each("top_k", None, 5, 0, -1, 2.5, "1"),
    *each("stream", None, False, 0, "no", ABSENT),
    *each("system", ABSENT, None, "", [], 3, "Be brief.", BILLING, [TEXT], [MARKED, MARKED]),
    *each("system", [{"type": "text", "text": f"{BILLING}\nBe brief."}, MARKED]),
    *each(
        "system", ["x"], [{"type": "text", "text": ""}], [{**TEXT, "citations": None}], [PICTURE]
    ),
    *each(
        "system", [UNTYPED], [MARKED, UNTYPED], [{**TEXT, "type": None}], [{**TEXT, "type": "x"}]
    ),
    *each("tools", ABSENT, None, [], {}, [{}], [{"type": "web_search_20250305", "name": "w"}]),
    *each("tools.0.name", "n" * 64, "n" * 65, None, "", "Bash", 3),
    *each("tools.0.description", ABSENT, None, "", 3),
    *each("tools.0.type", "custom", None, "function", "bash_20250124"),
    *each("tools.0.strict", True, False, None, 1),
    *each("tools.1.strict", False, None),
    *each("tools.0.defer_loading", True, False, None),
    *each("tools.0.cache_control", None, {}, 3, ABSENT),
    *each("tools.0.eager_input_streaming", True, False, None, {"a": 1.5}),
    *each("tools.0.input_examples", [], [{}]),
    *each("tools.0.input_schema", ABSENT, None, {}, [], "x", {"type": "object"}, {"type": None}),
    *each("tools.0.input_schema", {"type": "array"}, {"properties": {}}, {"type": ["object"]}),
    *each("tools.0.input_schema.properties.path", {"type": "array"}, {"type": ["array", "null"]}),
    *each("tools.0.input_schema.properties.path", {"type": "number", "minimum": 0.10}, {"é": "\n"}),
    *each(
        "tools.0",
        {
            "name": "Read",
            "strict": True,
            "input_schema": {**SCHEMA, "required": ["path"], "additionalProperties": False},
        },
    ),
    *each("tool_choice", ABSENT, None, {}, "auto", {"type": "any"}, {"type": "none"}),
    *each("tool_choice", {"type": "tool"}, {"type": "tool", "name": "Bash"}),
    *each("tool_choice", {"type": "tool", "name": "x"}, {"type": "auto", "name": None}),
    *each("tool_choice.disable_parallel_tool_use", True, False, None, 1),
    *each("metadata", ABSENT, None, {}, {"user_id": None}, {"user_id": 1.5}, "x"),
    *each("thinking", ABSENT, None, {"type": "disabled"}, {"type": "adaptive"}, {}, "on"),
    *each("thinking", {"type": "enabled"}, {"type": "enabled", "budget_tokens": 1}),
    *each("thinking", {"type": "enabled", "budget_tokens": 9000}, {"type": "other"}),
    *each("thinking", {"type": "adaptive", "display": "omitted"}),
    *each("thinking.budget_tokens", 2048.0, 2048.5, None),
    *each("output_config", ABSENT, None, {}, {"effort": "low"}, {"effort": "max"}, {"effort": 3}),
    *each("output_config", {"format": {"type": "json_schema", "schema": SCHEMA}}),
    *each("output_config", {"format": {"type": "json_schema", "schema": {"minimum": 0.10}}}),
    *each("output_format", {"type": "json_schema", "schema": {"type": "object"}}),
    *each("stop_sequences", None, [], ["Hi"], ["a", "a", "b"], [""], "x"),
    *each("service_tier", None, "auto", "standard_only", "other", 3),
    *each("cache_control", None, MARK, {}),
    *each("context_management", {}, {"edits": []}, None),
    *each("speed", "standard", "fast"),
    *each("anthropic_beta", ["a"]),
    *each("container", "c", None),
    *each("mcp_servers", [], [{}]),
    *[("n", 1), ("user", "u"), ("seed", 7), ("own", 1), ("betas", ["x"]), ("thread", None)],
]
ODD_MESSAGES: list[tuple[str, Any]] = [
    *each("messages", ABSENT, None, [], "Hi.", ["Hi."], [SYSTEM], [SYSTEM, FULL["messages"][0]]),
    *each("messages.0", FULL["messages"][3], {"role": "assistant", "content": [TEXT]}, SYSTEM),
    *each("messages.0.role", ABSENT, None, "assistant", "system", "tool", "ctx", 3),
    *each("messages.0.content", ABSENT, None, "", "x", [], 3, [TEXT], [PICTURE], [TEXT, LINKED]),
    *each("messages.0.content", [{"type": "text", "text": ""}], [{"type": "text"}], [{}], ["x"]),
    *each("messages.0.content", [RESULT], [{"type": "document", "source": {}}], [CALL], [UNTYPED]),
    *each("messages.0.content", [{**TEXT, "citations": None}], [{**PICTURE, "cache_control": {}}]),
    *each("messages.0.content.0.cache_control", None, {}, MARK, 1.5),
    *each("messages.0.name", "Ann", None),
    *each("messages.0.clear_at", "next_user_message"),
    *each("messages.1.role", "user", "system"),
    *each("messages.1.content", "", "x", [], [TEXT], [TEXT, TEXT], [THOUGHT], [THOUGHT, TEXT]),
    *each("messages.1.content", [CALL], [CALL, OTHER_CALL, TEXT], [CALL, TEXT, OTHER_CALL, MARKED]),
    *each("messages.1.content", [CALL, CALL, OTHER_CALL], [PICTURE], [RESULT]),
    *each("messages.1.content", [{"type": "redacted_thinking", "data": "x"}, CALL, OTHER_CALL]),
    *each("messages.1.content", [{"type": "redacted_thinking", "data": "gw1.x"}, TEXT]),
    *each("messages.1.content.0.thinking", "", None, 3),
    *each("messages.1.content.0.signature", ABSENT, None, "", "gw1.", "gw1.egs1.x", 3),
    *each("messages.1.content.0", *SEALED),
    *each("messages.1.content", [SEALED[0]], [TEXT, SEALED[1], CALL, OTHER_CALL]),
    *each("messages.1.content.1.text", "", "x", None),
    *each("messages.1.content.2.id", "toolu_2", "i" * 65, None, "", 3),
    *each("messages.1.content.2.name", "n" * 65, "", None, "Unknown"),
    *each("messages.1.content.2.input", None, [], "x", {}, {"a": 1.10}, {"a": [1e-7, {"b": -0.0}]}),
    *each("messages.1.content.2.input", {"a": 2**64, "b": -1, "c": [None, True, "\x7f\x00\\"]}),
    *each("messages.1.content.2.caller", {"type": "direct"}, {"type": "x"}, None, {"type": 1.5}),
    *each("messages.1.content.2.cache_control", MARK, None),
    *each("messages.1.content.2.toolset_name", "x", None),
    *each("messages.2.role", "assistant", "system"),
    *each(
        "messages.2.content", "x", [TEXT, RESULT, OTHER_RESULT], [RESULT], [OTHER_RESULT, RESULT]
    ),
    *each("messages.2.content", [RESULT, TEXT, OTHER_RESULT, PICTURE], [RESULT, RESULT]),
    *each("messages.2.content.0.tool_use_id", "toolu_9", None, 3),
    *each(
        "messages.2.content.0.content", ABSENT, None, "", [], [MARKED], [TEXT, PICTURE], [LINKED]
    ),
    *each("messages.2.content.0.content", [NOTHING], [{"type": "x"}], 3),
    *each("messages.2.content.0.content", [NOTHING, TEXT], [NOTHING, PICTURE, NOTHING, TEXT]),
    *each("messages.2.content.0.content", [{"type": "tool_reference", "tool_name": "Read"}]),
    *each("messages.2.content.0.is_error", True, False, None, 1),
    *each("messages.2.content.0.cache_control", MARK, {}, None),
    *each(
        "messages.2.content.0",
        *(
            {**RESULT, "is_error": True, "content": given}
            for given in ("", " error: x", [], [TEXT])
        ),
        {**RESULT, "is_error": True, "content": [PICTURE, TEXT]},
        *({**RESULT, "is_error": True, "content": [NOTHING, *rest]} for rest in ([], [TEXT])),
        {"type": "tool_result", "tool_use_id": "toolu_1"},
    ),
    *each("messages.3", FULL["messages"][4], SYSTEM, {"role": "system", "content": [TEXT, MARKED]}),
    *each("messages.3", *({"role": "system", "content": [odd]} for odd in (UNTYPED, PICTURE))),
    *each("messages.3.content", [TEXT], [TEXT, TEXT], [THOUGHT], [UNTYPED]),
    *each("messages.1.content.1", UNTYPED),
    *each("messages.4", SYSTEM, {"role": "assistant", "content": "Well,"}),
    *each("messages.4.content", [TEXT, TEXT, PICTURE], [CALL]),
]

ODD = [*ODD_PARAMETERS, *ODD_MESSAGES]
bodies = some_of(FULL, LEAST)
changes = like(ODD)
requests = st.builds(changed, bodies, st.lists(changes, max_size=3))


def codec_to(home: Shape) -> AgentCodec[Any]:
    """Return the codec of agents' messages requests."""
    codec = pair_paths(Shape.MESSAGES, home, CONTEXTS["OpenAI"]).agents
    assert codec is not None
    return codec


def of_call(context: Context, body: Json | bytes) -> Context:
    """Return the context with what holds for a call, as `Contexts.for_call` makes it."""
    written = body if isinstance(body, bytes) else encode(body)
    return replace(context, inputs=ExactInputs(written))


def assert_same(codec: AgentCodec[Any], body: Json, context: Context, *replies: Any) -> None:
    """Check that both paths show the same of a request and the replies to it."""
    known = of_call(context, body)
    if not body.get("max_tokens"):
        replies = ()  # The gateway answers by itself, or refuses.
    made = codec.translation(encode(body), known)
    with planned_once(codec.source, codec.target) as generic:
        assert_as_generic(made, generic, body, known, replies, PARAMS)


PARAMS = [
    *("messages[0].content", "messages[3].tool_calls[0].function.name", "max_completion_tokens"),
    *("input[2].call_id", "input[0].role", "tools[1].function.parameters", "temperature", "n"),
    *("reasoning_effort", "prompt_cache_key"),
]


COMMON: list[tuple[str, Any]] = [
    ("messages.2.content.0.is_error", True),
    ("messages.2.content.0.content", [TEXT, PICTURE]),
    ("messages.0.content", [TEXT, LINKED]),
    ("messages.1.content.0", SEALED[0]),
    ("messages.1.content.0", SEALED[1]),
    ("messages.1.content.0", {"type": "redacted_thinking", "data": "x"}),
    ("messages.1.content.2.caller", {"type": "direct"}),
    ("messages.1.content.2.input", {"a": 1.5, "b": [{"c": 1e-7}]}),
    ("messages.3", SYSTEM),
    ("messages.3", {"role": "user", "content": "And?"}),
    ("tools.0.name", "n" * 65),
    ("tools.0.input_schema", {}),
    ("tools.0.eager_input_streaming", True),
    ("tool_choice", {"type": "tool", "name": "Bash", "disable_parallel_tool_use": True}),
    ("context_management", {"edits": []}),
    ("stop_sequences", ["x"]),
    ("thinking", {"type": "adaptive", "display": "omitted"}),
    ("output_config", {"format": {"type": "json_schema", "schema": SCHEMA}}),
]
"""Changes of agents' requests that types admit."""

LEVELS = [
    *("", "system.1.", "tools.0.", "tool_choice."),
    *("messages.0.", "messages.0.content.0.", "messages.1.", "messages.1.content.0."),
    *("messages.1.content.1.", "messages.1.content.2."),
    *("messages.2.content.0.", "messages.2.content.1.content.0.", "messages.3."),
]
"""The places of fields."""

VALUES = ["x", {"type": "x"}]
ANY_VALUES: list[Any] = [None, "", "x", 7, [], {"type": "x"}]


def _written(**others: bytes) -> bytes:
    fields = {
        "model": b'"asked"',
        "max_tokens": b"9",
        "messages": b'[{"role":"user","content":"Hi."}]',
        **others,
    }
    return b"{" + b",".join(b'"%s":%s' % (k.encode(), v) for k, v in fields.items()) + b"}"


def _conversation(arguments: bytes, text: bytes = b'"x"') -> bytes:
    return _written(
        messages=b'[{"content":%s,"role":"user"},{"role":"assistant","content":'
        b'[{"input":%s,"id":"c","name":"f","type":"tool_use"}]},{"role":"user","content":'
        b'[{"type":"tool_result","tool_use_id":"c","content":%s}]}]' % (text, arguments, text)
    )


def _tools(schema: bytes) -> bytes:
    return _written(tools=b' [ {"name" : "f", "input_schema":%s } ] ' % schema)


WRITTEN = [
    *map(_conversation, (b'{"a" : 1.10, "b":1e5,"c":-0.0 }', b'{"a":1,"a":[ ]}')),
    *map(
        _conversation,
        (b'{"\\u00e9":"\\/\\ud83d\\ude00\\u2028\\u0001"}', b'{"a":12345678901234567890123}'),
    ),
    _conversation(b"{}", b'"\\u00e9\\n\\"\xc3\xa9 \\ud83d\\ude00"'),
    *map(_tools, (b'{"type":"object"}', b'{"type":"x","type":"object"}', b'{"a":"\xc3\xa9"}')),
    _written(output_config=b'{"format":{"type":"json_schema","schema":{"minimum":1.10}}}'),
    _written(metadata=b'{"user_id":"u","a":1.5}', temperature=b"1e0"),
]
"""Requests that are not written as `encode` does."""

BROKEN = [
    *(b"", b"[]", b"{", _written()[:-1], _written(own=b"1")),
    *map(_tools, (b'{"a":"\xff"}', b'{"a":"\\ud800"}', b'{"a":01}')),
    *map(_tools, (b'{"type":"object","type":"x"}', b'{"a":"\n"}', b"[" * 100_000)),
    *map(_conversation, (b'{"a":"\xff"}', b'{"a":1e400}', b'{"a":"\\ud800"}', b"[" * 100_000)),
    *(_conversation(b"{}", text) for text in (b'"\xff"', b'"\\ud800"', b'"\x01"')),
]
"""Bodies that are not JSON, or have an unknown field."""


def assert_written(codec: AgentCodec[Any], written: bytes) -> None:
    """Check that a request is sent by types, and as the generic path sends it."""
    known = replace(CONTEXTS["OpenAI"], inputs=ExactInputs(written))
    made = codec.translation(written, known)
    assert made is not None
    (call,) = plan(codec.source, codec.target, decode(written), known).calls
    assert decode(made.sent) == call
