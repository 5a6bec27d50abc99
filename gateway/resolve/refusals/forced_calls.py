"""Texts by which upstreams refuse a forced call of a model that thinks.

Qwen's, DeepSeek's and Moonshot's models think by default, and can be forced to call a tool only
where they do not. As with Claude, the call is what was asked for: the thinking is switched off.
"""

import re
from typing import Final

from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json

_CHOICE: Final = "tool_choice"
EFFORT: Final = "reasoning_effort"
"""What has no place beside thinking that is switched off (openclaw#47261)."""
_DISABLED: Final = "disabled"
_REFUSED = (
    # DashScope
    (
        ParameterFix("unthink", "enable_thinking", "false"),
        re.compile(
            r"The tool_choice parameter does not support being set to required or object in "
            r"thinking mode"
        ),
    ),
    # DeepSeek, then Moonshot
    (
        ParameterFix("unthink", "thinking", _DISABLED),
        re.compile(
            r"Thinking mode does not support this tool_choice|"
            r"tool_choice (?:[`'\"]?\w{1,20}[`'\"]? )?is incompatible with thinking enabled"
        ),
    ),
)


def without_thinking(message: str) -> ParameterFix | None:
    """Return the fix that switches thinking off beside forced calls; None: another error."""
    return next((fix for fix, text in _REFUSED if text.match(message)), None)


def unthink(body: Json, name: str) -> None:
    """Switch off the thinking of a chat body that forces a call, by its parameter `name`."""
    if not _forces_call(body):
        return
    body[name] = False if name == "enable_thinking" else {"type": _DISABLED}
    body.pop(EFFORT, None)


def _forces_call(body: Json) -> bool:
    choice = body.get(_CHOICE)
    if not isinstance(choice, dict):
        return choice == "required"
    allowed = choice.get("allowed_tools")
    return not isinstance(allowed, dict) or allowed.get("mode") == "required"


def thinking_word(value: object) -> str:
    """Return a word for the value of such a parameter, for the report."""
    if isinstance(value, dict):
        return str(value.get("type"))
    return "none" if value is None else str(value).lower()
