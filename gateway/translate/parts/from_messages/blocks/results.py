"""The results of tools: their parts, and how a failure is expressed."""

from gateway.shapes import Json
from gateway.translate.parts.from_messages.blocks.content import BlockReader, Placed, text_alone
from gateway.translate.schema.messages_blocks import BLOCKS
from gateway.translate.schema.unknown_fields import carry_unknown

_FAILED = "Error"
_SENT = frozenset({"type", "tool_use_id", "content", "is_error", "cache_control", "caller"})
"""The fields that are sent, or need no report here."""


def result_parts(block: Json, path: str, reader: BlockReader) -> list[Placed]:
    """Return the parts of a checked `tool_result`, none if it has no content.

    Empty texts are left out. OpenAI's endpoints have no field for a failure, so the text says it.
    Raises `UnsupportedParameter`.
    """
    if not _SENT.issuperset(block):
        carry_unknown(block, BLOCKS["tool_result"], path, reader.context, reader.report)
        if "toolset_name" in block:
            reader.report.drop(f"{path}.toolset_name")
    content = block.get("content", "")
    parts: list[Placed] = []
    if isinstance(content, str):
        parts = [Placed(reader.forms.text(content), f"{path}.content")] if content else []
    else:
        for index, inner in enumerate(content):
            place, text = f"{path}.content[{index}]", text_alone(inner)
            if text is None:
                parts += reader.parts(inner, place)
            elif text:
                parts.append(Placed(reader.forms.text(text), place))
    return _with_failure(parts, path, reader) if block.get("is_error") else parts


def as_failure(text: str) -> str:
    """Return the text of a failed result, so that it begins with "Error"."""
    if text.lstrip().lower().startswith(_FAILED.lower()):
        return text
    return f"{_FAILED}: {text}" if text else _FAILED


def _with_failure(parts: list[Placed], path: str, reader: BlockReader) -> list[Placed]:
    reader.report.emulate(f"{path}.is_error")
    first = parts[0].text if parts else None
    if first is None:
        return [Placed(reader.forms.text(as_failure("")), f"{path}.is_error"), *parts]
    return [Placed(reader.forms.text(as_failure(first)), parts[0].path), *parts[1:]]
