"""Reports the parts of messages that a prompt cannot hold: names, marks and unknown fields."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.schema.chat_messages import MESSAGES, PARTS
from gateway.translate.schema.unknown_fields import carry_unknown

_IN_PROMPTS = frozenset({"role", "content"})
"""The fields of a message that every prompt has, if the content is a text."""


def report_losses(
    messages: Sequence[Json], named: AbstractSet[int], context: Context, report: Report
) -> None:
    """Report the parts of checked messages that the prompt does not contain.

    `named` are the positions of messages whose names it contains.
    """
    for position, message in enumerate(messages):
        content = message.get("content")
        if message.keys() <= _IN_PROMPTS and isinstance(content, str):
            continue
        path = f"messages[{position}]"
        carry_unknown(message, MESSAGES[message["role"]], path, context, report)
        if message.get("annotations"):
            report.drop(f"{path}.annotations")
        if "name" in message and position not in named:
            report.drop(f"{path}.name")
        for k, part in enumerate(content if isinstance(content, list) else ()):
            part_path = f"{path}.content[{k}]"
            carry_unknown(part, PARTS[part["type"]], part_path, context, report)
            if "prompt_cache_breakpoint" in part:
                report.drop(f"{part_path}.prompt_cache_breakpoint")
