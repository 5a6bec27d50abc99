"""Summaries of earlier messages that Anthropic's servers have made."""

from collections.abc import Sequence

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.from_messages.deferred import report_change
from gateway.translate.parts.from_messages.turns import Block, Turn
from gateway.translate.schema.messages_blocks import BLOCKS
from gateway.translate.schema.unknown_fields import carry_unknown


def summary_of(block: Json, path: str, context: Context, report: Report) -> str:
    """Return the text of a checked `compaction` block; empty if compacting failed."""
    carry_unknown(block, BLOCKS["compaction"], path, context, report)
    for index, change in enumerate(block.get("tool_changes", ())):
        report_change(change, f"{path}.tool_changes[{index}]", context, report)
    text: str = block.get("content", "")
    if text:
        report.emulate(path)
    return text


def since_summary(turns: Sequence[Turn], context: Context, report: Report) -> Sequence[Turn]:
    """Return the turns that a model is to see: from the last summary of earlier ones on.

    Clients may leave the summarised messages in the conversation, because Anthropic ignores all
    blocks before a summary. The summary becomes a user's text: templates want a conversation to
    begin with the user.
    """
    found = _last_summary(turns)
    if found is None:
        return turns
    at, index = found
    turn, later = turns[at], turns[at + 1 :]
    before, block, rest = turn.blocks[:index], turn.blocks[index], turn.blocks[index + 1 :]
    for path in (path for earlier in turns[:at] for path in earlier.messages):
        report.drop(path)
    for left_out in before:
        report.drop(left_out.path)
    text = summary_of(block.json, block.path, context, report)
    summary = Block({"type": "text", "text": text}, block.path)
    if rest:
        return [Turn("user", turn.path, [summary]), Turn(turn.role, turn.path, rest), *later]
    if later and later[0].role == "user":
        said = [summary, *later[0].blocks]
        return [Turn("user", turn.path, said, later[0].results), *later[1:]]
    return [Turn("user", turn.path, [summary]), *later]


def _last_summary(turns: Sequence[Turn]) -> tuple[int, int] | None:
    """Return the index of the turn with the last summary, and the summary's index in it; or None.

    A summary between calls and their results, where nobody compacts, does not count.
    """
    for at in range(len(turns) - 1, -1, -1):
        blocks = turns[at].blocks
        for index in range(len(blocks) - 1, -1, -1):
            if blocks[index].json["type"] == "compaction" and blocks[index].json.get("content"):
                has_calls = any(each.json["type"] == "tool_use" for each in blocks[:index])
                return None if has_calls else (at, index)
    return None
