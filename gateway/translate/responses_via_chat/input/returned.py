"""The fields that a reasoning item brings back for the server that it came from."""

from dataclasses import dataclass, field
from typing import Literal

from gateway.servers.presets import NO_REASONING
from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.responses_via_chat.deltas.reasoning_fields import (
    TEXT_FIELDS,
    THINKING,
    THINKING_FIELD,
    TURN,
    text_within,
)

REQUIRED = "reasoning_content"
"""The field for reasoning at servers that require it with every call."""


@dataclass(slots=True)
class ReturnedReasoning:
    """The fields that a reasoning item brings back: of a message, and of its calls by call id."""

    message: Json = field(default_factory=dict)
    calls: dict[str, Json] = field(default_factory=dict)
    goes_on: bool = False
    """Whether the reasoning came within a message, whose text continues after it."""

    @property
    def has_text(self) -> bool:
        """Whether the item brings back text of reasoning."""
        return any(name in self.message for name in TEXT_FIELDS)


def returned_reasoning(
    item: Json, path: str, context: Context, report: Report
) -> ReturnedReasoning:
    """Return the fields that a checked reasoning item brings back for the server that is called.

    They are those that this gateway has sealed for this server, or else the text, if the server
    takes any. Other sealed content is dropped and reported, and so is an item with nothing else.
    """
    sealed: Json | None = None
    if item.get("encrypted_content") and context.seal is not None:
        sealed = context.seal.open(item["encrypted_content"])
    if sealed is not None and sealed["kind"] == TURN and _is_for(sealed, context):
        # Earlier releases did not seal `goes_on`.
        return ReturnedReasoning(sealed["message"], sealed["calls"], sealed.get("goes_on", False))
    name = context.capabilities.reasoning_field
    text, summary = (_text(item, form) for form in ("content", "summary"))
    reasoning = text or summary or _sealed_text(sealed)
    if name is None or not reasoning:
        report.drop(path)
        return ReturnedReasoning()
    if text and summary:
        report.drop(f"{path}.summary")
    if item.get("encrypted_content"):
        report.drop(f"{path}.encrypted_content")
    return ReturnedReasoning({name: reasoning})


def put_reasoning(message: Json, context: Context, report: Report) -> None:
    """Move the reasoning of a finished message to where its server expects it."""
    if THINKING in message:
        text = {"type": "text", "text": message.pop(THINKING)}
        thinking = {"type": "thinking", "thinking": [text]}
        content = message["content"] or []
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        message["content"] = [thinking, *parts]
    elif (
        context.capabilities.reasoning_required
        and "tool_calls" in message
        and not any(message.get(name) for name in TEXT_FIELDS)
    ):
        message[REQUIRED] = NO_REASONING
        report.change(REQUIRED, "none", "blank")
    if THINKING_FIELD in message:
        message["thinking"] = message.pop(THINKING_FIELD)


def _is_for(sealed: Json, context: Context) -> bool:
    return context.capabilities.takes_back and sealed["upstream"] == context.upstream


def _text(item: Json, form: Literal["content", "summary"]) -> str:
    parts = (part["text"] for part in item.get(form, ()))
    return ("" if form == "content" else "\n\n").join(parts)


def _sealed_text(sealed: Json | None) -> str:
    """Return the text of reasoning sealed for another server: any model can use a text."""
    message: Json = sealed["message"] if sealed is not None and sealed["kind"] == TURN else {}
    texts = (text_within(message[name]) for name in TEXT_FIELDS if name in message)
    return next(filter(None, texts), "")
