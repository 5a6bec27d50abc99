"""Thinking in a messages request: how it is to be shown, and the thinking of earlier turns."""

from typing import NamedTuple

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.messages.reply_options import Thinking
from gateway.translate.parts.messages.signatures import carries, unpack


class Thought(NamedTuple):
    """A block of thinking that a client has sent back."""

    content: Json | None
    """The content that the gateway has packed for the upstream that is called; None: none that it
    can use."""
    text: str
    """The text of the thinking; empty if it was redacted, or not shown."""


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
    """Return the content and the text of a checked block `thinking` or `redacted_thinking`."""
    if block["type"] == "redacted_thinking":
        return Thought(unpack(block["data"], "", context), "")
    text: str = block["thinking"]
    return Thought(unpack(block.get("signature", ""), text, context), text)


def report_signature(block: Json, path: str, report: Report) -> None:
    """Report that only the text of a block is sent, if a gateway has packed more with it.

    Signatures of Anthropic and others are not reported: they mean nothing elsewhere.
    """
    if carries(block.get("signature", "")):
        report.drop(f"{path}.signature")
