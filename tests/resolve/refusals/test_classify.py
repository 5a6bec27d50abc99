import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.error_envelopes import read_error
from gateway.resolve.refusals.classify import Refusal, Verdict, classify
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape
from tests.resolve.recorded_errors import (
    ORDINARY_NAMES,
    RECORDED,
    RecordedError,
    acts,
    in_openai_envelope,
)

# --- statuses


def test_openais_three_403_texts_are_none_of_access() -> None:
    for text in ("sample", "generate embeddings"):
        body = in_openai_envelope(f"You are not allowed to {text} from this model")
        refusal = classify(Shape.CHAT, 403, body, model="m")
        assert refusal.verdict is Verdict.WRONG_ENDPOINT
        assert refusal.alternatives == ()
    body = in_openai_envelope("You are not allowed to request logprobs from this model")
    refusal = classify(Shape.CHAT, 403, body, model="m", sent={"logprobs"})
    assert refusal.fixes == (ParameterFix("withhold", "logprobs"),)


def test_new_apis_missing_conversion_is_the_only_500_that_counts() -> None:
    body = in_openai_envelope("not implemented", "convert_request_failed", "new_api_error")
    assert classify(Shape.RESPONSES, 500, body, model="m").alternatives == (Shape.CHAT,)
    assert classify(Shape.CHAT, 500, body, model="m").verdict is Verdict.OTHER
    body = in_openai_envelope("something else", "convert_request_failed", "new_api_error")
    assert classify(Shape.RESPONSES, 500, body, model="m").verdict is Verdict.OTHER


@pytest.mark.parametrize("status", [100, 301, 302, 405, 406, 416, 418, 431, 451])
def test_statuses_that_no_refusal_has_are_other(status: int) -> None:
    body = in_openai_envelope("Unknown parameter: 'user'.", "unknown_parameter")
    assert classify(Shape.CHAT, status, body, model="m", sent={"user"}).verdict is Verdict.OTHER


def test_an_error_within_a_2xx_is_understood_only_without_a_result() -> None:
    flat = {"object": "error", "message": "The model `x` does not exist.", "code": 404}
    assert classify(Shape.CHAT, 200, flat, model="x").verdict is Verdict.MODEL_NOT_FOUND
    nested = in_openai_envelope("The model `x` does not exist.")
    assert classify(Shape.CHAT, 200, nested, model="x").verdict is Verdict.MODEL_NOT_FOUND
    assert isinstance(nested, dict)
    for key in ("choices", "output", "data", "id"):
        with_result = {**nested, key: []}
        assert classify(Shape.CHAT, 200, with_result, model="x").verdict is Verdict.OTHER


# --- routes that are not there


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"404 page not found\n"),
        (404, b"<pre>Cannot POST /v1/responses</pre>"),
        (405, b"Method Not Allowed"),
        (405, b'{"detail":"Method Not Allowed"}'),
        (404, b'{"detail":"Not Found"}'),
        (404, b'{"timestamp":"2026","status":404,"error":"Not Found","path":"/v1/responses"}'),
        (404, b'{"statusCode":404,"message":"Cannot POST /v1/responses","error":"Not Found"}'),
        (404, b'{"message":"Route POST:/v1/responses not found","error":"Not Found"}'),
        (404, b'{"type":"https://tools.ietf.org/html/rfc9110","title":"Not Found","status":404}'),
        (404, b'{"error":{"message":"Invalid URL (POST /v1/responses)","code":null}}'),
        (404, b'{"error":{"message":"gone","code":"unknown_url"}}'),
        (404, b'{"error":{"code":"404","message":"Resource not found"}}'),
        (404, b'{"error":{"message":"404 Not Found"}}'),
        (
            404,
            b'{"code":"Some requested entity was not found","error":"No handler found on route"}',
        ),
        (501, b'{"error":{"message":"API not implemented","code":"api_not_implemented"}}'),
        (501, b'{"detail":"Not Implemented"}'),
        (200, b'{"error":"Unexpected endpoint or method. (POST /v1/responses)"}'),
    ],
)
def test_a_missing_route_is_distinguished_from_other_errors(status: int, body: object) -> None:
    refusal = classify(Shape.RESPONSES, status, body, model="m")
    assert refusal.verdict is Verdict.UNKNOWN_ROUTE


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b"404 page not found"),
        (502, b"<html><head><title>404 Not Found</title></head></html>"),
        (404, b"<html><head><title>502 Bad Gateway</title></head></html>"),
        (404, b"<html><head><title>Welcome</title></head></html>"),
        (501, b"<html><body>Responses endpoint not implemented</body></html>"),
        (404, b"[]"),
        (404, b"null"),
        (404, None),
        (404, 7),
    ],
)
def test_any_other_page_is_other(status: int, body: object) -> None:
    assert classify(Shape.CHAT, status, body, model="m") == Refusal(Verdict.OTHER)


@pytest.mark.parametrize(
    ("status", "text", "verdict"),
    [
        (404, "Model 'm' not found", Verdict.MODEL_NOT_FOUND),
        (400, "The model `m` does not exist.", Verdict.MODEL_NOT_FOUND),
        (501, "Responses endpoint not implemented", Verdict.UNKNOWN_ROUTE),
        (501, "Chat completions not implemented", Verdict.UNKNOWN_ROUTE),
        (501, "Messages API not yet implemented for this router", Verdict.UNKNOWN_ROUTE),
        (501, "Not Implemented", Verdict.UNKNOWN_ROUTE),
        (400, "Not Implemented", Verdict.OTHER),
        (400, "This model is only supported in v1/responses", Verdict.WRONG_ENDPOINT),
        (422, "Unknown parameter: 'user'.", Verdict.UNSUPPORTED_PARAMETER),
        (501, "Unknown parameter: 'user'.", Verdict.OTHER),
        (501, "Non-streaming is not supported", Verdict.UNSUPPORTED_PARAMETER),
        (405, "Non-streaming is not supported", Verdict.UNSUPPORTED_PARAMETER),
        (503, "Non-streaming is not supported", Verdict.OTHER),
        (429, "Model 'm' not found", Verdict.OTHER),
        (500, "Model 'm' not found", Verdict.OTHER),
        (404, "The model does not exist", Verdict.OTHER),
        (404, "Say: Model 'm' not found", Verdict.OTHER),
    ],
)
def test_a_text_without_json_is_read_like_a_message(
    status: int, text: str, verdict: Verdict
) -> None:
    for body in (text.encode(), f'"{text}"'.encode(), text):
        refusal = classify(Shape.CHAT, status, body, model="m", sent={"user"})
        assert refusal.verdict is verdict
        assert refusal.message == text


@pytest.mark.parametrize("model", ["Llama 3 8B Instruct", "[AWS] gpt-9"])
def test_a_name_with_spaces_is_a_name(model: str) -> None:
    for message in (f"The model `{model}` does not exist", f"Model {model} not found"):
        refusal = classify(Shape.CHAT, 404, in_openai_envelope(message), model=model)
        assert (refusal.verdict, refusal.message) == (Verdict.MODEL_NOT_FOUND, message)
    # Of another name, or none, it is not known what belongs to it.
    body = in_openai_envelope(f"The model `{model}` does not exist")
    assert classify(Shape.CHAT, 404, body, model="m").verdict is Verdict.OTHER


@pytest.mark.parametrize(
    ("model", "home"), [("[AWS] o3-pro", Shape.RESPONSES), ("[AWS] gpt-9", Shape.CHAT)]
)
def test_a_label_before_a_name_does_not_hide_what_the_name_suggests(
    model: str, home: Shape
) -> None:
    body = in_openai_envelope(f"Model '{model}' is not supported by /v1/completions.")
    refusal = classify(Shape.COMPLETIONS, 400, body, model=model)
    assert (refusal.verdict, refusal.alternatives[0]) == (Verdict.WRONG_ENDPOINT, home)


def test_the_comma_distinguishes_a_wrong_endpoint_from_a_missing_model() -> None:
    """OpenAI's responses endpoint gives both the same status, type, param and code."""
    with_comma = in_openai_envelope("The requested model, 'babbage-002' was not found.")
    refusal = classify(Shape.RESPONSES, 400, with_comma, model="babbage-002")
    assert refusal.alternatives == (Shape.COMPLETIONS,)
    without = in_openai_envelope("The requested model 'babbage-003' does not exist.")
    refusal = classify(Shape.RESPONSES, 400, without, model="babbage-003")
    assert refusal.verdict is Verdict.MODEL_NOT_FOUND


# --- what relays report


@pytest.mark.parametrize("status", [401, 402, 403, 408, 409, 429, 500, 502, 503, 529])
def test_a_status_that_a_relay_names_vetoes_too(status: int) -> None:
    inner = json.dumps({"error": {"message": "The model `x` does not exist"}})
    for message in (
        f"bad response status code {status}, message: The model `x` does not exist",
        f"Error code: {status} - {inner}",
        f"openai error: HTTP {status}: {inner}",
    ):
        body = in_openai_envelope(message)
        assert classify(Shape.CHAT, 400, body, model="x").verdict is Verdict.OTHER
        body = in_openai_envelope(message.replace(str(status), "404"))
        assert classify(Shape.CHAT, 400, body, model="x").verdict is Verdict.MODEL_NOT_FOUND


def test_a_copy_of_the_body_gives_what_the_relay_left_out() -> None:
    text = "Unsupported value: 'x' is not supported with the 'gpt-5-codex' model."
    copy = json.dumps({"error": {"message": text, "param": "text.verbosity"}})
    message = f"bad response status code 400, message: {text}, body: {copy}"
    sent = {"text", "text.verbosity"}
    refusal = classify(Shape.RESPONSES, 400, in_openai_envelope(message), model="m", sent=sent)
    assert refusal.fixes == (ParameterFix("drop", "text.verbosity", given="x"),)
    other = message.replace(f'"message": "{text}"', '"message": "another"')
    refusal = classify(Shape.RESPONSES, 400, in_openai_envelope(other), model="m", sent=sent)
    assert refusal.verdict is Verdict.OTHER


# --- where the model is

BY_MODEL = [
    "Unsupported parameter: 'seed' is not supported with this model.",
    "Unsupported value: 'seed' does not support 0 with this model. Only the default (1)",
    "Model incompatible request argument supplied: seed",
    "seed parameter is not available on gpt-9 model",
    "Argument not supported on this model: seed",
    "This model does not support parameter seed",
    "`seed` is not supported with this model",
    "invalid seed: only 1 is allowed for this model",
    "openai does not support parameters: {'seed': 1}, for model=x",
    "gpt-5 models don't support seed=1. Only seed=2 is supported.",
]
BY_SERVER = [
    "Unknown parameter: 'seed'.",
    "Unsupported parameter: seed",
    "Unrecognized request argument supplied: seed",
    "property 'seed' is unsupported",
    "seed: Extra inputs are not permitted",
    "Unexpected fields in the request: {'seed'}",
    'json: unknown field "seed"',
    'Invalid JSON payload received. Unknown name "seed": Cannot find field.',
    "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'not permitted'}]",
]


@pytest.mark.parametrize("message", BY_MODEL)
def test_a_parameter_refused_for_the_models_sake_shows_that_the_model_is_here(message: str) -> None:
    body = in_openai_envelope(message)
    refusal = classify(Shape.CHAT, 400, body, model="m", sent={"seed"})
    assert refusal.verdict is Verdict.UNSUPPORTED_PARAMETER
    assert refusal.model_is_here


@pytest.mark.parametrize("message", BY_SERVER)
def test_a_parameter_refused_by_the_schema_says_nothing_of_the_model(message: str) -> None:
    body = in_openai_envelope(message)
    refusal = classify(Shape.CHAT, 400, body, model="m", sent={"seed"})
    assert refusal.verdict is Verdict.UNSUPPORTED_PARAMETER
    assert not refusal.model_is_here


def test_nothing_else_shows_that_the_model_is_here() -> None:
    for message in ("The model `x` does not exist", "something", "This model is only supported in"):
        body = in_openai_envelope(message)
        assert not classify(Shape.CHAT, 400, body, model="m", sent={"seed"}).model_is_here
    body = in_openai_envelope(BY_MODEL[0])
    assert not classify(Shape.CHAT, 400, body, model="m", sent={"user"}).model_is_here


def test_a_model_that_generates_no_text_lives_elsewhere() -> None:
    body = in_openai_envelope("You are not allowed to sample from this model")
    refusal = classify(Shape.CHAT, 403, body, model="tts-1")
    assert (refusal.alternatives, refusal.other_endpoint) == ((), "audio/speech")


# --- requests


def test_tools_with_reasoning_say_nothing_about_the_model() -> None:
    body = in_openai_envelope(
        "Function tools with reasoning_effort are not supported for gpt-5.6-terra in "
        "/v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort "
        "to 'none'."
    )
    refusal = classify(Shape.CHAT, 400, body, model="m", sent={"tools", "reasoning_effort"})
    assert refusal.verdict is Verdict.WRONG_ENDPOINT
    assert refusal.alternatives == (Shape.RESPONSES,)
    assert refusal.request_dependent


def test_what_the_upstream_said_is_kept() -> None:
    body = {"error": {"message": "m", "type": "t", "param": "p", "code": 42}}
    assert classify(Shape.CHAT, 400, body, model="x") == Refusal(
        Verdict.OTHER, message="m", type="t", code="42"
    )


# --- anything at all

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "error",
                    "message",
                    "detail",
                    "code",
                    "type",
                    "param",
                    "loc",
                    "msg",
                    "metadata",
                    "raw",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
CALLED = st.sampled_from([None, *Shape])
STATUSES = st.integers(100, 599)


@given(CALLED, STATUSES, VALUES)
def test_no_json_ever_raises_or_acts(called: Shape | None, status: int, body: object) -> None:
    assert not acts(classify(called, status, body, model="m", sent=ORDINARY_NAMES))


@given(CALLED, STATUSES, st.binary())
def test_no_bytes_ever_raise_or_act(called: Shape | None, status: int, body: bytes) -> None:
    assert not acts(classify(called, status, body, model="m", sent=ORDINARY_NAMES))


def test_a_body_that_is_too_long_is_other() -> None:
    body = in_openai_envelope("Unknown parameter: 'user'.", "unknown_parameter")
    raw = json.dumps(body).encode() + b" " * 64 * 1024
    assert classify(Shape.CHAT, 400, raw, model="m", sent={"user"}).verdict is Verdict.OTHER
    assert classify(Shape.CHAT, 400, raw[:1024], model="m", sent={"user"}).fixes


STARTS = (
    *("", "Unsupported parameter: ", "logprobs, ", "model ", "'", '"', "[", "{", "b'", "The "),
    *("model x does not support ", "This model is only supported in ", "bad response ", "litellm."),
    *("Unexpected fields in the request: {", "x does not support parameters: {", "x channel: "),
    *("Model x has been retired. Use ", "gpt-5 models (", "Invalid JSON payload received. "),
    *("1 validation error:\n", "The supported API model names are ", "x is a ", "Error from ("),
)
FILLERS = (
    *(" ", "\n", "a", "{", "[", "'", ".", "a, ", "(request id: ", "x.", "/", "v1/", "use ", "to "),
    *(
        "error ",
        "error: ",
        "400 ",
        "400: ",
        ", body: {",
        "a.b.",
        "_",
        "responses",
        "chat/",
        "(",
        "1-",
    ),
    *("{'a': 1}\n", "Use /v1/", "model ", ". LiteLLM Retried: ", "\n\nLiteLLM: ", '{"error":'),
)


@pytest.mark.parametrize("filler", FILLERS)
def test_long_messages_are_read_in_reasonable_time(filler: str) -> None:
    """A pattern that backtracks without bound would run into the suite's time limit."""
    for start in STARTS:
        message = (start + filler * 30_000)[:30_000]
        body = in_openai_envelope(message, "convert_request_failed")
        refusal = classify(Shape.CHAT, 400, body, model="m", sent={"user"})
        assert not acts(refusal)
    assert not acts(classify(Shape.CHAT, 404, filler.encode() * 2_000, model="m"))


# --- what users write

QUOTED = [entry for entry in RECORDED if entry.acts and not isinstance(entry.body, str)]
REFLECTING = [
    "Invalid value for 'content': {}",
    "Input should be a valid string, got {}",
    "Failed to parse: {}",
    "Bad request body: {}",
    "Unexpected message: {}",
    "The response was filtered: {}",
    "{} is not valid under any of the given schemas",
    "'{}' is not of type 'object'",
    '"{}" is too long',
    "`{}` is not valid",
    "Incorrect API key provided: {}",
    "Template raised: {}",
]


@given(
    st.sampled_from([None, *Shape]),
    st.sampled_from(QUOTED),
    st.sampled_from(REFLECTING),
    st.booleans(),
)
def test_an_error_that_reflects_what_a_user_wrote_is_other(
    called: Shape | None, recorded: RecordedError, message: str, whole: bool
) -> None:
    reply = read_error(recorded.body)
    assert reply is not None
    written = json.dumps(recorded.body) if whole else f"{reply.message} and so on"
    body = in_openai_envelope(message.replace("{}", written))
    if not message.startswith("{}") or whole:
        refusal = classify(called, 400, body, model="m", sent=recorded.sent)
        assert refusal.verdict is Verdict.OTHER


@pytest.mark.parametrize(
    ("called", "written"),
    [
        (Shape.RESPONSES, "Stream must be set to true"),
        (Shape.CHAT, "This model only support stream mode"),
        (Shape.RESPONSES, "Responses API is not supported for model 'm-1'"),
        (Shape.CHAT, "/v1/chat/completions is not available for this model"),
    ],
)
def test_what_a_user_wrote_is_known_by_its_quotation_marks(called: Shape, written: str) -> None:
    body = in_openai_envelope(written)
    assert classify(called, 400, body, model="m").verdict is not Verdict.OTHER
    for mark in ("'", '"', "`"):
        body = in_openai_envelope(f"{mark}{written}. So what{mark} is too long")
        assert classify(called, 400, body, model="m").verdict is Verdict.OTHER


@given(st.sampled_from([None, *Shape]), st.sampled_from(QUOTED), st.integers(400, 599))
def test_a_refusal_in_another_field_than_the_message_is_other(
    called: Shape | None, recorded: RecordedError, status: int
) -> None:
    reply = read_error(recorded.body)
    assert reply is not None
    body = {
        "error": {
            "message": "It broke.",
            "input": recorded.body,
            "failed_generation": reply.message,
        }
    }
    refusal = classify(called, status, body, model="m", sent=recorded.sent)
    assert refusal.verdict is Verdict.OTHER


TEMPLATELESS = (
    "As of transformers v4.44, default chat template is no longer allowed, so you must provide a "
    "chat template if the tokenizer does not define one."
)


@pytest.mark.parametrize(
    ("message", "verdict", "of_others"),
    [
        (
            "max_tokens=32000 cannot be greater than max_model_len=8192.",
            "unsupported_parameter",
            "other",
        ),
        (TEMPLATELESS, "wrong_endpoint", "wrong_endpoint"),
        ("The model `m` does not exist.", "other", "other"),
        ("CUDA out of memory.", "other", "other"),
    ],
)
def test_what_vllm_has_caught_at_messages_is_judged_by_its_text(
    message: str, verdict: str, of_others: str
) -> None:
    body = {"type": "error", "error": {"type": "internal_error", "message": message}}
    sent = {"max_tokens", "messages"}
    assert classify(Shape.MESSAGES, 500, body, model="m", sent=sent).verdict == verdict
    body = {"type": "error", "error": {"type": "api_error", "message": message}}
    assert classify(Shape.MESSAGES, 500, body, model="m", sent=sent).verdict == of_others


# --- relays' own faults

REFUSED = "Unsupported parameter: 'seed' is not supported with this model."
FAULTS = [
    ({"message": f"status_code=400, {REFUSED}", "type": "new_api_error"}, True),
    ({"message": f"upstream returned 429: {REFUSED}"}, False),
    ({"message": REFUSED, "type": "upstream_error", "param": "400", "code": "bad_status"}, True),
    ({"message": REFUSED, "type": "upstream_error", "param": "seed", "code": None}, False),
    ({"message": REFUSED, "code": 400}, True),
    ({"message": REFUSED, "code": "422"}, True),
    ({"message": REFUSED, "code": 500}, False),
    ({"message": REFUSED, "code": 20012}, False),
    ({"message": REFUSED, "type": "invalid_request_error"}, True),
    ({"message": REFUSED, "type": "BadRequestError"}, True),
    ({"message": REFUSED, "type": "server_error"}, False),
    ({"message": REFUSED}, False),
    ({"message": f"500: {REFUSED}", "code": 400}, True),
    ({"message": f"400: {REFUSED}", "code": 502}, False),
    ({"message": json.dumps({"error": {"message": REFUSED, "code": 400}})}, True),
    ({"message": f"500: {json.dumps({'message': f'400: {REFUSED}'})}"}, True),
]


@pytest.mark.parametrize(("error", "is_refusal"), FAULTS)
def test_a_relays_fault_is_a_refusal_if_the_error_says_so(error: object, is_refusal: bool) -> None:
    for status in (500, 502):
        refusal = classify(Shape.CHAT, status, {"error": error}, model="m", sent={"seed"})
        expected = (ParameterFix("drop", "seed"),) if is_refusal else ()
        assert refusal.fixes == expected
    for status in (503, 504, 529):
        refusal = classify(Shape.CHAT, status, {"error": error}, model="m", sent={"seed"})
        assert refusal.verdict is Verdict.OTHER
