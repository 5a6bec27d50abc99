"""Thinking in a messages request: how it is shown, and what comes back of earlier turns."""

from typing import NamedTuple

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.messages.reply_options import Thinking
from gateway.translate.parts.messages.signatures import carries, unpack


class Thought(NamedTuple):
    """A block of thinking that a client has brought back."""

    content: Json | None
    """What the gateway has packed for the server that is called; None: nothing that it can use."""
    text: str
    """Empty for what was only shown as redacted, or not at all."""


def shown_as(client: Json) -> Thinking:
    """Return how a checked request wants thinking to be shown."""
    thinking: Json = client.get("thinking", {})
    if thinking.get("type") == "disabled":
        return "none"
    return "omitted" if thinking.get("display") == "omitted" else "summarized"


def wants_thinking(client: Json) -> bool:
    """Whether a checked request asks for text of the model's thinking."""
    return "thinking" in client and shown_as(client) == "summarized"


def thought_in(block: Json, context: Context) -> Thought:
    """Return what is in a checked block of type `thinking` or `redacted_thinking`."""
    if block["type"] == "redacted_thinking":
        return Thought(unpack(block["data"], "", context), "")
    text: str = block["thinking"]
    return Thought(unpack(block.get("signature", ""), text, context), text)


def report_signature(block: Json, path: str, report: Report) -> None:
    """Report that only the text of a block is sent, if a gateway has packed more with it.

    What Anthropic and others have signed means nothing but to them.
    """
    if carries(block.get("signature", "")):
        report.drop(f"{path}.signature")
