"""The end of a response under the name that it has elsewhere: `response.done`.

Realtime sessions end their responses so; ChatGPT's backend and relays of it do at times, too
(oh-my-pi#4692, 9router#2142).
"""

from typing import Any, Final

OTHER_END: Final = "response.done"
"""The type; what happened is the status of its response."""
_STATUSES: Final = frozenset({"completed", "incomplete", "failed", "cancelled"})


def documented(event: Any) -> Any:
    """Return an event of that type as the documented one of its response's status.

    Without a status that ends a response it was completed. Other values are returned as they are.
    """
    if not isinstance(event, dict) or event.get("type") != OTHER_END:
        return event
    response = event.get("response")
    status = response.get("status") if isinstance(response, dict) else None
    known = isinstance(status, str) and status in _STATUSES
    return {**event, "type": f"response.{status if known else 'completed'}"}
