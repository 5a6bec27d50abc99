"""Errors and reports name the items that the client has sent, whatever else is sent with them."""

from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.errors import GatewayError, InvalidRequest
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import ALICE, Scene, chat_chunk, chat_completion, completion
from tests.fakes import Answer, FakeReply, error_reply, json_reply, stream_reply

PREVIOUS = "previous_response_id"
USER: Json = {"role": "user", "content": "Hi"}
SEARCHED: Json = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
UNKNOWN: Json = {"role": "user", "content": [{"type": "input_text", "text": "x", "zzz": 1}]}
WRONG: Json = {"role": "user", "content": [{"type": "nonsense"}]}
FILE: Json = {"role": "user", "content": [{"type": "input_file", "file_url": "https://x"}]}
PICTURE: Json = {
    "role": "user",
    "content": [
        {"type": "input_text", "text": "x"},
        {"type": "input_image", "image_url": "https://a.example/i.png"},
    ],
}
PDF: Json = {
    "role": "user",
    "content": [{"type": "input_file", "file_data": "data:application/pdf;base64,eA=="}],
}
TRIGGER: Json = {"type": "compaction_trigger"}


def completion_chunk(text: str, finish: str | None = None) -> Json:
    choice = {"index": 0, "text": text, "finish_reason": finish, "logprobs": None}
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "choices": [choice]}


class Upstream:
    """Answers at chat and completions; refuses what `faulty` names, and may do so in a stream."""

    def __init__(self, faulty: str = "") -> None:
        self.faulty = faulty
        self.in_stream = False
        self.bodies: list[Any] = []

    def answer(self, call: UpstreamCall) -> Answer:
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body) if call.body else {}
        self.bodies.append(body)
        if call.path not in ("/chat/completions", "/completions"):
            return error_reply(404, f"Invalid URL (POST /v1{call.path})")
        if self.faulty and not self.in_stream:
            return error_reply(400, "Bad value.", param=self.faulty)
        is_chat = call.path.startswith("/chat")
        if body.get("stream"):
            chunk = chat_chunk if is_chat else completion_chunk
            error = {"error": {"message": "Bad value.", "param": self.faulty, "code": 400}}
            end = error if self.in_stream else chunk("", "stop")
            return stream_reply(chunk("Hello"), end)
        return json_reply(chat_completion("Hello") if is_chat else completion("Hello"))


def scene(upstream: Upstream, home: Shape = Shape.CHAT, **more: Any) -> Scene:
    server = UpstreamSettings("up", "http://127.0.0.1:1/v1", kinds.OPENAI)
    text = ModelRule("text", endpoints=(Shape.COMPLETIONS,))
    rules = (ModelRule("m", endpoints=(home,), **more), text)
    return Scene(upstream.answer, server, rules=rules, stores=True)


def ask(stage: Scene, given: Any, **more: Any) -> Any:
    return stage.generate(Shape.RESPONSES, {"model": "m", "input": given, **more}, headers=ALICE)


def begun(stage: Scene, given: Any = "Hello") -> Json:
    """Return a kept response; two of the conversation's items are kept with it, or more."""
    response: Json = ask(stage, given).json
    return response


def refused(stage: Scene, given: Any, **more: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        ask(stage, given, **more)
    return caught.value


@pytest.mark.parametrize("home", [Shape.CHAT, Shape.COMPLETIONS])
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_dropped_of_the_clients_own_items_has_their_place(
    home: Shape, *, stream: bool
) -> None:
    stage = scene(Upstream(), home)
    first = begun(stage)
    given = [USER, SEARCHED, UNKNOWN]
    result = ask(stage, given, previous_response_id=first["id"], stream=stream)
    expected = f"from=responses; to={home}; dropped=input[1],input[2].content[0].zzz"
    assert result.decision.translation.startswith(expected)


def test_what_is_dropped_of_kept_items_is_of_the_response_that_is_continued() -> None:
    stage = scene(Upstream())
    first = begun(stage, [USER, *[SEARCHED] * 70, UNKNOWN])
    result = ask(stage, [SEARCHED], previous_response_id=first["id"])
    dropped = f"dropped={PREVIOUS},input[0]"
    assert result.decision.translation == f"from=responses; to=chat; {dropped}"


@pytest.mark.parametrize("home", [Shape.CHAT, Shape.COMPLETIONS])
@pytest.mark.parametrize(
    ("given", "param"),
    [
        ([USER, WRONG], "input[1].content[0].type"),
        ([{"role": "user"}], "input[0].content"),
        ([FILE], "input[0].content[0]"),
        ([3], "input[0]"),
        (3, "input"),
        ([TRIGGER, USER], "input[0]"),
        ([{"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}], "input[0]"),
    ],
)
def test_a_refusal_names_the_clients_own_item(home: Shape, given: Any, param: str) -> None:
    stage = scene(Upstream(), home)
    first = begun(stage)
    error = refused(stage, given, previous_response_id=first["id"])
    alone = refused(stage, given)
    assert isinstance(error, InvalidRequest)
    assert (error.param, error.message) == (param, alone.message)


@pytest.mark.parametrize(
    ("given", "kind", "param"),
    [
        ([USER, PICTURE], "input_image", "input[1].content[1]"),
        ([PDF], "input_file", "input[0].content[0]"),
    ],
)
def test_a_refused_part_after_kept_items_has_the_clients_type(
    given: list[Json], kind: str, param: str
) -> None:
    stage = scene(Upstream(), Shape.COMPLETIONS)
    first = begun(stage)
    error = refused(stage, given, previous_response_id=first["id"])
    assert error.param == param
    assert f"'{param}' is of type '{kind}'" in error.message
    assert error.message == refused(stage, given).message


def test_a_refusal_of_a_kept_item_names_the_response_that_is_continued() -> None:
    upstream = Upstream()
    image = {"type": "input_image", "image_url": "https://a.example/i.png"}
    stage = scene(upstream)
    seen = begun(stage, [{"role": "user", "content": [image]}])
    with pytest.raises(InvalidRequest) as caught:
        ask(stage, "And?", model="text", previous_response_id=seen["id"])
    assert caught.value.param == PREVIOUS
    assert f"'{PREVIOUS}' is of type 'input_image'" in caught.value.message
    assert "The error is in an item of the stored conversation." in caught.value.message


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("faulty", "given", "param"),
    [
        ("messages[2].content", "Again", "input"),
        ("messages[2].content[0].text", [UNKNOWN, USER], "input[0].content[0].text"),
        ("messages.[3].role", [USER, USER], "input[1].role"),
        ("body.messages.3.content", [USER, USER], "input[1].content"),
        ("messages[1].content", "Again", PREVIOUS),
        ("messages[0]", [USER], PREVIOUS),
        ("messages[9]", [USER], "input"),
        ("messages", [USER], "input"),
        ("temperature", [USER], "temperature"),
    ],
)
def test_an_upstreams_error_names_the_clients_own_item(
    faulty: str, given: Any, param: str, *, stream: bool
) -> None:
    upstream = Upstream()
    stage = scene(upstream)
    first = begun(stage)
    upstream.faulty = faulty
    more = {"previous_response_id": first["id"], "temperature": 1, "stream": stream}
    error = refused(stage, given, **more)
    assert error.param == param


def test_so_does_an_error_within_a_stream() -> None:
    upstream = Upstream()
    stage = scene(upstream)
    first = begun(stage)
    upstream.faulty, upstream.in_stream = "messages[3].content", True
    result = ask(stage, [USER, USER], previous_response_id=first["id"], stream=True)
    failed, last = result.events[-2:]
    assert failed["param"] == failed["error"]["param"] == "input[1].content"
    assert "upstream parameter: messages[3].content" in last["response"]["error"]["message"]


def test_an_item_that_a_reference_stands_for_is_the_reference() -> None:
    upstream = Upstream()
    stage = scene(upstream)
    kept = begun(stage, [UNKNOWN])
    reference = {"type": "item_reference", "id": kept["output"][0]["id"]}
    upstream.faulty = "messages[1].content"
    assert refused(stage, [USER, reference, USER]).param == "input[1]"
    upstream.faulty = "messages[2].content"
    assert refused(stage, [USER, reference, USER]).param == "input[2].content"
    # A reference into the conversation that goes on is left out, and counts all the same.
    known = {**reference, "id": kept["output"][0]["id"]}
    more = {"previous_response_id": kept["id"]}
    assert refused(stage, [known, USER], **more).param == "input[1].content"
    missing = refused(stage, [USER, {"id": "msg_0"}], **more)
    assert (missing.param, missing.code) == ("input[1]", "item_not_found")


def test_tools_that_kept_items_bring_are_of_the_response_that_is_continued() -> None:
    upstream = Upstream()
    stage = scene(upstream)
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}
    brought = {"type": "additional_tools", "role": "developer", "tools": [tool]}
    first = begun(stage, [brought, USER])
    more = {"previous_response_id": first["id"], "tools": [{**tool, "name": "g"}]}
    own = [USER, {**brought, "tools": [{**tool, "name": "h"}]}]
    result = ask(stage, own, **more)
    emulated = f"emulated={PREVIOUS},input[1]"
    assert result.decision.translation == f"from=responses; to=chat; {emulated}"
    for position, param in enumerate(["tools[0].name", PREVIOUS, "input[1].tools[0].name"]):
        upstream.faulty = f"tools[{position}].function.name"
        assert refused(stage, own, **more).param == param


def sealed(upstream: Upstream) -> tuple[Scene, Json]:
    """Return a scene whose model `home` lives at responses, and an item sealed for `m`."""
    server = UpstreamSettings("up", "http://127.0.0.1:1/v1", kinds.OPENAI)
    rules = (
        ModelRule("m", endpoints=(Shape.CHAT,)),
        ModelRule("home", endpoints=(Shape.RESPONSES,)),
        ModelRule("alias", model="home", endpoints=(Shape.RESPONSES,)),
    )
    stage = Scene(upstream.answer, server, rules=rules)
    (item,) = ask(stage, [USER, TRIGGER]).json["output"]
    return stage, item


class Home(Upstream):
    """A server of responses that refuses the item which `faulty` names, in a form of its own."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form

    def answer(self, call: UpstreamCall) -> Answer:
        if call.path != "/responses":
            return super().answer(call)
        error = {"message": "Bad value.", "type": "t", "param": self.faulty, "code": "c"}
        if self.form == "event":
            return stream_reply({**error, "type": "error"}, done=False)
        if self.form == "detail":
            name, _, rest = self.faulty.partition("[")
            loc = ["body", name, *([int(rest[0])] if rest else []), "content"]
            return json_reply({"detail": [{"type": "x", "loc": loc, "msg": "Bad"}]}, 422)
        return json_reply({"error": error}, 200 if self.form == "success" else 400)


STATUSES = {"status": 400, "detail": 422, "success": 502, "event": 502}


@pytest.mark.parametrize("model", ["home", "alias"])
@pytest.mark.parametrize("form", ["status", "success", "event", "detail"])
def test_at_its_own_endpoint_an_error_counts_the_clients_items(form: str, model: str) -> None:
    upstream = Home(form)
    stage, item = sealed(upstream)
    lost = {"type": "reasoning", "summary": [], "encrypted_content": item["encrypted_content"]}
    lost["encrypted_content"] = lost["encrypted_content"][:-4]
    given, stream = [lost, USER, item, USER], form == "event"
    below = ".content" if form == "detail" else ""
    upstream.faulty = "input[0]"
    error = refused(stage, given, model=model, stream=stream)
    assert (error.param, error.status) == (f"input[1]{below}", STATUSES[form])
    assert "(upstream parameter: input[0]" in error.message
    upstream.faulty = "input[1]"
    assert refused(stage, given, model=model, stream=stream).param == "input[2]"
    # What has the client's own name is the upstream's own error.
    upstream.faulty = "temperature"
    result = ask(stage, given, model=model, stream=stream)
    assert b"Bad" in result.body
    upstream.faulty = "input[0]"
    result = ask(stage, [USER], model=model, stream=stream)
    assert b"input" in result.body


def test_settings_let_a_model_drop_what_it_does_not_take() -> None:
    stage = scene(Upstream(), translation=TranslationSettings(on_unsupported="drop"))
    first = begun(stage)
    foreign = {"type": "compaction", "encrypted_content": "gAAAA"}
    result = ask(stage, [USER, foreign], previous_response_id=first["id"])
    assert result.decision.translation == "from=responses; to=chat; dropped=input[1]"


def test_a_reply_that_is_given_up_is_closed() -> None:
    replies: list[FakeReply] = []

    class Slow(Home):
        def answer(self, call: UpstreamCall) -> Answer:
            reply = super().answer(call)
            assert isinstance(reply, FakeReply)
            replies.append(reply)
            return reply

    upstream = Slow("event")
    stage, item = sealed(upstream)
    upstream.faulty = "input[0].content"
    assert refused(stage, [item, USER], model="home", stream=True).param == "input[0]"
    assert replies[-1].closed
