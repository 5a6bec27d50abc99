"""Limits of a reply's length that are too large for the model."""

import pytest

from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.refusals.fixed_bodies import apply_fixes
from gateway.resolve.refusals.limits import sure_room
from gateway.resolve.refusals.parameter_fixes import ANTHROPICS, COUNTED, NONE_GIVEN, ParameterFix
from gateway.shapes import Json, Shape

TEXTS = [
    "max_completion_tokens is too large: 32000. This model supports at most 16384 tokens",
    "max_tokens is too large: 32000. This model supports at most 16384 completion tokens",
    "Invalid 'max_output_tokens': integer above maximum value. Expected a value <= 16384, but",
    "max_tokens: 32000 > 16384, which is the maximum allowed number of output tokens for claude-x",
    "The maximum tokens you requested exceeds the model limit of 16384. Try again with a lower one",
    "`max_tokens` must be less than or equal to `16384`, the maximum value for `max_tokens`",
    "Invalid max_tokens value, the valid range of max_tokens is [1, 16384]",
    "Range of max_tokens should be [1, 16384]",
    "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 16384]",
    (
        "The parameter `max_tokens` specified in the request are not valid: integer above maximum "
        "value, expected a value <= 16384, but got 32000 instead. Request id: 0217"
    ),
    "Exceeding the limiting length: [max_tokens should be less or equal to 16384]",
    "max_tokens: Input should be less than or equal to 16384",
    (
        "Unable to submit request because it has a maxOutputTokens value of 32000 but the "
        "supported range is from 1 (inclusive) to 16385 (exclusive). Update the value and try "
    ),
    (
        "too many tokens: max tokens must be less than or equal to 16384, the maximum output "
        "length for this model - received 32000."
    ),
    "max_tokens must be at most 16384, got 32000",
    "max_tokens (32000) must be less than or equal to 16384.",
    "'max_tokens' should be <= 16384",
    "max_tokens: 32000 must not exceed 16384",
    "max_tokens must be between 1 and 16384",
    "max_output_tokens cannot exceed 16384",
    # Databricks (databricks-sdk-go#1183, mlflow#25359)
    "INVALID_ARGUMENT: max_tokens (32000) cannot exceed 16384. Please reduce the length of max",
    (
        "Bad request: rpc error: code = InvalidArgument desc = max_tokens (32000) cannot exceed "
        "16384. Please reduce the length of max output tokens generated."
    ),
    # Groq (groq-moa#8), Novita (KeywordGacha#111), Autohand (code-cli#486), Bedrock
    "max_tokens for `llama-3.1-8b-instant` must be less than or equal to 16384",
    "max_tokens (current value: 32000) must be between 0 and 16384 ",
    "max_tokens must be an integer between 1 and 16384 for model `fantail`.",
    (
        "Malformed input request: #/max_tokens: 32000 is not less or equal to 16384, please "
        "reformat your input and try again."
    ),
    "field MaxTokens invalid, should be in [1, 16384]",
    "max_tokens value 32000 exceeds the maximum of 16384",
    (
        "body -> max_tokens\n  ensure this value is less than or equal to 16384 "
        "(type=value_error.number.not_le; limit_value=16384)"
    ),
]


def refusal(message: str, sent: set[str]) -> tuple[Verdict, tuple[ParameterFix, ...]]:
    body: Json = {"error": {"message": message, "type": "invalid_request_error", "param": None}}
    # OpenAI's code, which means a wrong value elsewhere.
    body["error"]["code"] = "integer_above_max_value"
    found = classify(Shape.CHAT, 400, body, model="m", sent=sent)
    return found.verdict, found.fixes


@pytest.mark.parametrize("message", TEXTS)
@pytest.mark.parametrize("name", ["max_completion_tokens", "max_tokens", "max_output_tokens"])
def test_the_limit_is_lowered_to_the_models(message: str, name: str) -> None:
    verdict, fixes = refusal(message, {"model", name})
    assert verdict is Verdict.UNSUPPORTED_PARAMETER
    whose = ANTHROPICS if message == TEXTS[3] else None
    assert fixes == (ParameterFix("limit", name, "16384", whose),)
    assert apply_fixes({name: 32_000}, fixes) == {name: 16_384}
    assert apply_fixes({name: 5}, fixes) == {name: 5}
    assert apply_fixes({"model": "m"}, fixes) == {"model": "m"}


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (TEXTS[0], {"model"}),
        ("max_tokens: 32000 > 0, which is the maximum allowed number", {"max_tokens"}),
        ("max_tokens must be a number", {"max_tokens"}),
        ("max_tokens must be at most 16,384", {"max_tokens"}),
        ("max_tokens must be less than or equal to the server cap of 9", {"max_tokens"}),
        ("max_tokens exceeds context window maximum 4096", {"max_tokens"}),
        ("top_k: Input should be less than or equal to 100", {"max_tokens", "top_k"}),
        ("Sorry: max_tokens is too large: 2. This model supports at most 1 ", {"max_tokens"}),
    ],
)
def test_another_error_is_not_a_limit(message: str, sent: set[str]) -> None:
    assert refusal(message, sent) == (Verdict.OTHER, ())


def overflow(prompt: int, reply: int, context: int) -> str:
    return (
        f"This model's maximum context length is {context} tokens. However, you requested "
        f"{prompt + reply} tokens ({prompt} in the messages, {reply} in the completion)."
    )


@pytest.mark.parametrize("name", ["max_completion_tokens", "max_tokens", "max_output_tokens"])
@pytest.mark.parametrize(
    ("prompt", "context"), [(6, 16_385), (12_289, 16_385), (6144, 8192), (123_904, 128_000)]
)
def test_the_limit_is_lowered_to_the_room_beside_the_prompt(
    prompt: int, context: int, name: str
) -> None:
    verdict, fixes = refusal(overflow(prompt, 16_384, context), {"model", name})
    room = context - prompt
    assert verdict is Verdict.UNSUPPORTED_PARAMETER
    assert fixes == (ParameterFix("fit", name, str(room)),)
    assert apply_fixes({name: 16_384}, fixes) == {name: room}


@pytest.mark.parametrize(
    ("prompt", "context", "sent"),
    [
        # So little would cut the reply off.
        (12_290, 16_385, {"max_tokens"}),
        (6145, 8192, {"max_tokens"}),
        (123_905, 128_000, {"max_tokens"}),
        (20_000, 16_385, {"max_tokens"}),
        (6, 16_385, {"model"}),
        # Room for a reply need not be room for what is to be thought before it.
        (6, 16_385, {"max_tokens", "thinking", "thinking.budget_tokens"}),
    ],
)
def test_a_conversation_that_is_too_long_is_the_clients_to_shorten(
    prompt: int, context: int, sent: set[str]
) -> None:
    assert refusal(overflow(prompt, 16_384, context), sent) == (Verdict.OTHER, ())


def test_room_in_anthropics_words_is_for_its_own_clients_to_keep_to() -> None:
    said = "input length and `max_tokens` exceed context limit: 100 + 199950 > 200000, decrease"
    _, fixes = refusal(said, {"max_tokens"})
    assert fixes == (ParameterFix("fit", "max_tokens", "199900", ANTHROPICS),)


def counted_to_limit(reply: int, context: int) -> str:
    return (
        f"You passed {context - reply + 1} input tokens and requested {reply} output tokens. "
        f"However, the model's context length is only {context} tokens, resulting in a maximum "
        f"input length of {context - reply} tokens. Please reduce the length of the input prompt. "
        f"(parameter=input_tokens, value={context - reply + 1})"
    )


def counted_in_2026(reply: int, context: int) -> str:
    return (
        f"This model's maximum context length is {context} tokens. However, you requested {reply} "
        f"output tokens and your prompt contains at least {context - reply + 1} input tokens, for a"
        f" total of at least {context + 1} tokens. Please reduce the length of the input prompt or "
        "the number of requested output tokens."
    )


@pytest.mark.parametrize(
    ("reply", "context", "least"), [(32_768, 131_072, "4096"), (6000, 8192, "2048")]
)
def test_the_limit_is_the_least_where_the_prompts_length_is_not_said(
    reply: int, context: int, least: str
) -> None:
    """vLLM counted as far as a prompt may go: one token less would be refused again."""
    for message in (counted_to_limit(reply, context), counted_in_2026(reply, context)):
        _, fixes = refusal(message, {"max_tokens"})
        assert fixes == (ParameterFix("room", "max_tokens", str(context), once=True),)
        sent = apply_fixes({"prompt": "x" * 4 * context, "max_tokens": reply}, fixes)
        assert sent["max_tokens"] == int(least)
        sent = apply_fixes({"prompt": "x" * (context - reply), "max_tokens": reply}, fixes)
        assert reply - 512 < sent["max_tokens"] < reply - 256


WHOLE_CONTEXTS = [
    "max_tokens=32000 cannot be greater than max_model_len=max_total_tokens=16384. Please request",
    "max_tokens=32000cannot be greater than max_model_len=max_total_tokens=16384. Please request",
    "max_completion_tokens=131072 cannot be greater than max_model_len=16384",
    # As large as the context, which no prompt has room beside either.
    (
        "You passed 74655 input characters and requested 16384 output tokens. However, the model's "
        "context length is only 16384 tokens, resulting in a maximum input length of 0 tokens (at "
        "most 0 characters). Please reduce the length of the input prompt."
    ),
    (
        "This model's maximum context length is 16384 tokens. However, you requested 16384 output "
        "tokens and your prompt contains 581 characters (more than 0 characters, which is the upper"
        " bound for 0 input tokens). Please reduce the length of the input prompt or the number of "
        "requested output tokens."
    ),
]


@pytest.mark.parametrize("message", WHOLE_CONTEXTS)
@pytest.mark.parametrize("name", ["max_completion_tokens", "max_tokens", "max_output_tokens"])
def test_a_limit_of_the_whole_context_is_lowered_to_what_the_prompt_leaves(
    message: str, name: str
) -> None:
    verdict, fixes = refusal(message, {"model", name})
    assert verdict is Verdict.UNSUPPORTED_PARAMETER
    assert fixes == (ParameterFix("room", name, "16384"),)
    (short,) = [apply_fixes({"prompt": "x" * 1000, name: 32_000}, fixes)]
    assert 16_384 - 1000 - 512 < short[name] < 16_384 - 1000 - 256
    assert apply_fixes({"prompt": "x" * 12_000, name: 16_384}, fixes)[name] == 4096
    # It may have room beside the prompt: the server knows.
    assert apply_fixes({"prompt": "x" * 12_000, name: 16_383}, fixes)[name] == 16_383
    assert apply_fixes({"prompt": "x"}, fixes) == {"prompt": "x"}


@pytest.mark.parametrize("shape", [Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES])
def test_a_limit_of_the_servers_own_that_has_no_room_gets_one(shape: Shape) -> None:
    """DeepInfra's is the whole context, where a request has none."""
    name = "max_output_tokens" if shape is Shape.RESPONSES else "max_tokens"
    body: Json = {"error": {"message": WHOLE_CONTEXTS[-1], "code": 400}}
    found = classify(shape, 400, body, model="m", sent={"model", "prompt"})
    assert found.fixes == (ParameterFix("room", name, "16384", NONE_GIVEN),)
    sent = apply_fixes({"prompt": "x" * 1000}, found.fixes)
    assert 16_384 - 1000 - 512 < sent[name] < 16_384 - 1000 - 256
    assert apply_fixes({"prompt": "x", name: 20_000}, found.fixes)[name] == 20_000
    assert classify(None, 400, body, model="m", sent={"model"}).fixes == ()
    # One that was refused by its number was sent.
    assert refusal(WHOLE_CONTEXTS[0], {"model"}) == (Verdict.OTHER, ())


COUNTING = (
    "max_completion_tokens is too large: 32000.This model supports at most 16384 completion tokens."
)


@pytest.mark.parametrize("name", ["max_completion_tokens", "max_tokens"])
@pytest.mark.parametrize("before", ["", "litellm.BadRequestError: OpenAIException - "])
def test_sglangs_context_is_asked_about_where_the_prompt_is_long(name: str, before: str) -> None:
    """At a limit of the context it says how long the prompt is."""
    verdict, fixes = refusal(before + COUNTING, {"model", name})
    assert verdict is Verdict.UNSUPPORTED_PARAMETER
    assert fixes == (ParameterFix("room", name, "16384", COUNTED),)
    short = apply_fixes({"prompt": "x" * 1000, name: 32_000}, fixes)[name]
    assert 16_384 - 1000 - 512 < short < 16_384 - 1000 - 256
    assert apply_fixes({"prompt": "x" * 5000, name: 32_000}, fixes)[name] == 16_384
    assert apply_fixes({"prompt": "x" * 5000, name: 16_000}, fixes)[name] == 16_000
    assert apply_fixes({"prompt": "x"}, fixes) == {"prompt": "x"}


@pytest.mark.parametrize("message", ["max_tokens=1 cannot be greater than max_model_len=0"])
def test_no_context_is_no_limit(message: str) -> None:
    assert refusal(message, {"max_tokens"}) == (Verdict.OTHER, ())


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
        {"type": "input_image", "image_url": "https://x.example/a.png"},
        {"type": "document", "source": {"type": "url", "url": "https://x.example/a.pdf"}},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    ],
)
def test_the_length_of_an_image_says_nothing_about_its_tokens(part: Json) -> None:
    body = {"messages": [{"role": "user", "content": [part]}]}
    assert sure_room(body, 16_384, 32_000) == 4096
    told = {"messages": [{"role": "user", "content": str(part)}]}
    assert sure_room(told, 16_384, 32_000) > 15_000


def test_a_limit_below_what_was_thought_to_be_left_gets_the_least() -> None:
    """The prompt has more tokens than bytes: nothing is known of it."""
    assert sure_room({"prompt": "x"}, 16_384, 9000) == 4096


@pytest.mark.parametrize(("reply", "context"), [(4096, 131_072), (2048, 8192)])
def test_a_reply_of_the_least_length_is_not_shortened(reply: int, context: int) -> None:
    message = counted_to_limit(reply, context)
    assert refusal(message, {"max_tokens"}) == (Verdict.OTHER, ())
