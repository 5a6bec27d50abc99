import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve.destinations import EMBEDDINGS, NOWHERE, Called, Destination
from gateway.resolve.error_envelopes import ErrorReply
from gateway.resolve.wrong_endpoint_rules import WRONG_ENDPOINT_RULES, WrongEndpointRule
from gateway.resolve.wrong_endpoints import is_unconverted, wrong_endpoint
from gateway.shapes import Shape

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES


def judge(message: str, called: Called, model: str = "", *sent: str) -> Destination | None:
    return wrong_endpoint(ErrorReply(message), called, model, frozenset(sent))


@pytest.mark.parametrize(
    ("message", "called", "expected"),
    [
        (
            "This model is only supported in v1/responses and not in v1/completions.",
            COMPLETIONS,
            Destination((RESPONSES,)),
        ),
        (
            "This model is only supported in v1/chat/completions and not in v1/responses.",
            RESPONSES,
            Destination((CHAT,)),
        ),
        (
            (
                "Function tools with reasoning_effort are not supported for gpt-5.6-terra in "
                "/v1/chat/completions. To use function tools, use /v1/responses or set "
                "reasoning_effort to 'none'."
            ),
            CHAT,
            Destination((RESPONSES,), request_dependent=True),
        ),
        ("You are not allowed to generate embeddings from this model", None, NOWHERE),
        (
            (
                "a/b is an embedding model and cannot be used with the chat/completions endpoint. "
                "Use the /embeddings endpoint instead."
            ),
            CHAT,
            EMBEDDINGS,
        ),
        (
            "model is missing conversation_config, please use /completions API instead",
            CHAT,
            Destination((COMPLETIONS,)),
        ),
        ("Template error: template not found", CHAT, Destination((COMPLETIONS,))),
        (
            (
                "Cannot use chat template functions because tokenizer.chat_template is not set and "
                "no template argument was passed!"
            ),
            CHAT,
            Destination((COMPLETIONS,)),
        ),
        ("The model does not support Responses API", RESPONSES, NOWHERE),
        ("The model does not support Embeddings API", None, NOWHERE),
        (
            "This server does not support completions. Start it without `--embeddings`",
            COMPLETIONS,
            EMBEDDINGS,
        ),
        ('"nomic" does not support chat', CHAT, EMBEDDINGS),
        ('Failed to load model "X". Error: Model is not embedding.', None, NOWHERE),
        (
            "The embeddings operation does not work with the specified model, gpt-4. Please",
            None,
            NOWHERE,
        ),
        (
            "The responses operation does not work with the specified model, gpt-35-turbo. Please",
            RESPONSES,
            Destination((CHAT,)),
        ),
        (
            "The completion operation does not work with the specified model, gpt-35-turbo. Please",
            COMPLETIONS,
            Destination((CHAT,)),
        ),
        (
            "The completion operation does not work with the specified model, davinci-002.",
            COMPLETIONS,
            NOWHERE,
        ),
        (
            "model gpt-4 is not accessible via the /responses endpoint",
            RESPONSES,
            Destination((CHAT,)),
        ),
        (
            (
                "Unsupported legacy protocol: /v1/chat/completions is not supported. "
                "Please use /v1/chat/completions."
            ),
            CHAT,
            NOWHERE,
        ),
    ],
)
def test_a_text_says_where_to_go(message: str, called: Called, expected: Destination) -> None:
    assert judge(message, called) == expected
    assert judge(f"The user wrote: {message}", called) is None


@pytest.mark.parametrize(
    ("message", "called"),
    [
        ("This is a chat model and not supported in the v1/completions endpoint.", CHAT),
        ("This is not a chat model and thus not supported in the v1/chat/completions", RESPONSES),
        ("This model is only supported in v1/responses and not in v1/completions.", CHAT),
        ("The requested model 'x' is not supported with the Responses API.", CHAT),
        ("The requested model, 'x' was not found.", CHAT),
        ("The chatCompletion operation does not work with the specified model, x.", COMPLETIONS),
        ("model x is not accessible via the /chat/completions endpoint", RESPONSES),
        ("The model does not support Chat Completions API", COMPLETIONS),
        ("The model does not support Embeddings API", CHAT),
        ("Multi Agent requests are not allowed on chat completions", RESPONSES),
        ('"x" does not support chat', None),
        ("x is an embedding model and cannot be used with the chat/completions endpoint.", None),
        ("Unrecognized request argument supplied: messages", CHAT),
    ],
)
def test_a_text_about_another_endpoint_is_not_about_this_call(message: str, called: Called) -> None:
    assert judge(message, called, "x", "messages") is None


@pytest.mark.parametrize(
    "message",
    [
        "Unrecognized request argument supplied: messages",
        "Unrecognized request arguments supplied: messages, tools",
        "Unrecognized request arguments supplied: user, messages",
    ],
)
def test_messages_at_completions_belong_to_chat_if_they_were_sent(message: str) -> None:
    assert judge(message, COMPLETIONS, "m", "messages") == Destination((CHAT,))
    assert judge(message, COMPLETIONS, "m", "prompt") is None


def test_a_parameter_that_is_only_called_alike_is_not_messages() -> None:
    message = "Unrecognized request argument supplied: messages_count"
    assert judge(message, COMPLETIONS, "m", "messages", "messages_count") is None


def test_copilots_code_is_enough() -> None:
    reply = ErrorReply("some new text", code="unsupported_api_for_model")
    expected = {COMPLETIONS: (CHAT, RESPONSES), CHAT: (RESPONSES,), RESPONSES: (CHAT,)}
    for called, right in expected.items():
        assert wrong_endpoint(reply, called, "m", ()) == Destination(right)
    assert wrong_endpoint(reply, None, "m", ()) is None


def test_new_api_converts_from_chat() -> None:
    reply = ErrorReply("not implemented", code="convert_request_failed")
    assert is_unconverted(reply)
    assert wrong_endpoint(reply, RESPONSES, "m", ()) == Destination((CHAT,))
    assert wrong_endpoint(reply, CHAT, "m", ()) is None
    other = ErrorReply("not implemented yet", code="convert_request_failed")
    assert not is_unconverted(other)
    assert wrong_endpoint(other, RESPONSES, "m", ()) is None


def test_the_name_in_the_text_counts_before_the_name_that_was_sent() -> None:
    """On Azure a deployment is called as its owner likes."""
    message = "The chatCompletion operation does not work with the specified model, gpt-5-codex."
    assert judge(message, CHAT, "my-davinci-002") == Destination((RESPONSES,))


@given(st.sampled_from(WRONG_ENDPOINT_RULES), st.data(), st.sampled_from([None, *Shape]))
def test_no_text_of_a_rule_raises_or_sends_back(
    rule: WrongEndpointRule, data: st.DataObject, called: Called
) -> None:
    message = data.draw(st.from_regex(rule.pattern))
    destination = judge(message, called, "m", "messages")
    assert destination is None or called not in destination.right
