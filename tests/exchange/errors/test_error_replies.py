"""Error replies of upstreams: as a client of another endpoint gets them."""

from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule
from gateway.errors import GatewayError, UpstreamError
from gateway.exchange.errors.error_replies import error_of_reply, listing_failed, translated_failure
from gateway.exchange.reply.classify import ErrorReply
from gateway.shapes import RawHeaders, Shape
from gateway.translate.contract import Context
from gateway.translate.plan import plan
from tests.exchange.reply.test_whole_body import REQUESTS
from tests.exchange.scene import Scene
from tests.fakes import EVENT_STREAM, JSON, FakeReply
from tests.faults.payloads import events


def translated(body: object, status: int = 400) -> GatewayError:
    request = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}
    translation = plan(Shape.CHAT, Shape.COMPLETIONS, request, Context("m", "m"))
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    headers = (
        (b"retry-after", b"7"),
        (b"x-ratelimit-limit-requests", b"9"),
        (b"content-type", b"text/html"),
    )
    return translated_failure(translation, ErrorReply(0, status, headers, raw))


def test_an_error_keeps_what_helps_and_names_the_clients_parameter() -> None:
    body = {"error": {"message": "Bad prompt.", "type": "t", "param": "prompt", "code": "c"}}
    error = translated(body)
    assert (error.param, error.code, error.type, error.status) == ("messages", "c", "t", 400)
    assert error.message == "Bad prompt (upstream parameter: prompt)."
    assert error.headers == (("retry-after", "7"), ("x-ratelimit-limit-requests", "9"))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Bad prompt", "Bad prompt (upstream parameter: prompt)."),
        ("Why this prompt?", "Why this prompt? (upstream parameter: prompt)."),
        ("提示错误。", "提示错误。 (upstream parameter: prompt)."),
    ],
)
def test_the_upstreams_parameter_is_part_of_its_sentence(said: str, shown: str) -> None:
    body = {"error": {"message": said, "type": "t", "param": "prompt", "code": None}}
    assert translated(body).message == shown


def test_a_parameter_of_the_same_name_is_not_explained() -> None:
    body = {"error": {"message": "Bad limit.", "type": "t", "param": "max_tokens", "code": None}}
    error = translated(body)
    assert (error.param, error.message) == ("max_tokens", "Bad limit.")


SAID = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
CALLER = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
ASKED: dict[Shape, dict[str, Any]] = {
    Shape.COMPLETIONS: {"prompt": ["Hi", "Ho"], "stop": ["a", "b"]},
    Shape.CHAT: {"messages": SAID, "tools": [CALLER], "stop": ["a", "b"]},
    Shape.RESPONSES: {
        "input": SAID,
        "tools": [{"type": "function", **CALLER["function"]}],  # type: ignore[dict-item]
    },
}


@pytest.mark.parametrize(
    ("client", "home", "dotted", "named"),
    [
        (Shape.COMPLETIONS, Shape.CHAT, "messages.0.content", "prompt[1]"),
        (Shape.COMPLETIONS, Shape.CHAT, "stop.1", "stop[1]"),
        (Shape.COMPLETIONS, Shape.RESPONSES, "input.0.content", "prompt[1]"),
        (Shape.CHAT, Shape.COMPLETIONS, "prompt.0", "messages"),
        (Shape.CHAT, Shape.COMPLETIONS, "stop.1", "stop[1]"),
        (Shape.CHAT, Shape.RESPONSES, "tools.0.name", "tools[0].function.name"),
        (Shape.CHAT, Shape.RESPONSES, "input.1.content", "messages[1].content"),
        (Shape.RESPONSES, Shape.CHAT, "tools.0.function.name", "tools[0].name"),
        (Shape.RESPONSES, Shape.CHAT, "messages.1.content", "input[1].content"),
        (Shape.RESPONSES, Shape.CHAT, "body.messages.[1].content", "input[1].content"),
    ],
)
def test_a_dotted_path_is_understood_like_one_with_brackets(
    client: Shape, home: Shape, dotted: str, named: str
) -> None:
    request = {"model": "m", **ASKED[client]}
    if home is Shape.COMPLETIONS:
        request.pop("tools", None)
    translation = plan(client, home, request, Context("m", "m"))
    call = len(translation.calls) - 1
    body = msgspec.json.encode({"error": {"message": "Bad.", "param": dotted}})
    error = translated_failure(translation, ErrorReply(call, 400, (), body))
    assert error.param == named


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"<h1>No</h1>", " and a web page: No"),
        (
            b"<html><head><title>A &amp; B</title><style>x</style></head>C</html>",
            " and a web page: A & B",
        ),
        (b"<!-- nothing -->", " and a web page"),
        (b"<p>" + b"x" * 999, f" and a web page: {'x' * 200}"),
        (b" upstream connect error ", ": upstream connect error"),
        (b"x" * 999, f": {'x' * 200}"),
        (b"", ": no body"),
    ],
)
def test_an_error_that_is_not_an_envelope_is_quoted(body: bytes, shown: str) -> None:
    error = translated(body, 503)
    assert isinstance(error, UpstreamError)
    assert (error.status, error.type) == (503, "server_error")
    assert error.message == f"The upstream answered with status 503{shown}."
    assert (translated(body).status, translated(body).type) == (400, "invalid_request_error")
    assert (translated(body, 429).type, translated(body, 500).status) == ("rate_limit_error", 502)


@pytest.mark.parametrize(
    ("status", "kind", "message", "expected"),
    [
        (529, "overloaded_error", "Overloaded", (503, "server_error", None, None)),
        (500, "api_error", "Oops", (502, "server_error", None, None)),
        (402, "billing_error", "Pay", (402, "billing_error", None, None)),
        (
            *(404, "not_found_error", "model: nope"),
            (404, "invalid_request_error", "model_not_found", "model"),
        ),
        (
            *(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
            (400, "invalid_request_error", "context_length_exceeded", None),
        ),
        (
            *(400, "invalid_request_error", "messages.0.content.0.text: Field required"),
            (400, "invalid_request_error", None, "messages[1].content"),
        ),
        (
            *(400, "invalid_request_error", "zzz: Extra inputs are not permitted"),
            (400, "invalid_request_error", None, None),
        ),
        (200, "overloaded_error", "Overloaded", (503, "server_error", None, None)),
        (400, "BadRequestError", "Bad", (400, "BadRequestError", None, None)),
    ],
)
def test_an_error_of_anthropic_is_openais(
    status: int, kind: str, message: str, expected: tuple[object, ...]
) -> None:
    request = {"model": "m", **ASKED[Shape.CHAT]}
    translation = plan(Shape.CHAT, Shape.MESSAGES, request, Context("m", "m"))
    body = msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}})
    error = translated_failure(translation, ErrorReply(0, status, (), body))
    assert (error.status, error.type, error.code, error.param) == expected
    unreadable = translated_failure(translation, ErrorReply(0, 529, (), b"<html>"))
    assert unreadable.status == 529


def test_a_list_that_failed_says_why() -> None:
    known = listing_failed("openai", 429, b'{"error": {"message": "slow", "type": "t"}}')
    assert (known.status, known.type) == (429, "t")
    assert known.message == "The models of upstream 'openai' could not be listed: slow."
    unknown = listing_failed("openai", 500, b"<html>")
    assert (unknown.status, unknown.type) == (502, "server_error")
    assert unknown.message.endswith("it answered with status 500.")


PAIRS = [(client, home) for client in Shape for home in Shape if client is not home]
LLAMACPP = {
    "code": 400,
    "message": "the request exceeds the available context size, try increasing it",
    "type": "exceed_context_size_error",
    "n_prompt_tokens": 603,
    "n_ctx": 512,
}
VLLM = {
    "message": "This model's maximum context length is 512 tokens. However, your prompt contains "
    "at least 513 input tokens. (parameter=input_tokens, value=513)",
    "type": "BadRequestError",
    "param": "input_tokens",
    "code": 400,
}


def refused(client: Shape, home: Shape, reply: FakeReply, *, stream: bool = False) -> GatewayError:
    """Ask for a model that lives at `home`; return the error that the client gets."""
    scene = Scene(lambda _: reply, rules=(ModelRule("alias", "served", endpoints=(home,)),))
    with pytest.raises(GatewayError) as raised:
        scene.generate(client, {**REQUESTS[client], "stream": stream})
    return raised.value


def reply_of(body: Any, status: int = 400, headers: RawHeaders = ()) -> FakeReply:
    return FakeReply(status, (*JSON, *headers), (msgspec.json.encode(body),))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_prompt_that_is_too_long_is_openais_error(
    client: Shape, home: Shape, stream: bool
) -> None:
    for error, numbers in ((LLAMACPP, ("603", "512")), (VLLM, ("513", "512"))):
        body = msgspec.json.encode({"error": error})
        replies = [
            FakeReply(400, JSON, (body,)),
            FakeReply(500, JSON, (msgspec.json.encode([{"error": error}]),)),
            FakeReply(200, JSON, (body,)),
            FakeReply(200, EVENT_STREAM, (b"data: " + body + b"\n\n",)),
        ]
        for reply in replies:
            result = refused(client, home, reply, stream=stream)
            assert (result.code, result.status) == ("context_length_exceeded", 400)
            assert result.type == "invalid_request_error"
            assert all(number in result.message for number in numbers)
            assert "upstream parameter" not in result.message


def as_data(event: Any) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode(event)


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_prompt_found_too_long_within_a_stream_is_reported_there(
    client: Shape, home: Shape
) -> None:
    first: dict[Shape, Any] = {
        Shape.COMPLETIONS: {"choices": [{"index": 0, "text": "Hi"}]},
        Shape.CHAT: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]},
        Shape.RESPONSES: {"type": "response.output_text.delta", "item_id": "i", "delta": "Hi"},
    }
    sent = events(home, until="text") if home is Shape.MESSAGES else [as_data(first[home])]
    pieces = [*sent, as_data({"type": "error", "error": LLAMACPP})]
    scene = Scene(
        lambda _: FakeReply(200, EVENT_STREAM, pieces),
        rules=(ModelRule("alias", "served", endpoints=(home,)),),
    )
    result = scene.generate(client, {**REQUESTS[client], "stream": True})
    errors = [event["error"] for event in result.events if "error" in event]
    if client is Shape.MESSAGES:
        assert errors[0]["message"].startswith("prompt is too long: 603 tokens > 512 maximum")
        return
    assert errors[0]["code"] == "context_length_exceeded"
    if client is Shape.RESPONSES:
        assert result.events[-1]["response"]["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize(("client", "home"), PAIRS)
@pytest.mark.parametrize("status", [408, 429, 503, 504, 529])
def test_fields_that_make_clients_wait_reach_them(client: Shape, home: Shape, status: int) -> None:
    headers = (
        (b"retry-after", b"7"),
        (b"ratelimit-policy", b"100;w=60"),
        (b"anthropic-ratelimit-requests-remaining", b"0"),
        (b"x-ratelimit-reset-tokens", b"6ms"),
    )
    for stream in (False, True):
        reply = reply_of({"error": {"message": "Overloaded"}}, status, headers)
        error = refused(client, home, reply, stream=stream)
        assert (error.status, error.message) == (status, "Overloaded")
        assert dict(error.headers)["retry-after"] == "7"
        assert len(error.headers) == 4


ENVELOPES: list[tuple[Any, int, tuple[str, str, str | None]]] = [
    ({"detail": "text"}, 422, ("text", "invalid_request_error", None)),
    (
        {"detail": {"error": {"message": "text", "code": "c"}}},
        400,
        ("text", "invalid_request_error", "c"),
    ),
    (
        {"detail": [{"loc": ["body"], "msg": "text", "type": "t"}]},
        422,
        ("text", "invalid_request_error", None),
    ),
    (
        {"error": {"message": "Input should be 'a'", "type": "literal_error", "code": None}},
        500,
        ("Input should be 'a'", "invalid_request_error", None),
    ),
    (
        [{"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}}],
        429,
        ("quota", "rate_limit_error", None),
    ),
    ([{"error": {"code": 400, "message": "bad"}}], 400, ("bad", "invalid_request_error", None)),
    (
        {"error": {"message": "bad", "type": "Bad Request"}},
        400,
        ("bad", "invalid_request_error", None),
    ),
    (
        {"error": {"message": "/chat/completions: No such thing", "type": "None", "code": "400"}},
        400,
        ("No such thing", "invalid_request_error", None),
    ),
    (
        {
            "error": {
                "message": "litellm.BadRequestError: OpenAIException - "
                '{"error": {"message": "inner", "type": "t", "code": "c"}}'
                "\n\nLiteLLM: model group 'x' failed with the error above.",
                "code": "400",
            }
        },
        400,
        ("inner", "t", "c"),
    ),
    ({"message": "Service Unavailable"}, 503, ("Service Unavailable", "server_error", None)),
]


@pytest.mark.parametrize(("body", "status", "expected"), ENVELOPES)
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_every_envelope_is_opened_for_clients_too(
    client: Shape, home: Shape, body: Any, status: int, expected: tuple[str, str, str | None]
) -> None:
    error = refused(client, home, reply_of(body, status))
    assert (error.message, error.type, error.code) == expected


def test_validation_errors_name_the_clients_parameter() -> None:
    text = "2 validation errors:\n  {'type': 'string_type', 'loc': 'body.stop', 'msg': 'no text'}\n"
    text += "  {'type': 'too_long', 'loc': 'body.stop', 'msg': 'too many'}"
    error = {"message": text, "type": "Bad Request", "param": "body.stop", "code": 400}
    result = refused(Shape.CHAT, Shape.COMPLETIONS, reply_of({"error": error}))
    assert result.message.startswith("stop: no text\nstop: too many")
    loc = ["body", "messages", 0, "content"]
    for path in (loc, "body.messages.0.content"):
        detail = [{"loc": path, "msg": "no text", "type": "x"}]
        result = refused(Shape.COMPLETIONS, Shape.CHAT, reply_of({"detail": detail}, 422))
        assert result.param == "prompt"
        assert "messages[0].content: no text" in result.message


def test_an_error_in_a_success_has_the_status_that_it_names() -> None:
    body = b'{"error": {"message": "slow", "code": 429}}'
    error = error_of_reply(200, ((b"retry-after", b"7"),), body, lambda name: name)
    assert (error.status, error.type, error.upstream_status) == (429, "rate_limit_error", 0)
    assert error.headers == (("retry-after", "7"),)
