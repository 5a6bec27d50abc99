"""The types of agents' chat requests: a conversation with calls, and definitions of functions.

Texts, arguments and schemas stay as the client wrote them; the code that writes them for another
endpoint checks whether a text is one. Null is the same as absent, as in `check_chat`.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Raw

from gateway.fast.agents.parameters import others_of
from gateway.fast.agents.raw import NULL
from gateway.fast.codec import Nothing
from gateway.texts import check_utf8

CallId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
"""An id that every endpoint takes as it is (`bounded_call_id`)."""

_NoText = Literal[""] | None


class CalledFunction(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The function that is called."""

    name: str
    arguments: Raw


class Call(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A call that the assistant made."""

    id: CallId
    function: CalledFunction
    type: Literal["function"] | None = None


class _Message(
    msgspec.Struct, tag_field="role", forbid_unknown_fields=True, kw_only=True, gc=False
):
    name: str | None = None


class System(_Message, tag="system", kw_only=True, gc=False):
    """Instructions."""

    content: Raw


class Developer(_Message, tag="developer", kw_only=True, gc=False):
    """Instructions, under their newer name."""

    content: Raw


class User(_Message, tag="user", kw_only=True, gc=False):
    """What the user says."""

    content: Raw


class Assistant(_Message, tag="assistant", kw_only=True, gc=False):
    """What the assistant said and called. Clients send back most fields of replies."""

    content: Raw = NULL
    tool_calls: list[Call] | None = None
    refusal: _NoText = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    phase: str | None = None
    annotations: Nothing | None = None
    audio: None = None
    function_call: None = None


class Output(_Message, tag="tool", kw_only=True, gc=False):
    """The output of a call."""

    tool_call_id: CallId
    content: Raw


Message = System | Developer | User | Assistant | Output


class TextPart(msgspec.Struct, tag_field="type", tag="text", forbid_unknown_fields=True, gc=False):
    """A part of a content that is text."""

    text: Raw


class ImageUrl(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Where an image is, or the image itself."""

    url: Raw
    detail: str | None = None


class ImagePart(
    msgspec.Struct, tag_field="type", tag="image_url", forbid_unknown_fields=True, gc=False
):
    """A part of a content that is an image."""

    image_url: ImageUrl


_Parts = Annotated[list[TextPart | ImagePart], msgspec.Meta(min_length=1)]

read_parts = msgspec.json.Decoder(_Parts).decode
"""Reads a content that is a list of parts; raises `DecodeError` for parts of other types."""


class Function(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A function that may be called."""

    name: str
    description: Raw = NULL
    parameters: Raw = NULL
    strict: bool | None = None


class Tool(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The definition of a function."""

    type: Literal["function"]
    function: Function


class ChatRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """An agent's chat request. `others` has the parameters that are not about the conversation."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    tools: Raw = NULL
    tool_choice: Any = None
    parallel_tool_calls: Any = None
    model: Any = None
    frequency_penalty: Any = None
    logit_bias: Any = None
    logprobs: Any = None
    max_completion_tokens: Any = None
    max_tokens: Any = None
    metadata: Any = None
    modalities: Any = None
    n: Any = None
    prediction: Any = None
    presence_penalty: Any = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    reasoning_effort: Any = None
    response_format: Any = None
    safety_identifier: Any = None
    seed: Any = None
    service_tier: Any = None
    stop: Any = None
    store: Any = None
    stream: Any = None
    stream_options: Any = None
    temperature: Any = None
    top_logprobs: Any = None
    top_p: Any = None
    user: Any = None
    verbosity: Any = None
    # Parameters of servers other than OpenAI's.
    chat_template_kwargs: Any = None
    min_p: Any = None
    repetition_penalty: Any = None
    top_k: Any = None


others = others_of(ChatRequest)
"""Returns the parameters that are neither the conversation nor about tools, null ones apart."""

_read = msgspec.json.Decoder(ChatRequest).decode

read_messages = msgspec.json.Decoder(list[Message]).decode
"""Reads messages, in UTF-8; raises `DecodeError` for others than those of such a request."""

read_tools = msgspec.json.Decoder(list[Tool]).decode
"""Reads `tools`; raises `DecodeError` unless all of them are functions of the usual form."""


def read_chat_request(body: bytes) -> ChatRequest:
    """Decode an agent's request; raises `DecodeError` or `UnicodeDecodeError` for another."""
    check_utf8(body)
    return _read(body)
