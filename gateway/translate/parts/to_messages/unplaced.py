"""Reports the content of messages that OpenAI's endpoints have no place for."""

from gateway.envelopes.json_fields import child
from gateway.shapes import Json
from gateway.translate.contract import Report

_FIELDS = frozenset(
    {
        *("id", "type", "role", "model", "content", "usage"),
        *("stop_reason", "stop_sequence", "stop_details"),
    }
)
"""The fields of a message from which replies are made."""
_BLOCKS = {
    "text": frozenset({"type", "text", "citations"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
    "tool_use": frozenset({"type", "id", "name", "input", "caller"}),
}
"""The types of blocks from which replies are made, with the fields that are used or reported by
value."""
_DELTAS = frozenset({"text_delta", "thinking_delta", "signature_delta", "input_json_delta"})


def has_place(block: Json) -> bool:
    """Whether a block has a place in replies; if not, its deltas have none either."""
    kind = block.get("type")
    return isinstance(kind, str) and kind in _BLOCKS


def report_unplaced(event: Json, report: Report) -> None:
    """Report the content of a messages stream's event that the client's reply has no place for."""
    kind = event.get("type")
    if kind == "content_block_delta":
        _delta(child(event, "delta"), report)
    elif kind == "content_block_start":
        _block(child(event, "content_block"), report)
    elif kind == "message_start":
        message = child(event, "message")
        _fields(message, report)
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict):
                _block(block, report)
    elif kind == "message_delta":
        delta = child(event, "delta")
        _fields(delta, report)
        if child(delta, "stop_details").get("category"):
            report.drop("stop_details.category")


def _fields(message: Json, report: Report) -> None:
    for name, value in message.items():
        if value and name not in _FIELDS:
            report.drop(name)


def _block(block: Json, report: Report) -> None:
    if not has_place(block):
        report.drop(f"content.{block.get('type')}")
        return
    if block.get("citations"):
        report.drop("citations")
    if block.get("caller") not in (None, {"type": "direct"}):
        report.drop("content.caller")
    for name, value in block.items():
        if value and name not in _BLOCKS[block["type"]]:
            report.drop(f"content.{name}")


def _delta(delta: Json, report: Report) -> None:
    kind = delta.get("type")
    if kind == "citations_delta":
        report.drop("citations")
    elif not isinstance(kind, str) or kind not in _DELTAS:
        report.drop(f"content.{kind}")
