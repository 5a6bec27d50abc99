"""The types of agents' responses requests: items of a conversation, and definitions of functions.

Texts, arguments and schemas stay as the client wrote them; whether what should be a text is one is
for those who write it elsewhere. Null is the same as absent, as in `check_responses`.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Raw

from gateway.fast.agents.parameters import others_of
from gateway.fast.agents.raw import NULL
from gateway.fast.agents.uncommon import Uncommon
from gateway.fast.codec import Nothing
from gateway.utf8 import check_utf8

CallId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
"""An id that every endpoint takes as it is (`bounded_call_id`)."""


SHELL_CALL = "local_shell_call"


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
"""A part of a content or of reasoning; which may be where is for its reader to check."""


class Item(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """An item of any kind. `kind_of` checks that it has no field of another kind.

    It is one type, because an item without a `type` is a message, which no tagged union expresses.
    """

    type: str | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[Part] | None = None
    id: str | None = None
    status: str | None = None
    phase: str | None = None
    call_id: CallId | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: Raw = NULL
    input: Raw = NULL
    output: Raw = NULL
    summary: list[Part] | None = None
    encrypted_content: str | None = None
    action: Any = None
    """Of calls of `local_shell`, which are no kind of `kind_of`'s."""


_OF_KINDS = {
    "message": frozenset({"role", "content", "phase"}),
    "function_call": frozenset({"call_id", "name", "namespace", "arguments"}),
    "function_call_output": frozenset({"call_id", "output"}),
    "custom_tool_call": frozenset({"call_id", "name", "namespace", "input"}),
    "custom_tool_call_output": frozenset({"call_id", "output"}),
    "reasoning": frozenset({"content", "summary", "encrypted_content"}),
}
"""The fields of the kinds that are admitted, beside `type`, `id` and `status`."""


def _foreign(kind: str) -> Callable[[Item], object]:
    """Return what gets the fields of an item that belong to other kinds only."""
    fields = Item.__struct_fields__
    return attrgetter(*(f for f in fields[1:] if f not in {"id", "status", *_OF_KINDS[kind]}))


_FOREIGN = {kind: _foreign(kind) for kind in _OF_KINDS}
_ABSENT = {kind: get(Item()) for kind, get in _FOREIGN.items()}


def kind_of(item: Item) -> str:
    """Return the kind of an item, whose fields are all of that kind; raises `Uncommon` for others.

    Fields of its kind may be absent.
    """
    kind = item.type or ("message" if item.type is None and item.role is not None else "")
    foreign = _FOREIGN.get(kind)
    if foreign is None or foreign(item) != _ABSENT[kind]:
        raise Uncommon
    return kind


_OF_SHELL = frozenset({"type", "status", "call_id", "action"})
_not_of_shell = attrgetter(*(f for f in Item.__struct_fields__ if f not in _OF_SHELL))
_NOT_OF_SHELL = _not_of_shell(Item())


def is_shell_call(item: Item) -> bool:
    """Whether an item is a call of `local_shell`, with its fields only.

    An output can name a call by its `id`: one that has an id is not admitted.
    """
    return item.type == SHELL_CALL and _not_of_shell(item) == _NOT_OF_SHELL


class Tool(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The definition of a function."""

    type: Literal["function"]
    name: str
    description: Raw = NULL
    parameters: Raw = NULL
    strict: bool | None = None


class ResponsesRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """An agent's responses request.

    `others` has the parameters that are not about the conversation.
    """

    input: str | list[Item]
    instructions: str | None = None
    tools: Raw = NULL
    tool_choice: Any = None
    parallel_tool_calls: Any = None
    model: Any = None
    background: Any = None
    client_metadata: Any = None
    """Codex's."""
    frequency_penalty: Any = None
    include: Any = None
    max_output_tokens: Any = None
    max_tool_calls: Any = None
    metadata: Any = None
    presence_penalty: Any = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    reasoning: Any = None
    safety_identifier: Any = None
    seed: Any = None
    service_tier: Any = None
    stop: Any = None
    store: Any = None
    stream: Any = None
    stream_options: Any = None
    temperature: Any = None
    text: Any = None
    top_logprobs: Any = None
    top_p: Any = None
    truncation: Any = None
    user: Any = None


others = others_of(ResponsesRequest)
"""Returns the parameters that are neither the conversation nor about tools, null ones apart."""

_read = msgspec.json.Decoder(ResponsesRequest).decode

read_tools = msgspec.json.Decoder(list[Tool]).decode
"""Reads `tools`; raises `DecodeError` unless all of them are functions of the usual form."""

read_parts = msgspec.json.Decoder(list[Part]).decode
"""Reads an output that is not a text; raises `DecodeError` for what is not admitted."""


def read_responses_request(body: bytes) -> ResponsesRequest:
    """Decode an agent's request; raises `DecodeError` or `UnicodeDecodeError` for another."""
    check_utf8(body)
    return _read(body)
