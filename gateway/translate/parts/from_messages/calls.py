"""The calls of a messages conversation, and what of them has no place elsewhere."""

import json

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.contract import Context, Report

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def arguments_of(use: Json, path: str, context: Context) -> str:
    """Return the arguments of the checked `tool_use` at `path`: the same JSON for the same input.

    Raises `InvalidRequest` for an input that is nested too deeply.
    """
    try:
        exact = None if context.inputs is None else context.inputs.text_of(use, path)
        return _encode(use["input"]) if exact is None else exact
    except RecursionError:
        raise InvalidRequest(
            f"Invalid '{path}.input': it is nested too deeply.",
            param=f"{path}.input",
            code="invalid_value",
        ) from None


def report_caller(use: Json, path: str, report: Report) -> None:
    """Report the fields of a call that say which of Anthropic's toolsets or tools it belongs to."""
    if use.get("caller", {"type": "direct"}) != {"type": "direct"}:
        report.drop(f"{path}.caller")
    if "toolset_name" in use:
        report.drop(f"{path}.toolset_name")
