"""The parts of a messages request that its reply needs, whichever endpoint answers it."""

from typing import Protocol

from gateway.shapes import Json
from gateway.translate.pair import Prepared
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions


class PreparedMessages(Prepared, Protocol):
    """A messages request as a pair has prepared it."""

    @property
    def client(self) -> Json:
        """The client's request, checked."""

    @property
    def options(self) -> MessagesReplyOptions:
        """The parts of the request on which the reply depends."""


def known_call_ids(client: Json) -> set[str]:
    """Return the ids of calls in a checked request's history, which no new call may have."""
    ids: set[str] = set()
    for message in client.get("messages", ()):
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            if block.get("type") == "tool_use":
                ids.add(block["id"])
    return ids
