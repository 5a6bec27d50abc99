"""Errors in Anthropic's envelope."""

from typing import Any

import pytest

from gateway.errors import (
    AuthenticationFailed,
    GatewayError,
    InvalidRequest,
    ModelNotFound,
    PermissionDenied,
    UnsupportedParameter,
    UpstreamError,
    UpstreamReplied,
    UpstreamTimeout,
)
from gateway.translate.parts.messages.errors import (
    dotted,
    error_type,
    is_reworded,
    messages_error,
    messages_status,
)
from gateway.translate.parts.upstream_errors import replied_error


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (408, "invalid_request_error"),
        (409, "conflict_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
        (508, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_every_status_has_anthropics_type(status: int, kind: str) -> None:
    assert error_type(status) == kind
    error = GatewayError("No.", status=status)
    assert messages_error(error) == {"type": "error", "error": {"type": kind, "message": "No."}}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (AuthenticationFailed("Who?"), "authentication_error"),
        (PermissionDenied("No."), "permission_error"),
        (UpstreamTimeout("Late."), "timeout_error"),
    ],
)
def test_the_gateways_own_errors_have_their_type(error: GatewayError, kind: str) -> None:
    assert messages_error(error)["error"]["type"] == kind


def test_the_request_id_stands_beside_the_error() -> None:
    assert messages_error(GatewayError("No."), request_id="req-1")["request_id"] == "req-1"


def test_a_parameter_is_named_in_the_message_as_anthropic_does() -> None:
    error = InvalidRequest(
        "'messages[3].content[0]' must be an object.", param="messages[3].content[0]"
    )
    assert messages_error(error)["error"]["message"] == "'messages.3.content.0' must be an object."
    unnamed = InvalidRequest("Not a URL.", param="messages[0].content[1].source")
    assert messages_error(unnamed)["error"]["message"] == "messages.0.content.1.source: Not a URL."
    assert dotted("tools[10].input_schema") == "tools.10.input_schema"


@pytest.mark.parametrize(
    "message",
    [
        "Bad 'messages[1].reasoning_content'.",
        "Bad 'messages.1.reasoning_content'.",
        "Bad messages[1][0].",
        "Bad messages[1]_x.",
        "Bad body.messages.1.",
        "Bad messages.12.",
    ],
)
def test_a_longer_path_does_not_name_the_parameter(message: str) -> None:
    error = InvalidRequest(message, param="messages[1]")
    assert messages_error(error)["error"]["message"] == f"messages.1: {message}"


@pytest.mark.parametrize("named", ["messages[1]", "messages.1", "(messages[1])", "messages[1]."])
def test_a_parameter_is_named_once(named: str) -> None:
    error = InvalidRequest(f"Bad {named}", param="messages[1]")
    shown = f"Bad {named.replace('[1]', '.1')}"
    assert messages_error(error)["error"]["message"] == shown


def test_a_missing_model_is_a_404_also_where_openai_has_a_400() -> None:
    error = ModelNotFound("It does not exist.", status=400)
    assert messages_status(error) == 404
    assert messages_error(error)["error"]["type"] == "not_found_error"
    assert messages_status(InvalidRequest("No.")) == 400


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (UpstreamReplied("Only text is taken.", status=404), False),
        (UpstreamReplied("generation thread died", status=404), False),
        (UpstreamReplied("There is no m-7 here.", status=404), True),
        (UpstreamReplied("Not served.", param="model", status=404), True),
        (UpstreamReplied("There is no m-7 here.", code="gone", status=404), False),
        (ModelNotFound("Nothing."), True),
    ],
)
def test_a_404_that_is_not_about_the_model_is_not_said_to_be(
    error: GatewayError, *, named: bool
) -> None:
    message = messages_error(error, "m-7")["error"]["message"]
    assert message == ("model: m-7. " if named else "") + error.message


def test_sdks_are_told_to_send_the_conversation_without_a_thread() -> None:
    error = UnsupportedParameter("'thread' is not supported.", param="thread")
    assert messages_error(error)["error"]["details"] == {"error_code": "thread_unsupported_request"}
    assert "details" not in messages_error(UnsupportedParameter("No.", param="tools"))["error"]
    assert "details" not in messages_error(InvalidRequest("No.", param="thread"))["error"]


def test_a_conflict_is_one_whatever_status_openais_clients_get() -> None:
    error = UpstreamReplied("Busy.", upstream_status=409, status=429)
    assert messages_status(error) == 409
    assert messages_error(error)["error"]["type"] == "conflict_error"
    limited = UpstreamError("Slow down.", upstream_status=429, status=429)
    assert messages_status(limited) == 429


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("model: nope", "model: nope"),
        ("model: nope. The gateway asked.", "model: nope. The gateway asked."),
        ("model: nope is not here.", "model: nope is not here."),
        ("model: nope-2.", "model: nope. model: nope-2."),
        ("model: other.", "model: nope. model: other."),
    ],
)
def test_the_model_is_named_once(said: str, shown: str) -> None:
    assert messages_error(ModelNotFound(said), "nope")["error"]["message"] == shown


def test_a_missing_model_comes_first() -> None:
    error = ModelNotFound("It does not exist.", param="model")
    assert messages_error(error, "nope")["error"] == {
        "type": "not_found_error",
        "message": "model: nope. It does not exist.",
    }


_LLAMA = (
    "This model's maximum context length is 2048 tokens, however you requested 2300 tokens "
    "(2044 in your prompt; 256 for the completion)."
)
_GEMINI = "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576)."
_VLLM = (
    "This model's maximum context length is 4,096 tokens. However, you requested 5000 output "
    "tokens and your prompt contains 3000 input tokens, for a total of 8000."
)
_COHERE = (
    "too many tokens: size limit exceeded by 25836 tokens. The limit for this model is 288000 "
    "tokens."
)
_OWN = "prompt is too long: 5 tokens > 4 maximum"
_EXCEEDING = "input length and `max_tokens` exceed context limit"
_WITH_OUTPUT = f"{_EXCEEDING}: 190000 + 20000 > 200000"


@pytest.mark.parametrize(
    ("message", "begins"),
    [
        (
            _LLAMA,
            f"input length and `max_tokens` exceed context limit: 2044 + 256 > 2048. {_LLAMA}",
        ),
        (_GEMINI, f"prompt is too long: 1250074 tokens > 1048576 maximum. {_GEMINI}"),
        (_VLLM, f"{_EXCEEDING}: 3000 + 5000 > 4096. {_VLLM}"),
        (_COHERE, f"prompt is too long: 313836 tokens > 288000 maximum. {_COHERE}"),
        (_OWN, _OWN),
        (_WITH_OUTPUT, _WITH_OUTPUT),
        ("Your input exceeds the context window.", "prompt is too long. Your input"),
    ],
)
def test_an_overflow_has_the_words_after_which_clients_compact(message: str, begins: str) -> None:
    error = UpstreamReplied(message, code="context_length_exceeded", status=400, param="messages")
    said: str = messages_error(error)["error"]["message"]
    assert said.startswith(begins)
    assert said.count(_EXCEEDING) <= 1
    assert is_reworded(error) == (said != message)
    error.code = None
    assert not is_reworded(error)


_COUNTED = {"n_prompt_tokens": 9000, "n_ctx": 4096}


@pytest.mark.parametrize(
    "error",
    [
        # llama.cpp of 2025, and since
        {
            "message": "the request exceeds the available context size. try increasing the context "
            "size or enable context shift",
            "type": "exceed_context_size_error",
            **_COUNTED,
        },
        {
            "message": "request (9000 tokens) exceeds the available context size (4096 tokens), "
            "try increasing it",
            "type": "exceed_context_size_error",
            **_COUNTED,
        },
        {"message": "Context overflow", "type": "exceed_context_size_error", **_COUNTED},
        # OpenAI, vLLM, SGLang
        (
            "This model's maximum context length is 4096 tokens. However, your messages "
            "resulted in 9000 tokens. Please reduce the length of the messages."
        ),
        (
            "This model's maximum context length is 4096 tokens, however you requested 9500 tokens "
            "(9000 in your prompt; 500 for the completion). Please reduce your prompt."
        ),
        "The input (9000 tokens) is longer than the model's context length (4096 tokens).",
        "Input length (9000) exceeds model's maximum context length (4096).",
        # Text Generation Inference
        (
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: "
            "9000 `inputs` tokens and 200 `max_new_tokens`"
        ),
        "Input validation error: `inputs` must have less than 4096 tokens. Given: 9000",
        # LM Studio, Mistral, Cohere, TabbyAPI
        (
            "Trying to keep the first 9000 tokens when context the overflows. However, the model "
            "is loaded with context length of only 4096 tokens, which is not enough."
        ),
        "Cannot truncate prompt with n_keep (9000) >= n_ctx (4096)",
        (
            "Prompt contains 9000 tokens and 0 draft tokens, too large for model with 4096 maximum "
            "context length"
        ),
        "too many tokens: total number of tokens in the prompt cannot exceed 4096 - received 9000.",
        (
            "too many tokens: size limit exceeded by 4904 tokens. The limit for this model is 4096 "
            "tokens."
        ),
        "Prompt length 9000 is greater than max_seq_len 4096",
    ],
)
def test_every_server_that_counts_has_its_numbers_in_anthropics_words(error: Any) -> None:
    body = {"error": error if isinstance(error, dict) else {"message": error}}
    replied = replied_error(body, 400)
    assert replied is not None
    message = messages_error(replied)["error"]["message"]
    assert message.startswith("prompt is too long: 9000 tokens > 4096 maximum. ")


def test_a_server_that_counts_prompt_and_reply_apart_wants_a_shorter_reply() -> None:
    replied = replied_error({"error": {"message": _TGI}}, 422)
    assert replied is not None
    assert messages_error(replied)["error"]["message"].startswith(
        f"{_EXCEEDING}: 4000 + 200 > 4096"
    )


_TGI = (
    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 "
    "`inputs` tokens and 200 `max_new_tokens`"
)
