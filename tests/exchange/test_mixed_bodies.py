"""Chat requests with parts of other shapes, at chat's own endpoint: read once they were refused."""

from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule
from gateway.shapes import Json, RawHeaders, Shape, UpstreamCall
from tests.exchange.scene import ALICE, Exchanged, Scene, chat_chunk, chat_completion
from tests.fakes import Answer, error_reply, json_reply, stream_reply

CHAT = Shape.CHAT
AT_CHAT = (ModelRule("m", endpoints=(CHAT,)), ModelRule("alias", model="m", endpoints=(CHAT,)))
LITELLM: RawHeaders = (*ALICE, (b"user-agent", b"litellm/1.80"))
HI: Json = {"role": "user", "content": "Hi"}
PICTURE: Json = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
}
CALLED: list[Json] = [
    HI,
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "sun"}]},
]
PLAIN: Json = {"model": "m", "messages": [HI]}
BODIES: dict[str, Json] = {
    "calls": {"messages": CALLED},
    "picture": {"messages": [{"role": "user", "content": [PICTURE]}]},
    "flat tool": {**PLAIN, "tools": [{"type": "function", "name": "f", "parameters": {}}]},
    "Anthropic's tool": {**PLAIN, "tools": [{"name": "f", "input_schema": {"type": "object"}}]},
    "no calls": {"messages": [HI, {"role": "assistant", "content": "A", "tool_calls": []}, HI]},
}
REPORTED = {
    "calls": "changed=messages:messages->chat",
    "picture": "changed=messages:messages->chat",
    "flat tool": "changed=tools:responses->chat",
    "Anthropic's tool": "changed=tools:messages->chat",
    "no calls": "",
}
WORDS = (
    "Invalid value: 'tool_use'. Supported values are: 'text', 'image_url' and 'refusal'.",
    "Missing required parameter: 'tools[0].function'.",
    "Unknown parameter: 'tools[0].input_schema'.",
    "messages[1].content[0]: unknown variant `tool_use`, expected `text`",
    "unsupported content[].type",
    "invalid message format",
)


def is_chats(body: Json) -> bool:
    """Whether all parts of a request are chat's."""
    tools = all(tool.get("type") in tool for tool in body.get("tools") or ())
    kinds = [
        part["type"]
        for message in body["messages"]
        if isinstance(message.get("content"), list)
        for part in message["content"]
    ]
    calls = all(message.get("tool_calls") != [] for message in body["messages"])
    return tools and calls and set(kinds) <= {"text", "image_url"}


class Strict:
    """A server that takes only what is chat's, and says so in its own words."""

    def __init__(self, words: str = WORDS[0], status: int = 400) -> None:
        self.words = words
        self.status = status

    def answer(self, call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        if not is_chats(body):
            return error_reply(self.status, self.words)
        if body.get("stream"):
            return stream_reply(chat_chunk("Hel"), chat_chunk("lo", "stop"))
        return json_reply(chat_completion("Hello"))

    def scene(self) -> Scene:
        return Scene(self.answer, rules=AT_CHAT)


def text_of(exchanged: Exchanged, *, stream: bool) -> str:
    if not stream:
        return str(exchanged.json["choices"][0]["message"]["content"])
    chunks: list[Any] = [event for event in exchanged.events if event != "[DONE]"]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["m", "alias"])
@pytest.mark.parametrize("parts", BODIES)
def test_parts_are_read_once_they_were_refused(parts: str, model: str, stream: bool) -> None:
    scene = Strict().scene()
    body = {**BODIES[parts], "model": model, "stream": stream}
    for attempts in (2, 1):
        exchanged = scene.generate(CHAT, body, headers=LITELLM)
        assert (exchanged.reply.status, exchanged.decision.attempts) == (200, attempts)
        assert text_of(exchanged, stream=stream) == "Hello"
        assert REPORTED[parts] in exchanged.decision.translation


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("words", WORDS)
def test_whatever_the_words_are(words: str, status: int) -> None:
    exchanged = Strict(words, status).scene().generate(CHAT, {**BODIES["calls"], "model": "m"})
    assert (exchanged.reply.status, exchanged.decision.attempts) == (200, 2)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (WORDS[0], 500),
        (WORDS[0], 429),
        ("This model's maximum context length is 8192 tokens. Your messages have 9000.", 400),
        ("Your credit balance is too low.", 400),
    ],
)
def test_other_failures_are_none_of_the_parts(words: str, status: int) -> None:
    exchanged = Strict(words, status).scene().generate(CHAT, {**BODIES["calls"], "model": "m"})
    assert (exchanged.reply.status, exchanged.decision.attempts) == (status, 1)
    assert exchanged.json["error"]["message"] == words


def test_a_request_without_such_parts_is_not_sent_again() -> None:
    refusal = error_reply(400, WORDS[0])
    exchanged = Scene(lambda _: refusal, rules=AT_CHAT).generate(CHAT, PLAIN)
    assert (exchanged.reply.status, exchanged.decision.attempts) == (400, 1)


def test_what_is_refused_again_is_the_answer_and_teaches_nothing() -> None:
    scene = Scene(lambda _: error_reply(400, "invalid message format"), rules=AT_CHAT)
    for _ in range(2):
        exchanged = scene.generate(CHAT, {**BODIES["calls"], "model": "m"})
        assert (exchanged.reply.status, exchanged.decision.attempts) == (400, 2)


def test_a_server_that_takes_them_gets_them_as_they_are() -> None:
    scene = Scene(lambda _: json_reply(chat_completion()), rules=AT_CHAT)
    raw = msgspec.json.format(msgspec.json.encode({**BODIES["calls"], "model": "m"}))
    assert scene.generate(CHAT, raw).decision.translation == ""
    assert scene.network.calls[0].body == raw


def test_what_was_learned_changes_nothing_for_others() -> None:
    scene = Strict().scene()
    scene.generate(CHAT, {**BODIES["calls"], "model": "m"})
    raw = msgspec.json.format(msgspec.json.encode(PLAIN))
    assert scene.generate(CHAT, raw).decision.translation == ""
    assert scene.network.calls[-1].body == raw
    asked = {"model": "m", "max_tokens": 9, "messages": [HI]}
    translated = scene.generate(Shape.MESSAGES, asked)
    assert translated.decision.translation == "from=messages; to=chat"
    assert translated.json["content"] == [{"type": "text", "text": "Hello"}]


MARK: Json = {"cache_control": {"type": "ephemeral"}}
MARKED: dict[str, Json] = {
    "message": {"messages": [{**HI, **MARK}]},
    "part": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", **MARK}]}]},
}


GROQ = (
    "'messages.0' : for 'role:user' the following must be satisfied[('messages.0' : property "
    "'cache_control' is unsupported)]"
)


@pytest.mark.parametrize(
    "words",
    [
        GROQ,
        "Unknown parameter: 'messages[0].content[0].cache_control'.",
        "messages.0.content.0.text.cache_control: Extra inputs are not permitted",
    ],
)
@pytest.mark.parametrize("place", MARKED)
def test_a_mark_for_a_cache_is_left_out_once_it_was_refused(place: str, words: str) -> None:
    def answer(call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        if b"cache_control" in call.body:
            return error_reply(400, words)
        return json_reply(chat_completion("Hello"))

    scene = Scene(answer, rules=AT_CHAT)
    for attempts in (2, 1):
        exchanged = scene.generate(CHAT, {**MARKED[place], "model": "m"})
        assert (exchanged.reply.status, exchanged.decision.attempts) == (200, attempts)
        assert exchanged.decision.translation == "from=chat; to=chat; dropped=cache_control"
