"""What a reply depends on in its request."""

from gateway.shapes import Json
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from tests import kinds
from tests.translate.messages_prepared import context, prepared
from tests.translate.messages_requests import asked, tool

LONG = "mcp__" + "x" * 100
BODY: Json = asked(
    stop_sequences=["b", "a", "b"],
    tools=[tool("f"), tool(LONG)],
    thinking={"type": "adaptive", "display": "omitted"},
)


def test_a_reply_knows_what_was_asked() -> None:
    sent = prepared(BODY)
    shortened = sent.call["tools"][1]["function"]["name"]
    assert sent.options == MessagesReplyOptions(
        stop_sequences=("b", "a"),
        native_stops=(),
        thinking="omitted",
        tool_names={shortened: LONG},
        tools=frozenset({"f", shortened}),
    )


def test_a_server_that_names_the_sequence_applies_them() -> None:
    sent = prepared(BODY, context(kind=kinds.VLLM))
    assert (sent.options.stop_sequences, sent.options.native_stops) == ((), ("b", "a"))
