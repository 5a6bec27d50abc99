"""Texts by which upstreams refuse a forced call of a model that thinks.

Qwen's, DeepSeek's and Moonshot's models think by default, and can be forced to call a tool only
where they do not. As with Claude, the call is what was asked for: the thinking is switched off.
"""

import re
from typing import Final

from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json, Shape

_CHOICE: Final = "tool_choice"
_DISABLED: Final = "disabled"
_NONE: Final = "none"
_OFF = ParameterFix("unthink", "thinking", _DISABLED)
_QWENS_OFF = ParameterFix("unthink", "enable_thinking", "false")
_REFUSED = (
    # DashScope
    (
        {Shape.CHAT: _QWENS_OFF, Shape.RESPONSES: _QWENS_OFF, Shape.MESSAGES: _OFF},
        re.compile(
            r"The tool_choice parameter does not support being set to required or object in "
            r"thinking mode",
            re.IGNORECASE,
        ),
    ),
    # DeepSeek, then Moonshot. Their own endpoints are chat and messages, where DeepSeek's takes the
    # parameter, too (DeepSeek-V3#1376); to relays at responses it is said as OpenAI does.
    (
        {
            Shape.CHAT: _OFF,
            Shape.RESPONSES: ParameterFix("unthink", "reasoning.effort", _NONE),
            Shape.MESSAGES: _OFF,
        },
        re.compile(
            r"Thinking mode does not support this tool_choice|"
            r"tool_choice (?:[`'\"]?\w{1,20}[`'\"]? )?is incompatible with thinking enabled",
            re.IGNORECASE,
        ),
    ),
)


def without_thinking(message: str, called: Shape) -> ParameterFix | None:
    """Return the fix that switches thinking off beside forced calls; None: another error."""
    return next((fixes.get(called) for fixes, text in _REFUSED if text.match(message)), None)


def forces_call(body: Json) -> bool:
    """Whether a body of any shape has the model call a tool."""
    choice = body.get(_CHOICE)
    if not isinstance(choice, dict):
        return choice == "required"
    if choice.get("type") in ("auto", _NONE):
        return False
    if choice.get("type") != "allowed_tools":
        return True
    allowed = choice.get("allowed_tools", choice)  # nested at chat, flat at responses
    return not isinstance(allowed, dict) or allowed.get("mode") == "required"


def switched_off(fix: ParameterFix) -> object:
    """Return the value of the parameter of a fix, by which a model does not think."""
    if fix.to == _DISABLED:
        return {"type": _DISABLED}
    return False if fix.to == "false" else fix.to


def thinking_word(value: object, fix: ParameterFix) -> str:
    """Return a word for the value that the parameter of a fix has, for the report."""
    if isinstance(value, dict):
        return str(value.get("type"))
    if value is None:
        return "default" if fix.to == _NONE else _NONE
    return str(value).lower()
