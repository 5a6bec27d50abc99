"""The parts of a messages request on which its reply depends."""

from collections.abc import Mapping
from typing import Protocol

from gateway.shapes import Json
from gateway.translate.parts.from_messages.blocks.thinking import shown_as
from gateway.translate.parts.from_messages.parameters import output_format
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions


class SentTools(Protocol):
    """The tools that are sent."""

    @property
    def functions(self) -> frozenset[str]:
        """The names of the tools, as sent."""

    @property
    def names(self) -> Mapping[str, str]:
        """The client's name of each tool that is sent under another one, by the name sent."""


def reply_options(
    client: Json, tools: SentTools | None, *, native_stops: bool
) -> MessagesReplyOptions:
    """Return what the reply depends on in a checked request; `tools` are those that are sent.

    `native_stops`: the upstream applies the stop sequences, and names the one it has found.
    """
    stops = tuple(dict.fromkeys(client.get("stop_sequences", ())))
    return MessagesReplyOptions(
        stop_sequences=() if native_stops else stops,
        native_stops=stops if native_stops else (),
        thinking=shown_as(client),
        tool_names={} if tools is None else tools.names,
        tools=frozenset() if tools is None else tools.functions,
        one_document=output_format(client)[0] is not None,
    )
