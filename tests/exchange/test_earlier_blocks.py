"""Conversations that another model has begun go on with Claude."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.errors import UpstreamReplied
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.fakes import Answer, FakeReply, error_reply, json_reply

KIMIS = "functions.f:0"
PATTERN = "String should match pattern '^[a-zA-Z0-9_-]+$'"
BLANK = "messages: text content blocks must contain non-whitespace text"
EMPTY = "all messages must have non-empty content except for the optional final assistant message"
MARKED = "cache_control cannot be set for empty text blocks"
MARK: Json = {"cache_control": {"type": "ephemeral"}}
ASKED: Json = {"role": "user", "content": "w?"}
REPLY = (
    b'{"type":"message", "id":"m","role":"assistant","content":[{"type":"text","text":"Fine."}]}'
)


def history(call_id: str, said: str, **more: Any) -> list[Json]:
    use = {"type": "tool_use", "id": call_id, "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": call_id, "content": "sun"}
    return [
        ASKED,
        {"role": "assistant", "content": [{"type": "text", "text": said, **more}, use]},
        {"role": "user", "content": [result]},
    ]


def refusals(body: Json) -> Iterator[str]:
    """Yield what Anthropic refuses of a body, in its words."""
    last = len(body["messages"]) - 1
    for at, message in enumerate(body["messages"]):
        if not message["content"] and (at < last or message["role"] != "assistant"):
            yield f"messages.{at}: {EMPTY}"
        blocks = message["content"] if isinstance(message["content"], list) else ()
        for index, block in enumerate(blocks):
            place = f"messages.{at}.content.{index}.{block['type']}"
            for name in ("id", "tool_use_id"):
                if not re.fullmatch("[a-zA-Z0-9_-]+", block.get(name, "a")):
                    yield f"{place}.{name}: {PATTERN}"
            if block["type"] == "text" and not block["text"].strip():
                yield (
                    f"messages.{at}.content.{index}.text: {MARKED}"
                    if MARK.items() <= block.items()
                    else BLANK
                )


def refusing(message: str) -> Answer:
    error = {"type": "invalid_request_error", "message": message}
    return json_reply({"type": "error", "error": error}, 400)


class Claude:
    """Keeps what it is sent, and checks the messages."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.error = ""

    def answer(self, call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        assert isinstance(call.body, bytes)
        self.sent.append(call.body)
        for refused in refusals(msgspec.json.decode(call.body)):
            return refusing(refused)
        if self.error:
            return refusing(self.error.format(self.ids()[0]))
        return json_reply(msgspec.Raw(REPLY))

    def ids(self) -> list[str]:
        """Return the ids of calls and results that were sent last."""
        messages = msgspec.json.decode(self.sent[-1])["messages"]
        blocks = [block for each in messages[1:] for block in each["content"]]
        return [block.get("id") or block["tool_use_id"] for block in blocks if "text" not in block]


def scene(server: Claude) -> Scene:
    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.ANTHROPIC)
    return Scene(server.answer, upstream, rules=(ModelRule("m", endpoints=(Shape.MESSAGES,)),))


CASES = [
    (history(KIMIS, "So"), 2, "tool_use.id:given->hash"),
    (history("a", "\n\n"), 2, "content[text]:blank->left out"),
    (history("a", ""), 2, "content[text]:blank->left out"),
    (history("a", "", **MARK), 2, "content[text]:blank->left out"),
    (history(KIMIS, " "), 3, "content[text]:blank->left out,tool_use.id:given->hash"),
]


@pytest.mark.parametrize(("messages", "attempts", "changed"), CASES)
def test_a_client_of_messages_need_not_begin_anew(
    messages: list[Json], attempts: int, changed: str
) -> None:
    server = Claude()
    stage = scene(server)
    body = {"model": "m", "max_tokens": 9, "messages": messages}
    for tried in (attempts, 1):
        server.sent.clear()
        again = stage.generate(Shape.MESSAGES, body)
        assert again.reply.status == 200
        assert len(server.sent) == tried
        assert again.decision.translation == f"from=messages; to=messages; changed={changed}"
        use, result = server.ids()
        assert use == result
    # The one that needs nothing is sent as it came.
    plain = {"model": "m", "max_tokens": 9, "messages": [ASKED]}
    assert stage.generate(Shape.MESSAGES, plain).decision.translation == ""
    assert server.sent[-1] == msgspec.json.encode(plain)


@pytest.mark.parametrize("nothing", ["", []])
def test_a_reply_without_content_does_not_end_the_conversation(nothing: Any) -> None:
    """Claude itself makes such replies, after results."""
    server = Claude()
    stage = scene(server)
    empty = {"role": "assistant", "content": nothing}
    body = {"model": "m", "max_tokens": 9, "messages": [ASKED, empty, ASKED]}
    changed = "from=messages; to=messages; changed=content[text]:blank->left out"
    for tried in (2, 1):
        server.sent.clear()
        again = stage.generate(Shape.MESSAGES, body)
        assert again.reply.status == 200
        assert len(server.sent) == tried
        assert again.decision.translation == changed
    assert msgspec.json.decode(server.sent[-1])["messages"] == [ASKED, ASKED]


@pytest.mark.parametrize("nothing", ["", [], [{"type": "text", "text": " "}]])
def test_a_user_who_says_nothing_gets_the_refusal(nothing: Any) -> None:
    server = Claude()
    said = {"role": "assistant", "content": "Fine."}
    messages = [ASKED, said, {"role": "user", "content": nothing}]
    body = {"model": "m", "max_tokens": 9, "messages": messages}
    refused = scene(server).generate(Shape.MESSAGES, body)
    assert refused.reply.status == 400
    assert refused.json["error"]["message"] in (BLANK, f"messages.2: {EMPTY}")


CHAT_REPLY = json_reply(
    {
        "id": "c",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Fine."},
                "finish_reason": "stop",
            }
        ],
    }
)
RESPONSE = json_reply(
    {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": "m",
        "output": [
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Fine.", "annotations": []}],
            }
        ],
    }
)


@pytest.mark.parametrize(("home", "reply"), [(Shape.CHAT, CHAT_REPLY), (Shape.RESPONSES, RESPONSE)])
@pytest.mark.parametrize("marks", [{}, MARK])
def test_an_empty_text_is_not_sent_to_other_endpoints(
    home: Shape, reply: FakeReply, marks: Json
) -> None:
    """A session of Claude Code that has one beside a call goes on there, as it does with Claude."""
    sent: list[Json] = []

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        assert isinstance(call.body, bytes)
        sent.append(msgspec.json.decode(call.body))
        return replace(reply, closed=False)

    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.OPENAI)
    stage = Scene(answer, upstream, rules=(ModelRule("m", endpoints=(home,)),))
    tools = [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    for blank in ([], [{"type": "text", "text": "", **marks}]):
        said = history("a", "So")
        said[1]["content"] += blank
        said[2]["content"] += blank
        body = {"model": "m", "max_tokens": 9, "messages": said, "tools": tools}
        assert stage.generate(Shape.MESSAGES, body).reply.status == 200
    plain, with_blanks = sent
    assert with_blanks == plain


@pytest.mark.parametrize(
    ("home", "reply"),
    [(Shape.MESSAGES, json_reply(msgspec.Raw(REPLY))), (Shape.RESPONSES, RESPONSE)],
)
@pytest.mark.parametrize("nothing", [{}, {"content": None}, {"content": None, "refusal": None}])
def test_a_chat_client_may_bring_a_reply_back_that_said_nothing(
    home: Shape, reply: FakeReply, nothing: Json
) -> None:
    sent: list[bytes] = []

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        assert isinstance(call.body, bytes)
        sent.append(call.body)
        return replace(reply, closed=False)

    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.OPENAI)
    stage = Scene(answer, upstream, rules=(ModelRule("m", endpoints=(home,)),))
    for said in ({"content": ""}, nothing):
        messages = [ASKED, {"role": "assistant", **said}, ASKED]
        again = stage.generate(Shape.CHAT, {"model": "m", "max_tokens": 9, "messages": messages})
        assert again.reply.status == 200
    empty, absent = sent
    assert msgspec.json.decode(absent) == msgspec.json.decode(empty)


def test_a_later_error_has_the_clients_id() -> None:
    server = Claude()
    server.error = "`tool_use` ids were found without results: {}"
    body = {"model": "m", "max_tokens": 9, "messages": history(KIMIS, "So")}
    with pytest.raises(UpstreamReplied) as refused:
        scene(server).generate(Shape.MESSAGES, body)
    assert refused.value.message == f"`tool_use` ids were found without results: {KIMIS}"


def test_a_later_error_has_the_clients_place() -> None:
    server = Claude()
    server.error = "messages.1.content.0.tool_use.input: Input should be an object"
    body = {"model": "m", "max_tokens": 9, "messages": history("a", "\n")}
    with pytest.raises(UpstreamReplied) as refused:
        scene(server).generate(Shape.MESSAGES, body)
    assert refused.value.param == "messages[1].content[1].tool_use.input"


def test_what_says_nothing_but_blanks_gets_the_refusal() -> None:
    server = Claude()
    blank: list[Any] = [{"role": "user", "content": [{"type": "text", "text": " "}]}]
    body = {"model": "m", "max_tokens": 9, "messages": blank}
    refused = scene(server).generate(Shape.MESSAGES, body)
    assert refused.json["error"]["message"] == BLANK


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        (f"messages.1.content.0.tool_use.id: {PATTERN}", "tool_call_id:given->hash"),
        (BLANK, "content[text]:blank->left out"),
    ],
)
def test_so_does_a_chat_client_of_a_relay_to_claude(said: str, changed: str) -> None:
    sent: list[Json] = []

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return error_reply(404, "Not Found")
        assert isinstance(call.body, bytes)
        sent.append(msgspec.json.decode(call.body))
        message = sent[-1]["messages"][1]
        if message["content"] == "\n" and message["tool_calls"][0]["id"] == KIMIS:
            return error_reply(400, said)
        reply = {"role": "assistant", "content": "Fine."}
        choice = {"index": 0, "message": reply, "finish_reason": "stop"}
        return json_reply({"id": "c", "object": "chat.completion", "choices": [choice]})

    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.OTHER)
    stage = Scene(answer, upstream, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
    call = {"id": KIMIS, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        ASKED,
        {"role": "assistant", "content": "\n", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": KIMIS, "content": "sun"},
    ]
    again = stage.generate(Shape.CHAT, {"model": "m", "messages": messages})
    assert again.reply.status == 200
    assert again.decision.translation == f"from=chat; to=chat; changed={changed}"
    assert len(sent) == 2
