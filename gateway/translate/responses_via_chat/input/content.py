"""The content of messages and of tool outputs in chat's form."""

from collections.abc import Sequence

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.parts.content.parts import (
    RESPONSES_TEXTS,
    SEE_NEXT,
    chat_input_parts,
    only_text,
)
from gateway.translate.responses_via_chat.input.turn import Call


def chat_content(
    content: list[Json], path: str, context: Context, report: Report
) -> str | list[Json]:
    """Return checked parts of any role but the assistant's as content of chat.

    Raises as `chat_input_parts` does. No parts become an empty text, as chat takes no empty list.
    """
    if len(content) == 1 and (only := only_text(content[0], RESPONSES_TEXTS)) is not None:
        return only
    parts = chat_input_parts(content, path, context, report)
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        text: str = parts[0]["text"]
        return text
    return parts or ""


def tool_content(parts: Sequence[Json], call: Call, path: str, context: Context) -> list[Json]:
    """Return the content that a tool message can hold; other parts are attached to the call."""
    kept: list[Json] = []
    attached: list[tuple[Json, str]] = []
    takes_image = context.capabilities.tool_image_parts
    for position, part in enumerate(parts):
        if part["type"] == "text" or (part["type"] == "image_url" and takes_image):
            kept.append(part)
        else:
            kept.append({"type": "text", "text": SEE_NEXT[part["type"]]})
            attached.append((part, f"{path}[{position}]"))
    call.attachments = attached
    return kept


def system_text(content: str | list[Json], path: str, report: Report) -> str | list[Json]:
    """Return the content of a system message; raises `UnsupportedParameter` unless it is text."""
    beyond = report.target is not Shape.CHAT
    if not isinstance(content, str):
        for position, part in enumerate(content):
            if part["type"] != "text":
                raise UnsupportedParameter(
                    f"'{path}[{position}]' is not text, but the model is served through the "
                    f"{report.target} endpoint, which takes text only"
                    f"{'' if beyond else ' in system messages'}. "
                    f"{'Remove it' if beyond else 'Send it in a message of the user'}.",
                    param=f"{path}[{position}]",
                )
    return content
