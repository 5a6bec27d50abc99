"""What a reasoning item brings back to the server that the reasoning came from."""

from dataclasses import dataclass, field
from typing import Literal

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.responses_via_chat.deltas.carried import (
    TEXT_FIELDS,
    THINKING,
    THINKING_FIELD,
    TURN,
    text_within,
)

REQUIRED = "reasoning_content"
"""What servers call the reasoning that demand it with every call."""


@dataclass(slots=True)
class Returned:
    """What a reasoning item has brought back: fields of a message, and of its calls by call id."""

    message: Json = field(default_factory=dict)
    calls: dict[str, Json] = field(default_factory=dict)
    goes_on: bool = False
    """Whether it came in the middle of a message: what was said before it goes on behind it."""

    @property
    def has_text(self) -> bool:
        """Whether there is reasoning in it."""
        return any(name in self.message for name in TEXT_FIELDS)


def returned(item: Json, path: str, context: Context, report: Report) -> Returned:
    """Return what a checked reasoning item gives back to the server that is asked.

    That is what this gateway has sealed for this server, or else the text, if the server has a
    place for any. Sealed content of anybody else is dropped and reported, and so is an item of
    which nothing is left.
    """
    sealed: Json | None = None
    if item.get("encrypted_content") and context.seal is not None:
        sealed = context.seal.open(item["encrypted_content"])
    if sealed is not None and sealed["kind"] == TURN and _is_for(sealed, context):
        # What was sealed by an earlier release does not say whether it goes on.
        return Returned(sealed["message"], sealed["calls"], sealed.get("goes_on", False))
    name = context.capabilities.reasoning_field
    text, summary = (_text(item, form) for form in ("content", "summary"))
    told = text or summary or _sealed_text(sealed)
    if name is None or not told:
        report.drop(path)
        return Returned()
    if text and summary:
        report.drop(f"{path}.summary")
    if item.get("encrypted_content"):
        report.drop(f"{path}.encrypted_content")
    return Returned({name: told})


def put_reasoning(message: Json, context: Context, report: Report) -> None:
    """Put the reasoning of a finished message where its server looks for it."""
    if THINKING in message:
        text = {"type": "text", "text": message.pop(THINKING)}
        thought = {"type": "thinking", "thinking": [text]}
        said = message["content"] or []
        parts = [{"type": "text", "text": said}] if isinstance(said, str) else said
        message["content"] = [thought, *parts]
    elif (
        context.capabilities.reasoning_required
        and "tool_calls" in message
        and not any(name in message for name in TEXT_FIELDS)
    ):
        message[REQUIRED] = ""
        report.change(REQUIRED, "none", "empty")
    if THINKING_FIELD in message:
        message["thinking"] = message.pop(THINKING_FIELD)


def _is_for(sealed: Json, context: Context) -> bool:
    return context.capabilities.takes_back and sealed["upstream"] == context.upstream


def _text(item: Json, form: Literal["content", "summary"]) -> str:
    parts = (part["text"] for part in item.get(form, ()))
    return ("" if form == "content" else "\n\n").join(parts)


def _sealed_text(sealed: Json | None) -> str:
    """Return the reasoning that was sealed for another server, which any model can read."""
    message: Json = sealed["message"] if sealed is not None and sealed["kind"] == TURN else {}
    texts = (text_within(message[name]) for name in TEXT_FIELDS if name in message)
    return next(filter(None, texts), "")
