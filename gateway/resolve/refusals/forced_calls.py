"""Texts by which upstreams refuse to force a tool call while the model thinks.

The models of Qwen, DeepSeek and Moonshot think by default, and can be forced to call a tool only
with thinking switched off. The call is what the client has asked for, so thinking is switched off,
as for Claude.
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
    # DeepSeek, then Moonshot. They serve chat and messages; DeepSeek takes `thinking` at messages,
    # too (DeepSeek-V3#1376). At responses, where relays serve them, OpenAI's parameter is sent.
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
    """Whether a body of any shape forces the model to call a tool."""
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
    """Return the value of a fix's parameter that switches thinking off."""
    if fix.to == _DISABLED:
        return {"type": _DISABLED}
    return False if fix.to == "false" else fix.to


def thinking_word(value: object, fix: ParameterFix) -> str:
    """Return a word for the present value of a fix's parameter, for the report."""
    if isinstance(value, dict):
        return str(value.get("type"))
    if value is None:
        return "default" if fix.to == _NONE else _NONE
    return str(value).lower()
