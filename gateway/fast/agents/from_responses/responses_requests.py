"""The types of agents' responses requests: a conversation, and definitions of functions.

Most clients give every item its `type`: then all items are decoded in one go. If one lacks it, they
are decoded one by one. Null is the same as absent, as in `check_responses`.
"""

from typing import Any, Literal

import msgspec
from msgspec import Raw

from gateway.fast.agents.from_responses.responses_items import TypedItem, read_item
from gateway.fast.agents.parameters import others_of
from gateway.fast.agents.raw import NULL
from gateway.texts import check_utf8


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

    input: str | list[TypedItem]
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


class _Unread(ResponsesRequest, kw_only=True, gc=False):
    """A request whose items are not read yet."""

    input: list[Raw]  # type: ignore[assignment]


_read = msgspec.json.Decoder(ResponsesRequest).decode
_read_all_but_items = msgspec.json.Decoder(_Unread).decode

read_tools = msgspec.json.Decoder(list[Tool]).decode
"""Reads `tools`; raises `DecodeError` unless all of them are functions of the usual form."""


def read_responses_request(body: bytes) -> ResponsesRequest:
    """Decode an agent's request; raises `DecodeError` or `UnicodeDecodeError` for another."""
    check_utf8(body)
    try:
        return _read(body)
    except msgspec.ValidationError:
        unread = _read_all_but_items(body)
        items = list(map(read_item, unread.input))
    request: ResponsesRequest = unread
    request.input = items
    return request
