"""Streams of tool calls in pieces."""

from collections.abc import Sequence
from typing import Any

from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import (
    chunk,
    stream_of,
)
from tests.translate.responses_via_chat.client_stream import read

A, B = '{"city":"A"}', '{"city":"B"}'
PATCH = {"type": "custom", "name": "patch"}


def calls_of(fragments: Sequence[Json], finish: str = "tool_calls", **parameters: Any) -> list[str]:
    """Return the calls that the fragments of a stream make; no two have the same `call_id`."""
    events = [*(chunk(tool_calls=[each]) for each in fragments), chunk(finish=finish)]
    output = read(stream_of(events, **parameters))["output"]
    assert len({call["call_id"] for call in output}) == len(output)
    return [f"{call['name']}({call.get('arguments', call.get('input'))})" for call in output]
