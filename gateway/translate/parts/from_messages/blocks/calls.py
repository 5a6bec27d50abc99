"""The calls of a messages conversation, and their fields that have no place elsewhere."""

import json

import msgspec

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.schema.messages_blocks import BLOCKS
from gateway.translate.schema.unknown_fields import carry_unknown

_SENT = frozenset({"type", "id", "name", "input", "cache_control"})

# For floats as Python writes them; msgspec writes all other values alike, and faster.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def arguments_of(use: Json, path: str, context: Context) -> str:
    """Return the arguments of the checked `tool_use` at `path`; equal inputs give equal JSON.

    Raises `InvalidRequest` for an input that is nested too deeply.
    """
    try:
        if context.inputs is None:
            return _encode(use["input"])
        exact = context.inputs.text_of(use, path)
        return msgspec.json.encode(use["input"]).decode() if exact is None else exact
    except RecursionError:
        raise InvalidRequest(
            f"Invalid '{path}.input': it is nested too deeply.",
            param=f"{path}.input",
            code="invalid_value",
        ) from None


def report_unsent(use: Json, path: str, context: Context, report: Report) -> None:
    """Report a call's unknown fields, and those about Anthropic's own tools.

    The latter say which of Anthropic's toolsets or tools a call belongs to.
    """
    if _SENT.issuperset(use):
        return
    carry_unknown(use, BLOCKS["tool_use"], path, context, report)
    if use.get("caller", {"type": "direct"}) != {"type": "direct"}:
        report.drop(f"{path}.caller")
    if "toolset_name" in use:
        report.drop(f"{path}.toolset_name")
