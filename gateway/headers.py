"""Header fields that mean the same in every layer. Names are in lower case."""

from typing import Final

JSON: Final = (b"content-type", b"application/json")
"""The type of a JSON body that the gateway writes."""

EVENT_STREAM: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
"""The head of an event stream that the gateway writes; the last field is nginx's: no buffering."""
