"""The types of messages requests of agents: texts, pictures, thinking, calls and their results.

Requests with values of other types, or with other fields, are left to the generic path.
"""

from typing import Annotated, Any, Literal, final

import msgspec

from gateway.fast.agents.numbers import Literal as NumberLiteral
from gateway.fast.agents.raw import EMPTY
from gateway.fast.codec import ABSENT, Absent, PositiveInt
from gateway.texts import check_utf8
from gateway.translate.schema.messages import MAX_MESSAGES

_NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]
Given = Any
"""The type of a value that generic functions check."""


class _Block(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    cache_control: Given = ABSENT


@final
class Text(_Block, tag="text", gc=False):
    """A text block, which is a part of a chat message, too."""

    text: _NonEmpty


@final
class SystemText(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A text block of the system, which takes no other kind of block.

    `type` is a field, not a tag: msgspec demands a tag only where it tells several types apart.
    """

    type: Literal["text"]
    text: _NonEmpty
    cache_control: Given = ABSENT


@final
class ResultText(_Block, tag="text", gc=False):
    """A text block of a result, which may be empty."""

    text: str


class _Base64(msgspec.Struct, tag="base64", forbid_unknown_fields=True, gc=False):
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: str


class _Url(msgspec.Struct, tag="url", forbid_unknown_fields=True, gc=False):
    url: str


@final
class Image(_Block, tag="image", gc=False):
    """A picture."""

    source: _Base64 | _Url

    @property
    def url(self) -> str:
        """The picture's URL, which may be a `data:` URL."""
        source = self.source
        if isinstance(source, _Url):
            return source.url
        return f"data:{source.media_type};base64,{source.data}"


class _Direct(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The caller of a tool that no other tool has called."""

    type: Literal["direct"]


@final
class ToolUse(_Block, tag="tool_use", kw_only=True, gc=False):
    """A call of a tool. The code that writes it checks whether its id and name are texts."""

    id: msgspec.Raw
    name: msgspec.Raw
    input: dict[str, Any]
    caller: _Direct | Absent = ABSENT


read_parts = msgspec.json.Decoder(list[ResultText | Image], float_hook=NumberLiteral).decode
"""Reads a result that is a list of parts; raises `DecodeError` for parts of other types."""


@final
class ToolResult(_Block, tag="tool_result", kw_only=True, gc=False):
    """The result of a call."""

    tool_use_id: msgspec.Raw
    content: msgspec.Raw = EMPTY
    """The content as the client wrote it, undecoded: most of a conversation is results."""
    is_error: bool = False


@final
class Thinking(msgspec.Struct, tag="thinking", forbid_unknown_fields=True, gc=False):
    """Thinking of an earlier turn."""

    thinking: str
    signature: str = ""


@final
class RedactedThinking(
    msgspec.Struct, tag="redacted_thinking", forbid_unknown_fields=True, gc=False
):
    """Thinking of an earlier turn that was not shown."""

    data: str


OfUser = Text | ToolResult | Image
OfAssistant = Text | ToolUse | Thinking | RedactedThinking
_Some = msgspec.Meta(min_length=1)


@final
class User(msgspec.Struct, tag_field="role", tag="user", forbid_unknown_fields=True, gc=False):
    """A message of the user."""

    content: _NonEmpty | Annotated[list[OfUser], _Some]


@final
class Assistant(
    msgspec.Struct, tag_field="role", tag="assistant", forbid_unknown_fields=True, gc=False
):
    """A message of the assistant."""

    content: _NonEmpty | Annotated[list[OfAssistant], _Some]


@final
class System(msgspec.Struct, tag_field="role", tag="system", forbid_unknown_fields=True, gc=False):
    """A system message within the conversation."""

    content: _NonEmpty | Annotated[list[SystemText], _Some]


Message = User | Assistant | System


class Tool(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A tool with the client's own schema."""

    name: str
    input_schema: msgspec.Raw
    type: Literal["custom"] = "custom"
    description: str | Absent = ABSENT
    strict: bool = False
    defer_loading: Literal[False] = False
    cache_control: Given = ABSENT
    eager_input_streaming: Given = ABSENT


class Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Which tools may be called."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | Absent = ABSENT
    disable_parallel_tool_use: bool = False


NO_TOOLS = msgspec.Raw(b"[]")


class MessagesRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A messages request of an agent; the fields after `tool_choice` are the generic path's."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]
    system: str | list[SystemText] = ""
    tools: msgspec.Raw = NO_TOOLS
    tool_choice: Choice | Absent = ABSENT
    model: str
    max_tokens: PositiveInt
    temperature: int | float | None = None
    top_p: int | float | None = None
    top_k: Given = None
    stream: Given = None
    stop_sequences: Given = None
    thinking: Given = None
    output_config: Given = None
    output_format: Given = None
    metadata: Given = None
    service_tier: Given = None
    cache_control: Given = None
    context_management: Given = None
    speed: Given = None
    diagnostics: Given = None
    inference_geo: Given = None
    anthropic_beta: Given = None
    anthropic_version: Given = None
    container: Given = None
    mcp_servers: Given = None


PARAMETERS = tuple(MessagesRequest.__struct_fields__[4:])
"""The fields that the generic path's functions translate."""

_read = msgspec.json.Decoder(MessagesRequest, float_hook=NumberLiteral).decode


def read_messages_request(body: bytes) -> MessagesRequest:
    """Decode an agent's request; raises `DecodeError` or `UnicodeDecodeError` for another."""
    check_utf8(body)
    return _read(body)


read_messages = msgspec.json.Decoder(list[Message], float_hook=NumberLiteral).decode
"""Reads messages, in UTF-8; raises `DecodeError` for others than those of such a request."""

read_tools = msgspec.json.Decoder(list[Tool], float_hook=NumberLiteral).decode
"""Reads `tools`; raises `DecodeError` unless all of them have the client's own schemas."""
