"""What folds read of an agent's request, and what decodes the replies to it."""

from msgspec import DecodeError
from msgspec.json import encode

from gateway.fast.agents.replies.messages_answers import AnsweredRequest, Answers, has_stops
from gateway.fast.agents.replies.messages_chunks import CallsInChunks
from gateway.fast.codec import EncodedRequest
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.messages_via_chat.reply import fold_replies
from gateway.translate.parts.messages.prepared import known_call_ids
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions


def test_a_fold_finds_the_calls_of_the_conversation_and_the_limit() -> None:
    request = AnsweredRequest(MessagesReplyOptions(), 9, ["a", "b"], lambda _, param: param)
    assert known_call_ids(request.client) == {"a", "b"}
    assert request.calls == ({"max_output_tokens": 9},)
    assert request.client_param(0, "x") == "x"


def test_stop_sequences_end_a_reply_whoever_looks_for_them() -> None:
    assert not has_stops(MessagesReplyOptions())
    assert has_stops(MessagesReplyOptions(stop_sequences=("x",)))
    assert has_stops(MessagesReplyOptions(native_stops=("x",)))


CONTEXT = Context("asked", "sent", new_id=lambda: "f" * 32)


def sent(options: MessagesReplyOptions, text: bytes | None, upstream: Json) -> list[object]:
    """Return what is noted of a request, and what a reply is decoded to."""
    answers = Answers(options, 9, ["a"], CONTEXT, Report(Shape.MESSAGES, Shape.CHAT))

    def decode_text(body: bytes, encoded: EncodedRequest, context: Context) -> bytes | None:
        assert (body, encoded.limit, context) == (b"reply", 9, CONTEXT)
        if text == b"wrong":
            raise DecodeError
        return text

    made = answers.to(
        upstream, encode, fold_replies, CallsInChunks, decode_text, lambda body: b"calls"
    )
    decoded = made.decode_reply(b"reply") if made.decode_reply is not None else None
    folded = made.folding(lambda _, param: f"client's {param}")
    assert folded.client_param(0, "x") == "client's x"
    return [made.encoded, made.is_common, decoded]


def test_a_reply_is_a_text_or_has_calls() -> None:
    plain = MessagesReplyOptions()
    assert sent(plain, b"text", {"a": 1}) == [EncodedRequest(b'{"a":1}', 9), True, b"text"]
    for text in (None, b"wrong"):
        assert sent(plain, text, {"stream": True})[1:] == [True, b"calls"]
    streamed = EncodedRequest(b'{"stream":true}', 9, True)
    assert sent(plain, None, {"stream": True})[0] == streamed


def test_a_reply_that_a_sequence_may_end_is_not_decoded() -> None:
    assert sent(MessagesReplyOptions(stop_sequences=("x",)), b"text", {})[1:] == [False, None]
