"""Summaries of earlier messages that Anthropic's servers have made."""

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.from_messages.deferred import report_change
from gateway.translate.schema.messages_blocks import BLOCKS
from gateway.translate.schema.unknown_fields import carry_unknown


def summary_of(block: Json, path: str, context: Context, report: Report) -> str:
    """Return the text of a checked `compaction` block; it has none where compacting failed."""
    carry_unknown(block, BLOCKS["compaction"], path, context, report)
    for index, change in enumerate(block.get("tool_changes", ())):
        report_change(change, f"{path}.tool_changes[{index}]", context, report)
    text: str = block.get("content", "")
    if text:
        report.emulate(path)
    return text
