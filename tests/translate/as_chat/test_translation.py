"""A body of responses at the chat endpoint: asked as a responses client, answered as a chat one.

Played against the emulator at all four homes, which refuses such a body where it is not translated.
"""

from typing import Any

import pytest

from gateway.errors import GatewayError, InvalidRequest
from gateway.shapes import Json, Shape
from gateway.translate.as_chat.translation import translate
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.limits.server_capabilities import preset
from gateway.translate.plan import plan
from gateway.translate.stream.reply_as_event import whole_as_events
from tests import kinds
from tests.exchange.scene import Exchanged
from tests.fast.both_paths import copied
from tests.translate.demo_upstream import (
    DemoUpstream,
    Split,
    at_once,
    byte_by_byte,
    event_by_event,
    scene_at,
)
from tests.translate.messages_upstreams import message, tool_use
from tests.translate.pair_table import (
    CHAT,
    COMPLETIONS,
    MESSAGES,
    MODELS,
    RESPONSES,
    TABLE,
    Case,
    Impossible,
    request,
)
from tests.translate.test_messages_fields import places
from tests.translate.what_clients_see import Seen, error_seen, reply_seen, stream_seen

SEEN = {home: TABLE.get((CHAT, home), TABLE[CHAT, RESPONSES]) for home in Shape}
"""What a chat client sees of each home; of its own it is the same as of responses."""
CELLS = [(home, case) for home in Shape for case in Case]
PATCH: Json = {
    "type": "custom",
    "name": "ApplyPatch",
    "description": "Apply a patch.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}


def played(home: Shape, body: Json, upstream: DemoUpstream) -> Exchanged:
    answer = scene_at(home, MODELS[home], upstream).generate(CHAT, body)
    assert {shape for shape, _ in upstream.requests} == {home}
    return answer


def seen(home: Shape, body: Json, split: Split | None = None) -> Seen | str:
    streamed = {**body, "stream": split is not None}
    try:
        answer = played(home, streamed, DemoUpstream(split or event_by_event))
    except GatewayError as error:
        return error_seen(error, CHAT)
    if answer.reply.status != 200:
        # The upstream's own error, as it came.
        return f"HTTP {answer.reply.status} {answer.json['error']['code']}"
    read = reply_seen(CHAT, answer.json) if split is None else stream_seen(CHAT, answer)
    (found,) = read
    return found


@pytest.mark.parametrize("split", [event_by_event, at_once, byte_by_byte])
@pytest.mark.parametrize(("home", "case"), CELLS)
def test_a_stream_is_that_of_a_chat_client(home: Shape, case: Case, split: Split) -> None:
    cell = SEEN[home][case]
    if isinstance(cell, Impossible):
        assert cell.param is None or seen(home, request(RESPONSES, home, case), split) == (
            f"HTTP 400 unsupported_parameter about {cell.param}"
        )
        return
    found = seen(home, request(RESPONSES, home, case), split)
    assert str(found) == cell
    if isinstance(found, Seen):
        assert found.ended == (found.error is None or case is Case.ERROR_INSIDE)


@pytest.mark.parametrize("home", Shape)
@pytest.mark.parametrize("case", [Case.PLAIN, Case.TOOLS, Case.REFUSAL, Case.LENGTH])
def test_a_whole_reply_says_the_same(home: Shape, case: Case) -> None:
    cell = SEEN[home][case]
    if not isinstance(cell, Impossible):
        assert str(seen(home, request(RESPONSES, home, case))).replace('":"', '": "') == cell


def cut_off(home: Shape, body: Json, cut: int) -> str:
    try:
        (found,) = stream_seen(CHAT, played(home, body, DemoUpstream(cut=cut)))
    except GatewayError as error:
        return error_seen(error, CHAT)
    # Only what follows the finish reason may be missing.
    return f"ended: {found.ended}" if found.error is None else f"{found.finish} {found.error}"


@pytest.mark.parametrize("home", Shape)
def test_a_stream_that_is_cut_off_anywhere_never_looks_complete(home: Shape) -> None:
    body = {**request(RESPONSES, home, Case.PLAIN), "stream": True}
    whole = DemoUpstream()
    played(home, body, whole)
    ends = {cut_off(home, body, cut) for cut in range(1, whole.lengths[0] - 2)}
    broken = "upstream_stream_truncated"
    assert ends <= {f"HTTP 502 {broken}", f"None {broken}"}


CURSORS: Json = {
    "user": "google-oauth2|user",
    "input": [
        {"role": "developer", "content": "You are a coding agent."},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "call ApplyPatch"},
                {
                    "type": "input_image",
                    "image_url": "data:image/png;base64,iVBORw0KGgo=",
                    "detail": "auto",
                },
            ],
        },
    ],
    "instructions": "Be brief.",
    "stream": True,
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "metadata": {"cursorConversationId": "c-1"},
    "stream_options": {"include_usage": True},
    "parallel_tool_calls": True,
    "tools": [
        {
            "type": "function",
            "name": "Shell",
            "description": "Runs a command.",
            "parameters": {"type": "object", "properties": {"command": {"type": "string"}}},
            "strict": False,
        },
        PATCH,
    ],
    "tool_choice": "auto",
}
"""What Cursor is known to send, but for the model."""
AGENTS = (CHAT, RESPONSES, MESSAGES)


@pytest.mark.parametrize("home", AGENTS)
def test_what_cursor_sends_reaches_the_model(home: Shape) -> None:
    upstream = DemoUpstream()
    answer = played(home, {**CURSORS, "model": MODELS[home]}, upstream)
    ((_, sent),) = upstream.requests
    assert "include_usage" not in sent.get("stream_options", {}) or home is CHAT
    shown = dict(answer.decision.headers())[b"x-gateway-translation"]
    reported = b"from=chat; body=responses; to=%b; dropped=include[reasoning.encrypted_content]"
    assert shown.startswith(reported % home.encode())
    assert "include" not in sent
    last = [event for event in answer.events if event != "[DONE]"][-1]
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 0


CUSTOM_CALL: Json = {"name": "ApplyPatch", "input": "*** Begin Patch\n+ä"}
CHATS_CALL: Json = {"index": 0, "id": "call_1", "type": "custom", "custom": CUSTOM_CALL}
RESPONSE: Json = {
    "id": "resp_1",
    "status": "completed",
    "model": "m",
    "output": [{"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", **CUSTOM_CALL}],
    "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
}
COMPLETION: Json = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": None, "tool_calls": [CHATS_CALL]},
            "finish_reason": "tool_calls",
        }
    ],
}
MESSAGE = message(
    tool_use("ApplyPatch", {"input": CUSTOM_CALL["input"]}, "call_1"), reason="tool_use"
)
CALLING: dict[Shape, Json] = {RESPONSES: RESPONSE, CHAT: COMPLETION, MESSAGES: MESSAGE}


@pytest.mark.parametrize("home", AGENTS)
def test_calls_of_custom_tools_come_as_functions_with_bare_text(home: Shape) -> None:
    """Cursor 3.14 reads `function.name` of every call, and the patch from its arguments."""
    body = {**CURSORS, "model": "m"}
    able = Capabilities(custom_tools=home is not MESSAGES)
    translation = plan(RESPONSES, home, body, Context("m", "m", capabilities=able), as_chat=True)
    function = {"name": "ApplyPatch", "arguments": CUSTOM_CALL["input"]}
    (choice,) = translation.reply([CALLING[home]])["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert call == {"id": "call_1", "type": "function", "function": function}
    assert choice["finish_reason"] == "tool_calls"
    stream = translation.stream()
    chunks = [
        chunk for event in whole_as_events(home, CALLING[home]) for chunk in stream.feed(0, event)
    ]
    chunks += stream.end(0)
    calls = [
        call
        for chunk in chunks
        for choice in chunk["choices"]
        for call in choice["delta"].get("tool_calls", ())
    ]
    assert [call["type"] for call in calls if "type" in call] == ["function"]
    assert "".join(call["function"]["arguments"] for call in calls) == CUSTOM_CALL["input"]


def next_turn(kind: str) -> list[Json]:
    """What an agent sends after a call of a custom tool and one of a function."""
    custom: Json = {"type": f"{kind}_call", "call_id": "call_1", "name": "ApplyPatch"}
    custom["arguments" if kind == "function" else "input"] = "*** Begin Patch\n*** End Patch"
    return [
        *CURSORS["input"],
        custom if kind == "function" else {**custom, "type": "custom_tool_call"},
        {
            "type": "function_call",
            "call_id": "call_2",
            "name": "Shell",
            "arguments": '{"command": "ls"}',
        },
        {
            "type": f"{'custom_tool' if kind == 'custom' else kind}_call_output",
            "call_id": "call_1",
            "output": "Patched.",
        },
        {"type": "function_call_output", "call_id": "call_2", "output": "a.py"},
    ]


@pytest.mark.parametrize("home", AGENTS)
@pytest.mark.parametrize("kind", ["function", "custom"])
def test_the_next_turn_brings_calls_back_in_either_form(home: Shape, kind: str) -> None:
    bodies = []
    for form in (kind, "custom"):
        upstream = DemoUpstream()
        body = {**CURSORS, "model": MODELS[home], "input": next_turn(form), "stream": False}
        (found,) = reply_seen(CHAT, played(home, body, upstream).json)
        assert found.finish == "stop"
        bodies.append(upstream.requests[0][1])
    assert bodies[0] == bodies[1]


def test_reasoning_items_go_to_a_model_at_responses_unchanged() -> None:
    """No chat reply brings any; if a client has some, they are its model's."""
    item: Json = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}
    body = {"model": "m", "input": [*CURSORS["input"], item]}
    (sent,) = plan(RESPONSES, RESPONSES, body, Context("m", "m"), as_chat=True).calls
    assert sent == {**body, "store": False}


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"input": [{"type": "mystery"}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "x"}]}]}, "input[0].content[0].type"),
        ({"input": 7}, "input"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
    ],
)
@pytest.mark.parametrize("home", [COMPLETIONS, CHAT, MESSAGES])
def test_refusals_name_the_clients_own_parameter(home: Shape, more: Json, param: str) -> None:
    body = {"model": "m", "input": "Hi", **more}
    with pytest.raises(InvalidRequest) as raised:
        plan(RESPONSES, home, body, Context("m", "m"), as_chat=True)
    assert raised.value.param == param


_CALLS: list[Json] = [
    {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
    {"type": "function_call", "call_id": "c", "name": "ApplyPatch", "arguments": "*** Begin"},
    {"type": "function_call_output", "call_id": "c", "output": "Done"},
]
_CALLED: Json = {"model": "m", "tools": [PATCH], "input": _CALLS}


@pytest.mark.parametrize("junk", [None, 7, True, "", "x", [], [[]], ["x"], [{}], {}, {"a": []}])
@pytest.mark.parametrize("home", Shape)
def test_whatever_is_wrong_in_a_body_it_is_sent_or_refused(home: Shape, junk: object) -> None:
    kind = kinds.ANTHROPIC if home is Shape.MESSAGES else kinds.VLLM
    of = Context("m", "m", capabilities=preset(kind, home))
    for keys in places(_CALLED):
        body: Any = copied(_CALLED)
        *outer, last = keys
        place = body
        for key in outer:
            place = place[key]
        place[last] = junk
        refused: InvalidRequest | None = None
        try:
            plan(RESPONSES, home, body, of, as_chat=True)
        except InvalidRequest as error:
            refused = error
        assert refused is None or (refused.status == 400 and refused.param), (keys, refused)


def test_a_model_at_responses_refuses_by_itself() -> None:
    body: Json = {"model": "m", "input": [{"type": "mystery"}]}
    (sent,) = plan(RESPONSES, RESPONSES, body, Context("m", "m"), as_chat=True).calls
    assert sent["input"] == body["input"]


def test_a_restored_calls_text_has_the_clients_name_in_errors() -> None:
    call: Json = {"type": "function_call", "call_id": "c", "name": "ApplyPatch", "arguments": [1]}
    body = {"model": "m", "tools": [PATCH], "input": [call]}
    with pytest.raises(InvalidRequest) as raised:
        plan(RESPONSES, CHAT, body, Context("m", "m"), as_chat=True)
    assert raised.value.param == "input[0].arguments"


def test_an_error_about_no_parameter_stays_so() -> None:
    def fails(_: Json, __: Context) -> Any:
        raise InvalidRequest("No.")

    with pytest.raises(InvalidRequest) as raised:
        translate(fails, {"input": "Hi"}, Context("m", "m"), CHAT)
    assert raised.value.param is None


def test_the_upstreams_parameters_have_the_clients_names() -> None:
    body: Json = {"model": "m", "input": [{"role": "user", "content": "Hi"}]}
    at_home = plan(RESPONSES, RESPONSES, body, Context("m", "m"), as_chat=True)
    assert at_home.client_param(0, "input[0].content") == "input[0].content"
    assert at_home.client_param(0, None) is None
    elsewhere = plan(RESPONSES, CHAT, body, Context("m", "m"), as_chat=True)
    assert elsewhere.client_param(0, "messages[0].content") == "input[0].content"
    assert elsewhere.local_reply() is None


@pytest.mark.parametrize(
    ("more", "logprobs"),
    [
        ({"include": ["message.output_text.logprobs"], "top_logprobs": 2}, True),
        ({"include": ["message.output_text.logprobs"]}, True),
        ({"include": 7}, False),
        ({}, False),
    ],
)
def test_logprobs_come_as_chats(more: Json, logprobs: bool) -> None:
    body = {"model": "m", "input": "Hi", **more}
    part: Json = {"type": "output_text", "text": "Hi", "annotations": []}
    part["logprobs"] = [{"token": "Hi", "bytes": [72, 105], "logprob": -0.1, "top_logprobs": []}]
    response: Json = {
        "id": "resp_1",
        "status": "completed",
        "model": "m",
        "output": [{"type": "message", "role": "assistant", "content": [part]}],
    }
    translation = plan(RESPONSES, RESPONSES, body, Context("m", "m"), as_chat=True)
    (choice,) = translation.reply([response])["choices"]
    assert (choice["logprobs"] is not None) is logprobs


def test_one_document_stays_one() -> None:
    form: Json = {"type": "json_schema", "name": "n", "schema": {"type": "object"}}
    body = {"model": "m", "input": "Hi", "text": {"format": form}}
    message: Json = {"type": "message", "role": "assistant"}
    output = [
        {**message, "content": [{"type": "output_text", "text": text}]} for text in ("{}", "{}")
    ]
    response: Json = {"id": "resp_1", "status": "completed", "model": "m", "output": output}
    translation = plan(RESPONSES, RESPONSES, body, Context("m", "m"), as_chat=True)
    (choice,) = translation.reply([response])["choices"]
    assert choice["message"]["content"] == "{}"


def test_the_completions_home_takes_no_tools() -> None:
    body = {**CURSORS, "model": MODELS[COMPLETIONS], "input": "Hi"}
    assert seen(COMPLETIONS, body) == "HTTP 400 unsupported_parameter about tools"
