"""The ids and names of calls in an agent's messages request, as they are sent."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from gateway.fast.agents.raw import decoded
from gateway.fast.codec import encode
from gateway.translate.parts.from_messages.tool_names import sent_name
from gateway.translate.parts.tools.calls import MAX_CALL_ID, bounded_call_id
from gateway.translate.parts.tools.namespaces import MAX_TOOL_NAME

LONGEST = 2 + min(MAX_CALL_ID, MAX_TOOL_NAME)
"""The longest id or name, in bytes as written, that is surely short enough to be sent as it is."""

_read_texts = msgspec.json.Decoder(list[str]).decode


def ids_in(called: Sequence[Raw]) -> Sequence[str]:
    """Return the ids of calls; `called` has their ids and names, alternating.

    Raises `DecodeError` unless all are texts.
    """
    return _read_texts(b"[%b]" % b",".join(called))[::2]


def sent_id(given: Raw) -> Raw:
    """Return a call's id, a text, as it is sent."""
    if len(given) <= LONGEST:
        return given
    return Raw(encode(bounded_call_id(decoded(given))))


def sent_tool(given: Raw) -> Raw:
    """Return the name of a called tool, a text, as it is sent."""
    if len(given) <= LONGEST:
        return given
    return Raw(encode(sent_name(decoded(given))))
