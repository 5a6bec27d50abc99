"""The calls in agents' conversations, as blocks of messages."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from gateway.fast.agents.raw import decoded
from gateway.fast.agents.raw import text as checked
from gateway.fast.agents.uncommon import Uncommon
from gateway.shapes import Json
from gateway.translate.parts.to_messages.conversation import safe_tool_id
from gateway.translate.parts.to_messages.tool_names import is_safe_name


class ToolUse(msgspec.Struct, tag_field="type", tag="tool_use", gc=False):
    """A call of a tool."""

    id: str
    name: str
    input: Json


_read_texts = msgspec.json.Decoder(list[str]).decode
_read_input = msgspec.json.Decoder(dict[str, Any]).decode


def tool_use(call_id: str, name: str, arguments: Raw) -> ToolUse:
    """Return a call as a block; raises one of `UNCOMMON` for arguments that are not an object.

    The caller has checked that the name is sent as it is.
    """
    written = decoded(arguments)
    try:
        given: Json = _read_input(written)
    except msgspec.DecodeError:
        if written.strip():
            raise
        given = {}
    return ToolUse(_sent_id(call_id), name, given)


def tool_uses(
    ids: Sequence[str], names: Sequence[str], arguments: Sequence[Raw]
) -> Iterator[ToolUse]:
    """Return calls as blocks; work common to all is done once. Raises one of `UNCOMMON`."""
    check_names(set(names))
    sent = ids if _is_safe("_".join(ids)) else map(_sent_id, ids)
    try:
        inputs = map(_read_input, _read_texts(b"[%b]" % b",".join(arguments)))
        return iter(list(map(ToolUse, sent, names, inputs)))
    except msgspec.DecodeError:
        return map(tool_use, ids, names, arguments)


def custom_tool_use(call_id: str, name: str, given: Raw) -> ToolUse:
    """Return a call of a custom tool, which is sent as a function with one string.

    Raises one of `UNCOMMON`.
    """
    check_names((name,))
    return ToolUse(_sent_id(call_id), name, {"input": checked(given)})


def check_names(names: Iterable[str]) -> None:
    """Raise `Uncommon` if any tool is sent under another name than its own."""
    if not all(map(is_safe_name, names)):
        raise Uncommon


def _sent_id(call_id: str) -> str:
    return call_id if _is_safe(call_id) else safe_tool_id(call_id)


def _is_safe(call_id: str) -> bool:
    # Nearly all ids are letters, digits and underscores.
    return call_id.isidentifier() and call_id.isascii()
