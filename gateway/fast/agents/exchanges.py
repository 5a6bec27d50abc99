"""Joins requests of pieces of JSON, most of which are exchanges: a call and its result.

Most of an agent's conversation are exchanges. Their texts stay as the client wrote them: no objects
are made of them, and their bytes are copied once, into a buffer of the right size.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Raw

from gateway.shapes import Json

Written = bytes | Raw
"""Some JSON, as it is sent."""

Form = tuple[bytes, bytes, bytes, bytes, bytes, bytes]
"""The JSON of an exchange around its values: before the call's id, its name, its arguments, the id
again and the result, and after the result. It begins with a comma, as each item does."""

IN_CHAT: Form = (
    b',{"role":"assistant","content":null,"tool_calls":[{"id":',
    b',"type":"function","function":{"name":',
    b',"arguments":',
    b'}}]},{"role":"tool","tool_call_id":',
    b',"content":',
    b"}",
)
IN_RESPONSES: Form = (
    b',{"type":"function_call","call_id":',
    b',"name":',
    b',"arguments":',
    b'},{"type":"function_call_output","call_id":',
    b',"output":',
    b"}",
)


def pieces_of(items: Iterable[object], encode: Callable[[Any], bytes]) -> list[Written]:
    """Return items in pieces, as `joined` takes them; tuples are items in pieces already."""
    pieces: list[Written] = []
    for item in items:
        pieces += item if type(item) is tuple else (b",", encode(item))
    return pieces


def joined(
    field: str, items: Sequence[Written], encode: Callable[[Any], bytes], request: Json
) -> bytes:
    """Return a request as JSON, given the pieces of its list `field`: a comma is before each item.

    The list has at least one item. In `request` the field is null, and only texts come before it.
    Tools that are JSON already are copied once.
    """
    rest, tools = request, request.get("tools")
    last: list[Written | memoryview] = []
    if type(tools) is Raw:
        names = list(request)
        at = names.index("tools")
        rest = {name: request[name] for name in names[:at]}
        last = [b',"tools":', tools]
        if len(names) > at + 1:
            after = encode({name: request[name] for name in names[at + 1 :]})
            last += (b",", memoryview(after)[1:-1])
    encoded = encode(rest)
    # Within a text each quote has a backslash before it.
    key = b'"%b":' % field.encode()
    start = encoded.find(b"%bnull" % key) + len(key)
    around = memoryview(encoded)
    first = memoryview(items[0])[1:]
    end = around[start + len(b"null") : -1]
    return b"".join([around[:start], b"[", first, *items[1:], b"]", end, *last, b"}"])
