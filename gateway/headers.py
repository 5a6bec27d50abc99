"""Header fields that mean the same in every layer. Names are in lower case."""

from typing import Final

CREDENTIAL_HEADERS: Final = frozenset({b"authorization", b"api-key"})
"""The fields that carry a credential: OpenAI's, and Azure's `api-key`."""

ACCOUNT_HEADERS: Final = frozenset({b"openai-organization", b"openai-project"})
"""Which account of the key's owner is meant; of no meaning with anybody else's key."""

CALLER_HEADERS: Final = CREDENTIAL_HEADERS | ACCOUNT_HEADERS
"""The fields that say who the caller is."""

JSON: Final = (b"content-type", b"application/json")
"""The type of a JSON body that the gateway writes."""

EVENT_STREAM: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
"""The head of an event stream that the gateway writes; the last field is nginx's: no buffering."""
