"""Errors for calls that cannot be passed on: unusable arguments, or no output."""

import json
import re

from gateway.errors import InvalidRequest, UpstreamError
from gateway.translate.parts.tools.arguments import BETWEEN, is_json
from gateway.translate.parts.tools.broken_wrapper import is_cut_off

_CLOSERS = frozenset('"}]')
_NEXT_TEXT = re.compile(f"[^{BETWEEN}]")


def without_output(call_id: str, path: str) -> InvalidRequest:
    """Return the error for an earlier call of a responses client that has no output."""
    return InvalidRequest(
        f"No tool output found for function call {call_id[:100]}. "
        "Send an item with its output, or remove the call.",
        param=path,
        code="invalid_value",
    )


def two_in_one() -> UpstreamError:
    """Return the error for a call that has the arguments of several."""
    return UpstreamError(
        "The upstream's reply has the arguments of two tool calls in one. Retry the request, "
        "with parallel tool calls switched off."
    )


def check_arguments(name: str, text: str, *, wrapped: bool) -> None:
    """Raise `UpstreamError` for the arguments of several calls, or of half a call.

    Other text that is not JSON is for the client to judge. `wrapped`: the arguments are those of
    the function that stands for a custom tool. A model may write its input there without the
    wrapper, but half an input could be run as if it were complete.
    """
    if is_json(text):
        return
    if _is_a_row(text, of_objects=wrapped):
        raise two_in_one()
    if wrapped and is_cut_off(text):
        raise UpstreamError(
            f"The model's call of the tool '{name[:100]}' ends in the middle of its input. "
            "Retry the request."
        )


def _is_a_row(text: str, *, of_objects: bool) -> bool:
    """Whether a text is several JSON texts with only blanks and commas between them."""
    decode = json.JSONDecoder().raw_decode
    count, end = 0, 0
    # By positions: to copy the rest for each of many texts would take quadratic time.
    while (next_text := _NEXT_TEXT.search(text, end)) is not None:
        start = next_text.start()
        if count and start == end and text[end - 1] not in _CLOSERS:
            return False
        try:
            value, end = decode(text, start)
        except (ValueError, RecursionError):
            return False
        if of_objects and not isinstance(value, dict):
            return False
        count += 1
    return count > 1
