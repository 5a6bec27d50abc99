"""The items of agents' responses requests, each of a type of its own.

Texts, arguments and schemas stay as the client wrote them; the code that writes them for another
endpoint checks whether a text is one.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Raw

from gateway.fast.codec import Nothing

CallId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
"""An id that every endpoint takes as it is (`bounded_call_id`)."""


class _OfText(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, gc=False):
    text: Raw


class Said(_OfText, gc=False):
    """A text of anyone."""


class InputText(Said, tag="input_text", gc=False):
    """A text of the user or the system, or of a call."""


class AnyText(Said, tag="text", gc=False):
    """A text, as clients write it that keep one list of messages for all endpoints."""


class OutputText(Said, tag="output_text", gc=False):
    """A text of the assistant."""

    annotations: Nothing | None = None
    logprobs: Nothing | None = None


class Image(
    msgspec.Struct, tag_field="type", tag="input_image", forbid_unknown_fields=True, gc=False
):
    """An image by its URL."""

    image_url: Raw
    detail: str | None = None


class Reasoned(_OfText, gc=False):
    """A text of reasoning."""


class ReasoningText(Reasoned, tag="reasoning_text", gc=False):
    """A part of reasoning."""


class SummaryText(Reasoned, tag="summary_text", gc=False):
    """A part of a summary of reasoning."""


Part = InputText | AnyText | OutputText | Image | ReasoningText | SummaryText
"""A part of a content or of reasoning; its reader checks which parts may be in which place."""

read_parts = msgspec.json.Decoder(list[Part]).decode
"""Reads an output that is a list of parts; raises `DecodeError` for parts of other types."""


Role = Literal["user", "assistant", "system", "developer"]


class _Typed(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, kw_only=True, gc=False):
    status: str | None = None


class _Named(_Typed, kw_only=True, gc=False):
    id: str | None = None


class Message(_Named, tag="message", kw_only=True, gc=False):
    """A message of any role."""

    role: Role
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
    """The output of a call of a function."""

    call_id: CallId
    output: Raw


class CustomOutput(_Named, tag="custom_tool_call_output", kw_only=True, gc=False):
    """The output of a call of a custom tool."""

    call_id: CallId
    output: Raw


class Reasoning(_Named, tag="reasoning", kw_only=True, gc=False):
    """Reasoning, as a text or sealed."""

    content: list[Part] | None = None
    summary: list[Part] | None = None
    encrypted_content: str | None = None


class ShellCall(_Typed, tag="local_shell_call", kw_only=True, gc=False):
    """A call of `local_shell`. It must have no `id`, by which an output could name it."""

    call_id: CallId
    action: Any


class AdditionalTools(_Named, tag="additional_tools", kw_only=True, gc=False):
    """Tools that are declared within the input, as Codex does."""

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


class _Untyped(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A message without a `type`, which no tagged union expresses."""

    role: Role
    content: str | list[Part]
    type: None = None
    id: str | None = None
    status: str | None = None
    phase: str | None = None


_read_typed: Callable[[Raw], TypedItem] = msgspec.json.Decoder(TypedItem).decode
_read_untyped = msgspec.json.Decoder(_Untyped).decode
_read_all_typed = msgspec.json.Decoder(list[TypedItem]).decode
_read_raw = msgspec.json.Decoder(list[Raw]).decode


def read_item(item: Raw) -> TypedItem:
    """Decode an item that may lack its `type`; raises `DecodeError` for one not admitted."""
    try:
        return _read_typed(item)
    except msgspec.ValidationError:
        said = _read_untyped(item)
        return Message(role=said.role, content=said.content, phase=said.phase)


def read_items(items: bytes) -> list[TypedItem]:
    """Decode a list of items, known to be UTF-8; raises `DecodeError` for others."""
    try:
        return _read_all_typed(items)
    except msgspec.ValidationError:
        return list(map(read_item, _read_raw(items)))
