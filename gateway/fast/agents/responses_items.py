"""The items of agents' responses requests, each of a type of its own.

Most clients give every item its `type`. Where one does without, the items are read as one type
(`responses_requests.Item`), and told apart here.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Raw

from gateway.fast.agents.responses_requests import (
    SHELL_CALL,
    CallId,
    Item,
    Part,
    ResponsesRequest,
    is_shell_call,
    kind_of,
    read_responses_request,
)
from gateway.fast.agents.uncommon import Uncommon
from gateway.utf8 import check_utf8


class _Typed(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, kw_only=True, gc=False):
    status: str | None = None


class _Named(_Typed, kw_only=True, gc=False):
    id: str | None = None


class Message(_Named, tag="message", kw_only=True, gc=False):
    """What somebody says."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Part]
    phase: str | None = None


class FunctionCall(_Named, tag="function_call", kw_only=True, gc=False):
    """A call of a function."""

    call_id: CallId
    name: str
    arguments: Raw
    namespace: str | None = None


class CustomCall(_Named, tag="custom_tool_call", kw_only=True, gc=False):
    """A call of a custom tool."""

    call_id: CallId
    name: str
    input: Raw
    namespace: str | None = None


class FunctionOutput(_Named, tag="function_call_output", kw_only=True, gc=False):
    """What a call of a function has given."""

    call_id: CallId
    output: Raw


class CustomOutput(_Named, tag="custom_tool_call_output", kw_only=True, gc=False):
    """What a call of a custom tool has given."""

    call_id: CallId
    output: Raw


class Reasoning(_Named, tag="reasoning", kw_only=True, gc=False):
    """Reasoning, as a text or sealed."""

    content: list[Part] | None = None
    summary: list[Part] | None = None
    encrypted_content: str | None = None


class ShellCall(_Typed, tag="local_shell_call", kw_only=True, gc=False):
    """A call of `local_shell`. An output can name one by its `id`: it must have none."""

    call_id: CallId
    action: Any


class AdditionalTools(_Named, tag="additional_tools", kw_only=True, gc=False):
    """Tools that are declared within the input, as Codex does; no kind of `kind_of`'s, either."""

    tools: Any
    role: Literal["developer"] | None = None


TypedItem = (
    Message
    | FunctionCall
    | FunctionOutput
    | CustomCall
    | CustomOutput
    | Reasoning
    | ShellCall
    | AdditionalTools
)


class _TypedRequest(ResponsesRequest, kw_only=True, gc=False):
    """An agent's responses request, its items typed."""

    input: str | list[TypedItem]  # type: ignore[assignment]


_read = msgspec.json.Decoder(_TypedRequest).decode


def read_typed_request(body: bytes) -> tuple[ResponsesRequest, str | Sequence[TypedItem]]:
    """Decode an agent's request; return it and its input. Raises one of `UNCOMMON` for another."""
    check_utf8(body)
    try:
        typed = _read(body)
    except msgspec.ValidationError:
        request = read_responses_request(body)
        given = request.input
        return request, given if isinstance(given, str) else list(map(_typed, given))
    return typed, typed.input


def _typed(item: Item) -> TypedItem:
    """Return an item of the type of its kind; raises `Uncommon` for one that lacks a field."""
    kind = SHELL_CALL if is_shell_call(item) else kind_of(item)
    if kind == "message":
        role, content = item.role, item.content
        if role is None or content is None:
            raise Uncommon
        return Message(role=role, content=content, phase=item.phase)
    return _made(_TYPES[kind], item)


_TYPES: dict[str, type[TypedItem]] = {
    "function_call": FunctionCall,
    "function_call_output": FunctionOutput,
    "custom_tool_call": CustomCall,
    "custom_tool_call_output": CustomOutput,
    "reasoning": Reasoning,
    SHELL_CALL: ShellCall,
}


def _made(kind: type[TypedItem], item: Item) -> TypedItem:
    given = {name: getattr(item, name) for name in kind.__struct_fields__}
    if kind is Reasoning:
        if isinstance(item.content, str):
            raise Uncommon
    elif item.call_id is None or ("name" in given and item.name is None):
        raise Uncommon
    return kind(**given)
