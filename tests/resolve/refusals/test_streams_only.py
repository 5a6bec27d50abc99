import pytest

from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.resolve.refusals.streams_only import (
    ask_for_stream,
    ask_for_whole,
    asks_for_stream,
    delivery_asked_for,
    is_of_the_model,
    stream_asked_for,
)
from gateway.shapes import Json, Shape


@pytest.mark.parametrize(
    "message",
    [
        "This model only support stream mode, please enable the stream parameter.",
        "The model qwq-32b only supports streaming output.",
        "parameter.enable_thinking only support stream call",
        "enable_thinking cannot be supported when stream=False",
        "Requests with max_tokens > 16384 must have stream=true",
        "Stream must be set to true",
        "stream must be true.",
        "'stream' must be True",
        "The model `qwq-32b` only supports streaming output.",
        "This endpoint does not support non-streaming requests.",
        "Non-streaming is not supported",
        "Non-stream requests are not supported by this model",
        "Only stream mode is supported",
        "only streaming responses are supported",
        "Only streams are supported",
        "This endpoint only supports streams.",
        "Streaming is required for this model.",
    ],
)
def test_words_for_a_stream_that_is_demanded(message: str) -> None:
    assert asks_for_stream(message)


@pytest.mark.parametrize(
    "message",
    [
        "stream must be true or false.",
        "'stream' must be a boolean",
        "This model only supports stream=false",
        "This model does not support streaming",
        "Streaming is not supported",
        "Only non-streaming requests are supported",
        "Unsupported value: 'stream' does not support true with this model.",
        "The model only supports text",
        "'Stream must be set to true and so on' is not of type 'object'",
        '"This model only supports streams" is too long',
        "'Stream must be set to true' is not of type 'object'",
        "'It only supports streaming' is not of type 'object'",
        '"m does not support non-streaming" is too long',
    ],
)
def test_words_for_something_else(message: str) -> None:
    assert not asks_for_stream(message)


def test_the_model_may_be_the_reason() -> None:
    assert is_of_the_model("This model only support stream mode")
    assert is_of_the_model("parameter.enable_thinking must be set to false for non-streaming calls")
    assert not is_of_the_model("Stream must be set to true")


@pytest.mark.parametrize(
    ("given", "shape", "expected"),
    [
        ({}, Shape.RESPONSES, {"stream": True}),
        ({"stream": False}, Shape.MESSAGES, {"stream": True}),
        ({}, Shape.CHAT, {"stream": True, "stream_options": {"include_usage": True}}),
        (
            {"stream_options": {"include_obfuscation": False}},
            Shape.CHAT,
            {
                "stream": True,
                "stream_options": {"include_obfuscation": False, "include_usage": True},
            },
        ),
        (
            {"stream_options": None},
            Shape.COMPLETIONS,
            {"stream": True, "stream_options": {"include_usage": True}},
        ),
        ({"stream": True}, Shape.CHAT, {"stream": True}),
    ],
)
def test_a_stream_is_asked_for_with_its_usage(given: Json, shape: Shape, expected: Json) -> None:
    ask_for_stream(given, stream_asked_for(shape).to)
    assert given == expected


@pytest.mark.parametrize("shape", Shape)
def test_a_refused_stream_becomes_a_whole_reply(shape: Shape) -> None:
    whole = ParameterFix("whole", "stream")
    sent = {"model", "stream"}
    for message in (
        "Your organization must be verified to stream this model. Please go to: x",
        "Unsupported value: 'stream' does not support true with this model.",
        "This model does not support streaming",
        "The model 'm' doesn't support streaming.",
        "Streaming is not supported.",
        "stream is not yet supported by this model",
    ):
        assert delivery_asked_for(message, shape, sent) == whole
        assert delivery_asked_for(message, shape, {"model"}) is None
        assert delivery_asked_for(message, None, sent) is None
    for with_tools in (
        "This model doesn't support tool use in streaming mode.",
        "logprobs is not supported with tools + stream",
    ):
        whole = ParameterFix("whole", "stream", once=True)
        assert delivery_asked_for(with_tools, shape, sent) == whole
    demanded = delivery_asked_for("This model only supports stream mode", shape, sent)
    assert demanded == stream_asked_for(shape)
    for message in ("stream_options is not supported", "Streaming is not supported with images."):
        assert delivery_asked_for(message, shape, sent) is None


def test_only_a_body_that_asks_for_a_stream_is_changed() -> None:
    body: Json = {"stream": True, "stream_options": {"include_usage": True}, "seed": 3}
    ask_for_whole(body)
    assert body == {"stream": False, "seed": 3}
    others: list[Json] = [{}, {"stream": False}, {"stream": None}]
    for given in others:
        same = dict(given)
        ask_for_whole(same)
        assert same == given
