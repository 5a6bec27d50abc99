"""The items of agents' responses requests, each of a type of its own.

Most clients give every item its `type`. Where one does without, the items are read as one type
(`responses_requests.Item`), and told apart here.
"""

from typing import Any, Literal

import msgspec
from msgspec import Raw

from gateway.fast.agents.raw import check_encoding
from gateway.fast.agents.responses_requests import (
    CallId,
    Item,
    Part,
    ResponsesRequest,
    is_shell_call,
    kind_of,
    read_responses_request,
)
from gateway.fast.agents.uncommon import Uncommon


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


class TypedRequest(ResponsesRequest, kw_only=True, gc=False):
    """An agent's responses request, its items typed."""

    input: str | list[TypedItem]  # type: ignore[assignment]


_read = msgspec.json.Decoder(TypedRequest).decode


def read_typed_request(body: bytes) -> TypedRequest:
    """Decode an agent's request; raises one of `UNCOMMON` for another."""
    check_encoding(body)
    try:
        return _read(body)
    except msgspec.ValidationError:
        request = read_responses_request(body)
    given = request.input
    typed = given if isinstance(given, str) else [_typed(item) for item in given]
    others = {name: getattr(request, name) for name in request.__struct_fields__}
    return TypedRequest(**{**others, "input": typed})


def _typed(item: Item) -> TypedItem:
    """Return an item of the type of its kind; raises `Uncommon` for one that lacks a field."""
    if is_shell_call(item):
        return _made(ShellCall, item)
    return _made(_TYPES[kind_of(item)], item)


_TYPES: dict[str, type[TypedItem]] = {
    "message": Message,
    "function_call": FunctionCall,
    "function_call_output": FunctionOutput,
    "custom_tool_call": CustomCall,
    "custom_tool_call_output": CustomOutput,
    "reasoning": Reasoning,
}
_REQUIRED = frozenset({"role", "call_id", "name"})


def _made(kind: type[TypedItem], item: Item) -> TypedItem:
    given = {name: getattr(item, name) for name in kind.__struct_fields__}
    if any(given.get(name, "") is None for name in _REQUIRED):
        raise Uncommon
    if kind is Message and given["content"] is None:
        raise Uncommon
    if kind is Reasoning and isinstance(given["content"], str):
        raise Uncommon
    return kind(**given)
