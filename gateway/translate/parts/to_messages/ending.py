"""Why a messages stream ended, from its events."""

from gateway.errors import TruncatedStream
from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.reading import an_object
from gateway.translate.contract import Report
from gateway.translate.parts.finish_reasons import UNKNOWN, finish_reason
from gateway.translate.parts.messages.stop_reasons import stop_reason

_REFUSAL = "The model refuses to answer."
"""The text of a refusal without an explanation."""


class Ending:
    """The fields about the end, from all `message_delta` events, of which there must be one."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._found: Json | None = None

    def note(self, event: Json) -> None:
        """Take a `message_delta`; raises `UpstreamError` for one without an object `delta`."""
        given = an_object(event, "delta")
        names = ("stop_reason", "stop_details")
        known = {name: given[name] for name in names if given.get(name) is not None}
        self._found = {**(self._found or {}), **known}

    def word(self, *, has_output: bool) -> object:
        """Return the stop reason, at the end of the message; `has_output`: it has content.

        A missing reason counts as a natural end, and is reported. Raises `TruncatedStream` if no
        event has announced the end, and `UpstreamError` for an empty message without a reason.
        """
        if self._found is None:
            raise TruncatedStream(
                "The upstream's stream ended its message without a message_delta, so that it may "
                "be incomplete. Retry the request."
            )
        word = self._found.get("stop_reason")
        if word is None:
            word = stop_reason(finish_reason(UNKNOWN, has_text=has_output))
            self._report.change("stop_reason", "none", word)
        return word

    @property
    def refusal(self) -> str:
        """The text of a refusal."""
        details = (self._found or {}).get("stop_details")
        explanation = details.get("explanation") if isinstance(details, dict) else None
        return explanation if isinstance(explanation, str) and explanation else _REFUSAL
