"""How a response ended, as the `stop_reason` of a message."""

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.endings import reached_limit, reason_of
from gateway.translate.contract import Context, Report
from gateway.translate.parts.finish_reasons import NATIVE, finish_reason
from gateway.translate.parts.messages.stop_reasons import Stop, stop_reason

_STEERED = "steered"
"""The reason why a response is incomplete if the client's next input has ended it."""


def is_cut_off(status: str, response: Json, sent: Json, context: Context) -> bool:
    """Whether a response was cut off, also by a server that reports every response as complete.

    `sent` is the upstream request body that the response answers.
    """
    return status == "incomplete" or reached_limit(sent, response, context)


def stop_of(
    status: str, response: Json, report: Report, *, has_calls: bool, refusal: str, truncated: bool
) -> Stop:
    """Return why a response with the status `completed` or `incomplete` ended.

    An incomplete response has reached a limit unless its reason is known to mean something else.
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
