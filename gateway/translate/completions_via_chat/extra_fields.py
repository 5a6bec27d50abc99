"""The further content of a chat message as extra fields of a completions choice.

OpenAI's completions have a place for text only; the fields have chat's names.
"""

from gateway.shapes import Json
from gateway.translate.contract import Report
from gateway.translate.parts.blank import is_blank
from gateway.translate.parts.content.images import images_of, unknown_parts
from gateway.translate.parts.content.sources import sources_within
from gateway.translate.parts.content.texts import refusal_in
from gateway.translate.parts.tools.calls import has_calls

_CARRIED = ("annotations", "audio", "content_parts", "file_citations", "output_items", "phase")
_CALLS = ("tool_calls", "function_call")


def report_calls(message: Json, report: Report) -> None:
    """Report the tool calls of a message or a delta: a completions choice has no place for them."""
    for name in _CALLS:
        if has_calls(message.get(name)):
            report.drop(name)


def extra_fields(message: Json, *, has_content: bool) -> Json:
    """Return the further fields of a completions choice, from a message or a delta.

    With `has_content` a refusal is among them; otherwise the refusal is the text.
    """
    found = {name: message[name] for name in _CARRIED if not is_blank(message.get(name))}
    found |= sources_within(message)
    images, others = images_of(message), unknown_parts(message)
    if images:
        found["images"] = images
    if others:
        found["content_parts"] = [*others, *found.get("content_parts", ())]
    if has_content and (refusal := refusal_in(message)):
        found["refusal"] = refusal
    return found
