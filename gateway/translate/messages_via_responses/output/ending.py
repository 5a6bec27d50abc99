"""How a response ended, as the `stop_reason` of a message."""

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.endings import reached_limit, reason_of
from gateway.translate.contract import Context, Report
from gateway.translate.parts.finish_reasons import NATIVE, finish_reason
from gateway.translate.parts.messages.stop_reasons import Stop, stop_reason

_STEERED = "steered"
"""The reason of a response that the client's next input has ended."""


def is_cut_off(status: str, response: Json, sent: Json, context: Context) -> bool:
    """Whether a response lacks its end: also of a server that calls everything complete.

    `sent` is the upstream request body that it answers.
    """
    return status == "incomplete" or reached_limit(sent, response, context)


def stop_of(
    status: str, response: Json, report: Report, *, has_calls: bool, refusal: str, truncated: bool
) -> Stop:
    """Return the end of a response with a status: `completed` or `incomplete`.

    An incomplete one has reached a limit unless it says something that is known to mean another.
    """
    word = reason_of(response)
    if status == "incomplete" and word != _STEERED:
        reason = finish_reason(word or "length", has_text=True)
        if reason != "content_filter":
            stopped = stop_reason("length", response.get(NATIVE) or word)
            if reason != "length" or word is None:
                report.change("incomplete_details.reason", word or "none", stopped)
            return Stop(stopped)
        return Stop("refusal", explanation=refusal or None)
    if refusal:
        return Stop("refusal", explanation=refusal)
    if status == "completed" and truncated:
        return Stop("max_tokens")
    return Stop("tool_use" if has_calls and status == "completed" else "end_turn")
