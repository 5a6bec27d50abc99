"""Compares streams that have a shortcut for pieces of arguments with the generic ones."""

from collections.abc import Callable, Sequence
from typing import Any

from gateway.errors import GatewayError
from gateway.fast.agents.replies.messages_answers import AnsweredRequest
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, StreamTranslation
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from tests.fast.both_paths import copied
from tests.translate.completions_via_chat.chat_backend import make_context
from tests.translate.sealing import OpenSeal

Make = Callable[[AnsweredRequest, Context, Report], StreamTranslation]

OPTIONS = [
    MessagesReplyOptions(tools=frozenset({"read", "readable", "find"})),
    MessagesReplyOptions(
        tools=frozenset({"find"}), tool_names={"find": "find_" * 20}, thinking="none"
    ),
    MessagesReplyOptions(stop_sequences=("b",), tools=frozenset({"find"})),
]
CONTEXTS = [make_context(), make_context(seal=OpenSeal(), upstream="up")]


def shown(
    make: Make, events: Sequence[Json], home: Shape, options: MessagesReplyOptions, context: Context
) -> list[Any]:
    """Return all that a stream shows of itself."""
    report = Report(Shape.MESSAGES, home)
    request = AnsweredRequest(options, 300, ["call_1"], lambda _, param: param)
    stream = make(request, context, report)
    seen: list[Any] = []
    try:
        for event in events:
            seen.append(copied(stream.feed(0, copied(event))))
            seen += [stream.passes_text, stream.satisfied(0), stream.ping()]
        seen.append(stream.end(0))
    except GatewayError as error:
        seen += [type(error), error.status, error.envelope(), stream.fail(error)]
    return [*seen, report]
