"""The work of Anthropic's own tools, as text for models that do not know these tools."""

from collections.abc import Iterator

from gateway.shapes import Json
from gateway.translate.contract import HOSTED_TOOLS, Context, Report, unsupported
from gateway.translate.parts.from_messages.tool_names import sent_name

_TOOL = "tool_name"
_TEXTS = ("title", "url", "text", "stdout", "stderr", "data", _TOOL, "error_code")
_INNER = ("content", "source", "tool_references")
_MARK = "fallback"
"""The type of the block where one model goes on with another one's reply. Anthropic does not put it
into a prompt."""


def text_of_record(block: Json, path: str, context: Context, report: Report) -> str:
    """Return the readable text, possibly empty, of a block of a server's tool.

    Its encrypted content means nothing elsewhere. Raises `UnsupportedParameter` unless the operator
    has such blocks dropped; a `fallback`, which no model sees, is always dropped.
    """
    if block["type"] == _MARK or context.settings.hosted_tools == "drop":
        report.drop(path)
    else:
        unsupported(
            context,
            report,
            path,
            f"it is of type '{block['type']}', which records the work of a tool at Anthropic's "
            "servers.",
            setting=HOSTED_TOOLS,
        )
    return "\n".join(_texts_in(block.get("content")))


def _texts_in(content: object, depth: int = 8) -> Iterator[str]:
    """Yield the texts in a content; those of Anthropic's tools are not nested deeper."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list) and depth:
        for each in content:
            yield from _texts_in(each, depth - 1)
    elif isinstance(content, dict) and depth:
        yield from _texts_of(content, depth - 1)


def _texts_of(found: Json, depth: int) -> Iterator[str]:
    # The content of a fetched PDF is Base64.
    is_text = found.get("type") != "base64"
    for name in _TEXTS:
        value = found.get(name)
        if is_text and isinstance(value, str) and value:
            yield sent_name(value) if name == _TOOL else value
    for name in _INNER:
        yield from _texts_in(found.get(name), depth)
