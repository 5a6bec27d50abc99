import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.error_envelopes import ErrorDetails
from gateway.resolve.refusals.destinations import EMBEDDINGS, NOWHERE, Called, Destination
from gateway.resolve.refusals.endpoint_rule import WrongEndpointRule
from gateway.resolve.refusals.wrong_endpoint_rules import WRONG_ENDPOINT_RULES
from gateway.resolve.refusals.wrong_endpoints import is_unconverted, wrong_endpoint
from gateway.shapes import Shape

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES


def judge(message: str, called: Called, model: str = "", *sent: str) -> Destination | None:
    return wrong_endpoint(ErrorDetails(message), called, model, frozenset(sent))


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
        ("model 'gpt-5.5' must be called via /v1/responses", CHAT, Destination((RESPONSES,))),
        ("This model requires the Responses API.", CHAT, Destination((RESPONSES,))),
        (
            "Anthropic models must use the /v1/messages endpoint, not /v1/chat/completions",
            CHAT,
            Destination((Shape.MESSAGES,)),
        ),
        (
            (
                "Model claude-x-5 is not supported via /v1/chat/completions. Use claude-* models "
                "via /v1/messages."
            ),
            CHAT,
            Destination((Shape.MESSAGES,)),
        ),
        (
            "This backend does not support /v1/chat/completions. Use /v1/messages instead.",
            CHAT,
            Destination((Shape.MESSAGES,)),
        ),
        (
            "provider codex does not support /v1/chat/completions; use /v1/responses",
            CHAT,
            Destination((RESPONSES,)),
        ),
        (
            (
                "Model m-1 is not supported on /v1/chat/completions because it bypasses prompt "
                "caching on the first turn. Please use /v1/responses (OpenAI Responses API) "
                "instead."
            ),
            CHAT,
            Destination((RESPONSES,)),
        ),
        (
            "gpt-5.4 does not support /v1/chat/completions through this proxy route",
            CHAT,
            Destination((RESPONSES, COMPLETIONS)),
        ),
        (
            "The model m-1 does not work with the Responses API",
            RESPONSES,
            Destination((CHAT, COMPLETIONS)),
        ),
        (
            "Endpoint /v1/chat/completions is disabled for model m-1, use /v1/responses",
            CHAT,
            Destination((RESPONSES,)),
        ),
        ("Use the Responses API for this model.", CHAT, Destination((RESPONSES,))),
        (
            "模型 m-1 不支持 /v1/chat/completions 接口",
            CHAT,
            Destination((RESPONSES, COMPLETIONS)),
        ),
        (
            "该模型不支持 /v1/chat/completions\uff0c请使用 /v1/responses",
            CHAT,
            Destination((RESPONSES,)),
        ),
        ("模型 gpt-5-codex 仅支持 /v1/responses", CHAT, Destination((RESPONSES,))),
        ("Model acme-7 is not a chat model.", CHAT, Destination((RESPONSES, COMPLETIONS))),
        (
            'Model alias "e" is not a chat model. Use /v1/embeddings for embedding aliases.',
            CHAT,
            EMBEDDINGS,
        ),
        (
            "The Responses API is not supported for this model.",
            RESPONSES,
            Destination((CHAT, COMPLETIONS)),
        ),
        (
            "The '/v1/chat/completions' endpoint is not available for model acme-7",
            CHAT,
            Destination((RESPONSES, COMPLETIONS)),
        ),
        (
            "Chat completions API is not enabled for this model; use the Responses API.",
            CHAT,
            Destination((RESPONSES,)),
        ),
        (
            "This endpoint is not supported for the model 'acme-7'.",
            CHAT,
            Destination((RESPONSES, COMPLETIONS)),
        ),
        (
            "Function tools are not supported on /v1/chat/completions; use /v1/responses",
            CHAT,
            Destination((RESPONSES,), request_dependent=True),
        ),
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
        ("The model does not support Messages API", Shape.MESSAGES, NOWHERE),
        (
            "Model 'acme-7' does not support chat completions",
            CHAT,
            Destination((RESPONSES, COMPLETIONS)),
        ),
        (
            "The model `whisper-large-v3` does not support chat completions.",
            CHAT,
            Destination((), "audio/transcriptions"),
        ),
        (
            "This model is not available in Chat Completions. Use the Responses API instead.",
            CHAT,
            Destination((RESPONSES,)),
        ),
        (
            "This model is only supported with the Responses API and not with Chat Completions.",
            CHAT,
            Destination((RESPONSES,)),
        ),
        ("The model does not support Embeddings API", None, NOWHERE),
        (
            "This server does not support completions. Start it without `--embeddings`",
            COMPLETIONS,
            EMBEDDINGS,
        ),
        ('"nomic" does not support chat', CHAT, EMBEDDINGS),
        ("'nomic' does not support generate.", COMPLETIONS, EMBEDDINGS),
        ("`nomic` does not support chat (embedding only)", CHAT, EMBEDDINGS),
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
            Destination((CHAT, COMPLETIONS)),
        ),
        (
            (
                "Unsupported legacy protocol: /v1/chat/completions is not supported. "
                "Please use /v1/chat/completions."
            ),
            CHAT,
            NOWHERE,
        ),
        (
            '"claude-sonnet-4-5" is not supported on this API. Please use the Messages API',
            COMPLETIONS,
            Destination((Shape.MESSAGES,)),
        ),
        ("Sonar is now the Agent API.", CHAT, Destination((RESPONSES,))),
        ("This model does not support generation", CHAT, NOWHERE),
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
        ("The Responses API is not supported for this model.", CHAT),
        ("Audio is not supported on /v1/chat/completions. Use /v1/responses.", COMPLETIONS),
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
    right = Destination((CHAT,), request_dependent=True)
    assert judge(message, COMPLETIONS, "m", "messages") == right
    assert judge(message, COMPLETIONS, "m", "prompt") is None


def test_a_parameter_that_is_only_called_alike_is_not_messages() -> None:
    message = "Unrecognized request argument supplied: messages_count"
    assert judge(message, COMPLETIONS, "m", "messages", "messages_count") is None


def test_openais_words_count_of_any_model_that_they_name() -> None:
    for subject in ("This", "This model", "The model `gpt-4o`", "gpt-4o"):
        for verb in (" and not supported", " and is not supported", ", thus not supported"):
            chat = f"{subject} is a chat model{verb} in the v1/completions endpoint."
            assert judge(chat, COMPLETIONS) == Destination((CHAT,))
            assert judge(chat, CHAT) is None
    other = (
        "gpt-5.4-pro is not a chat model and is therefore not supported at the /v1/chat/completions"
    )
    assert judge(f"{other} endpoint", CHAT, "gpt-5.4-pro") is not None
    assert (
        judge("Anna is a chat model and not supported in the v1/completions endpoint", CHAT) is None
    )


@pytest.mark.parametrize(
    "message",
    [
        "default chat template is no longer allowed, so you must provide a chat template",
        "As of transformers v4.57.1, default chat template is no longer allowed, so you must …",
        "The model `base-7b` does not have a chat template.",
        "base-7b has no chat template",
        "Model 'base' lacks a chat template; use completions",
        "This tokenizer doesn't define a chat_template",
        "This model does not have a default chat template.",
        "No chat template is defined for this tokenizer",
        "No chat_template found in the tokenizer",
    ],
)
def test_a_model_without_a_chat_template_takes_prompts(message: str) -> None:
    for called in (CHAT, RESPONSES, Shape.MESSAGES):
        assert judge(message, called) == Destination((COMPLETIONS,))
        assert judge(f"The user wrote: {message}", called) is None
    assert judge(message, COMPLETIONS) is None


@pytest.mark.parametrize(
    ("message", "called", "expected"),
    [
        ("davinci-002 is a completion model, please use /v1/completions", CHAT, COMPLETIONS),
        ("The model 'a' is not a chat model. Use the completions endpoint.", CHAT, COMPLETIONS),
        ("gpt-4o is a chat model: use /v1/chat/completions instead", COMPLETIONS, CHAT),
        ("This model is a text generation model. Try the text completions API", CHAT, COMPLETIONS),
        ("The model 'a' does not support this API. Use '/v1/responses'.", CHAT, RESPONSES),
        ("gpt-5-pro is not available on this endpoint, use the Responses API", CHAT, RESPONSES),
        ("Model a-1 is not supported by the chat endpoint; use the Responses API", CHAT, RESPONSES),
    ],
)
def test_the_sort_of_model_or_advice_says_where_to_go(
    message: str, called: Shape, expected: Shape
) -> None:
    assert judge(message, called) == Destination((expected,))
    assert judge(message, expected) is None
    assert judge(f"The user wrote: {message}", called) is None


def test_copilots_code_is_enough() -> None:
    reply = ErrorDetails("some new text", code="unsupported_api_for_model")
    expected = {COMPLETIONS: (CHAT, RESPONSES), CHAT: (RESPONSES,), RESPONSES: (CHAT,)}
    for called, right in expected.items():
        assert wrong_endpoint(reply, called, "m", ()) == Destination(right)
    assert wrong_endpoint(reply, None, "m", ()) is None


def unconverted(message: str, called: Called, model: str = "m") -> Destination | None:
    reply = ErrorDetails(message, code="convert_request_failed")
    destination = wrong_endpoint(reply, called, model, ())
    assert is_unconverted(reply) or destination is None
    return destination


def test_new_api_converts_from_chat() -> None:
    for message in ("not implemented", "not supported", "not available"):
        assert unconverted(message, RESPONSES) == Destination((CHAT,))
        assert unconverted(message, CHAT) is None
        assert not is_unconverted(ErrorDetails(message, code="do_request_failed"))
        assert wrong_endpoint(ErrorDetails(message), RESPONSES, "m", ()) is None
    assert unconverted("not implemented yet", RESPONSES) is None


@pytest.mark.parametrize(
    ("path", "called", "right"),
    [
        ("/v1/chat/completions", CHAT, [RESPONSES, COMPLETIONS]),
        ("/v1/completions", COMPLETIONS, [CHAT, RESPONSES]),
        ("/v1/responses", RESPONSES, [CHAT, COMPLETIONS]),
        # it converts completions as chat, so that both are lost
        ("/v1/chat/completions", COMPLETIONS, [RESPONSES]),
    ],
)
def test_new_apis_channels_name_the_endpoint_that_they_lack(
    path: str, called: Shape, right: list[Shape]
) -> None:
    for channel in ("codex channel: ", "some-vendor channel: ", ""):
        message = f"{channel}{path} endpoint not supported"
        assert unconverted(message, called) == Destination(tuple(right))
    assert wrong_endpoint(ErrorDetails(message), called, "m", ()) is None
    assert unconverted(f"The user wrote: {message}", called) is None


@pytest.mark.parametrize(
    "message",
    [
        "Model gpt-5 is not supported on /v1/chat/completions because your plan lacks it",
        "Model gpt-5 does not support the chat completions API for your account",
        "The provider does not support tools",
        "Use the Responses API for this account.",
        "模型 m-1 不支持 tools",
    ],
)
def test_a_text_of_access_or_tools_is_of_no_endpoint(message: str) -> None:
    assert judge(message, CHAT, "m-1", "messages") is None


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/rerank"])
def test_new_apis_other_endpoints_are_not_this_call(path: str) -> None:
    assert unconverted(f"codex channel: {path} endpoint not supported", CHAT) is None


def test_new_apis_channels_name_the_endpoint_that_they_have() -> None:
    message = (
        "codex channel: only /v1/responses, /v1/responses/compact and /v1/alpha/search are "
        "supported"
    )
    assert unconverted(message, CHAT) == Destination((RESPONSES,))
    assert unconverted(message, RESPONSES) is None
    assert unconverted("codex channel: endpoint not supported", CHAT) == Destination(
        (RESPONSES, COMPLETIONS)
    )


PATHS = {
    COMPLETIONS: ["/v1/completions", "/openai/v1/completions"],
    CHAT: ["/v1/chat/completions", "/openai/v1/chat/completions", "/chat/completions"],
    RESPONSES: ["/v1/responses", "/openai/v1/responses", "/responses"],
    Shape.MESSAGES: ["/v1/messages", "/anthropic/v1/messages", "/messages"],
}


@pytest.mark.parametrize("called", Shape)
def test_what_remains_follows_from_the_endpoint_refused_and_the_name(called: Shape) -> None:
    """Bedrock Mantle names nothing but the endpoint called."""
    homes = {"openai.gpt-5.6-luna": CHAT, "davinci-002": COMPLETIONS, "gpt-5.3-codex": RESPONSES}
    for path in PATHS[called]:
        for model, home in homes.items():
            message = f"The model '{model}' does not support the '{path}' API"
            destination = judge(message, called)
            assert destination is not None
            assert called not in destination.alternatives
            assert len(destination.alternatives) == 3 - (called is not Shape.MESSAGES)
            assert destination.alternatives[0] is home or home is called
            for other in set(Shape) - {called}:
                assert judge(message, other) is None
        message = f"The model 'openai.whisper-1' does not support the '{path}' API"
        assert judge(message, called) == Destination(other_endpoint="audio/transcriptions")


@pytest.mark.parametrize(
    "message",
    [
        "The model 'gpt-9' does not support the '/v1/chat/completions' API",
        "The model `gpt-9` does not support the Chat Completions API.",
        "The model gpt-9 doesn't support /v1/chat/completions",
        "The requested model 'gpt-9' is not supported with the Chat Completions API.",
        "Model gpt-9 is not available on the /v1/chat/completions endpoint.",
        "Model: gpt-9 is not supported by /openai/v1/chat/completions",
        'model "gpt-9" is not accessible via the /chat/completions endpoint',
        "gpt-9 isn't available via the chat completions API",
        "'gpt-9' cannot be used with the chat/completions endpoint",
        "This model is not supported in the v1/chat/completions endpoint.",
        "This model can not be used with the chat completions API, use another one",
        "The model gpt-9 is not compatible with POST /v1/chat/completions (see the docs)",
    ],
)
def test_a_refusal_in_other_words_is_the_same(message: str) -> None:
    assert judge(message, CHAT) == Destination((RESPONSES, COMPLETIONS))
    assert judge(message, RESPONSES) is None
    assert judge(f"The user wrote: {message}", CHAT) is None


@pytest.mark.parametrize(
    ("advice", "expected"),
    [
        (" Please use the /v1/completions endpoint instead.", Destination((COMPLETIONS,))),
        (" Use the Responses API.", Destination((RESPONSES,))),
        (" Send it to /v1/audio/speech.", Destination(other_endpoint="audio/speech")),
        (" Use another model.", Destination((RESPONSES, COMPLETIONS))),
        (" Use /v1/chat/completions.", Destination()),
    ],
)
def test_advice_in_a_refusal_is_followed(advice: str, expected: Destination) -> None:
    message = "model gpt-9 is not accessible via the /chat/completions endpoint." + advice
    assert judge(message, CHAT) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("This model is only supported in v1/responses.", Destination((RESPONSES,))),
        ("The model 'x' is only available via the Responses API.", Destination((RESPONSES,))),
        ("Model gpt-9 only supports the /v1/completions endpoint", Destination((COMPLETIONS,))),
        (
            "This model is only supported in v1/realtime and not in v1/chat/completions.",
            Destination(other_endpoint="realtime"),
        ),
        ("This model is only supported in v1/chat/completions.", None),
        ("This model is only supported in v1/responses when tools are used.", None),
        ("The model only supports response formats: [json text].", None),
    ],
)
def test_the_only_endpoint_is_where_to_go(message: str, expected: Destination | None) -> None:
    assert judge(message, CHAT) == expected


@pytest.mark.parametrize(
    ("sort", "other_endpoint"),
    [
        ("embedding", "embeddings"),
        ("image generation", "images/generations"),
        ("text-to-speech", "audio/speech"),
        ("transcription", "audio/transcriptions"),
        ("video", "videos"),
    ],
)
def test_the_sort_of_model_says_where_it_lives(sort: str, other_endpoint: str) -> None:
    article = "an" if sort[0] in "aeiou" else "a"
    for message in (
        f"a/b is {article} {sort} model and cannot be used with the chat/completions endpoint.",
        f"The model 'b' is {article} {sort} model. Use another one.",
    ):
        assert judge(message, CHAT) == Destination(other_endpoint=other_endpoint)
        assert judge(message, None) is None
    assert judge(f"b is {article} {sort} model made by Acme", CHAT) is None


@pytest.mark.parametrize(
    "message",
    [
        "The model 'x' does not support the '/v1/chat/completions' API with tools",
        "The model 'x' is not available on the chat completions API for your organization",
        "The model 'x' does not support chat/completions streaming",
        '"x" does not support chat templates',
        "The model 'x' does not support images",
        "The Chat Completions API is not supported for your account",
        "The Chat Completions API is not available for free.",
        "Chat completions API is not supported for model 7 with tools",
        "Files are not supported on /v1/chat/completions.",
        "Parameter seed is not supported on /v1/chat/completions. Use /v1/responses.",
        "Flex API is not supported for model: gpt-5",
        "This model requires the Responses API for tools",
        "This model requires approval. Use the Responses API.",
        "Tool calling with this model requires the Responses API.",
        "Model acme-7 is not a chat model for everyone",
        "The model 'x' does not support the '/v1/messages' API",
        "Your account does not support /v1/chat/completions",
        "The model 'x' does not support the '/v1/chat/completions/batch' API",
    ],
)
def test_a_part_of_an_endpoint_or_a_permission_is_not_an_endpoint(message: str) -> None:
    assert judge(message, CHAT) is None


def test_embeddings_that_are_refused_have_nowhere_to_go() -> None:
    message = "The model 'gpt-9' does not support the '/v1/embeddings' API"
    assert judge(message, None) == NOWHERE
    assert judge(message, CHAT) is None


@pytest.mark.parametrize(
    ("message", "called"),
    [
        ("You are not allowed to sample from this model", CHAT),
        ("The requested model 'whisper-1' is not a chat model.", CHAT),
        ("The model does not support Chat Completions API", CHAT),
        ("The chatCompletion operation does not work with the specified model, whisper-1.", CHAT),
        ("The requested model, 'whisper-1' was not found.", RESPONSES),
        (
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint.",
            CHAT,
        ),
    ],
)
def test_a_model_without_text_is_sent_elsewhere_by_its_name(message: str, called: Shape) -> None:
    assert judge(message, called, "whisper-1") == Destination(other_endpoint="audio/transcriptions")


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
    assert destination is None or called not in destination.alternatives
