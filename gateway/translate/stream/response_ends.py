"""The event `response.done`, another name for the end of a response.

Realtime sessions end their responses with it, and at times so do ChatGPT's backend and relays of it
(oh-my-pi#4692, 9router#2142).
"""

from typing import Any, Final

OTHER_END: Final = "response.done"
"""The type of the event; its response's `status` says how it ended."""
_STATUSES: Final = frozenset({"completed", "incomplete", "failed", "cancelled"})


def documented(event: Any) -> Any:
    """Return a `response.done` as the documented event for its response's status.

    A response without a status that ends one was completed. Other values are returned as they are.
    """
    if not isinstance(event, dict) or event.get("type") != OTHER_END:
        return event
    response = event.get("response")
    status = response.get("status") if isinstance(response, dict) else None
    known = isinstance(status, str) and status in _STATUSES
    return {**event, "type": f"response.{status if known else 'completed'}"}
