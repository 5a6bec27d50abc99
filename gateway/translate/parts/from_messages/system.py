"""The instructions of a messages request: its `system`, and system messages at the beginning."""

from typing import Final

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.schema.messages_blocks import BLOCKS
from gateway.translate.schema.unknown_fields import carry_unknown

BILLING: Final = "x-anthropic-billing-header:"
"""The beginning of a block that Claude Code puts first, for Anthropic's servers to take out.

Other models would read it. Before Claude Code 2.1.181 its value changed with each request, so that
no prompt cache could be used (llama.cpp#19494).
"""


def is_attribution(text: str) -> bool:
    """Whether a block is Claude Code's attribution, and nothing else."""
    return text.startswith(BILLING) and "\n" not in text.strip()


def system_texts(client: Json, context: Context, report: Report) -> list[tuple[str, str]]:
    """Return the texts of a checked request's `system` that are not empty, each with its path."""
    given = client.get("system", [])
    if isinstance(given, str):
        return [(given, "system")] if given else []
    texts = [(block["text"], f"system[{index}]") for index, block in enumerate(given)]
    for block, (_, path) in zip(given, texts, strict=True):
        carry_unknown(block, BLOCKS["text"], path, context, report)
        if block.get("citations"):
            report.drop(f"{path}.citations")
    if texts and is_attribution(texts[0][0]):
        report.drop(texts.pop(0)[1])
    return [(text, path) for text, path in texts if text]
