"""Common messages for clients: a text, or calls of tools after one."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

import msgspec

from gateway.fast.codec import ABSENT, Absent, encode
from gateway.fast.forms.chat_replies import ChatUsage
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.fields import model_name
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from gateway.translate.parts.messages.stop_reasons import Stop
from gateway.translate.parts.messages.usage import apart, messages_tier
from gateway.translate.parts.tools.calls import MAX_CALL_ID
from gateway.translate.stream.messages.messages_blocks import TextBlock
from gateway.translate.stream.messages.messages_frame import MessagesFrame


class _Text(msgspec.Struct, gc=False):
    type: str
    text: str


class _ToolUse(msgspec.Struct, gc=False):
    type: str
    id: str
    name: str
    input: Json


_Block = _Text | _ToolUse
CallId = Annotated[str, msgspec.Meta(max_length=MAX_CALL_ID)]
"""An id of a call that a client can be given; empty: it has none."""
Name = Annotated[str, msgspec.Meta(min_length=1)]

Called = tuple[str, str, str]
"""The upstream's id of a call, the name of its tool, and its arguments."""

_read_input = msgspec.json.Decoder(dict[str, Any]).decode


class _Thinking(msgspec.Struct, gc=False):
    thinking_tokens: int


_CALLED = Stop("tool_use")


class Usage(msgspec.Struct, gc=False):
    """The usage of a message, which counts the cached parts of the prompt separately."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    output_tokens_details: _Thinking
    service_tier: str | Absent


def usage(
    prompt: int, completion: int, read: int, written: int, thinking: int, tier: object
) -> Usage:
    """Return the usage for counts of chat or responses; `tier` is the reply's `service_tier`."""
    fresh, written = apart(prompt, read, written)
    return Usage(
        fresh,
        written,
        read,
        completion,
        _Thinking(thinking),
        messages_tier(tier) or ABSENT,
    )


def usage_of_chat(counted: ChatUsage, tier: object) -> Usage:
    """Return the usage for that of a chat completion; `tier` is as for `usage`."""
    within = counted.prompt_tokens_details or {}
    generated = counted.completion_tokens_details or {}
    return usage(
        counted.prompt_tokens,
        counted.completion_tokens,
        within.get("cached_tokens") or 0,
        within.get("cache_write_tokens") or 0,
        generated.get("reasoning_tokens") or 0,
        tier,
    )


class _Message(msgspec.Struct, gc=False):
    id: str
    type: str
    role: str
    model: str
    content: Sequence[_Block]
    stop_reason: str
    stop_sequence: None
    stop_details: Json | None
    usage: Usage


def encode_message(
    text: str, stop: Stop, counted: Usage, model: str | None, context: Context
) -> bytes:
    """Return a message with one text; `model` is the upstream's name of it."""
    return _encoded((_Text("text", text),), stop, counted, model, context)


def encode_calls(
    text: str | None,
    calls: Iterable[Called],
    counted: Usage,
    model: str | None,
    options: MessagesReplyOptions,
    known_ids: Iterable[str],
    context: Context,
) -> bytes:
    """Return a message with calls, each with an id that is not among `known_ids`.

    Raises `DecodeError` for arguments that are not an object.
    """
    blocks: list[_Block] = [_Text("text", text)] if text else []
    ids = set(known_ids)
    for given, name, arguments in calls:
        call_id = given if given and given not in ids else f"toolu_{context.new_id()}"
        ids.add(call_id)
        known: Json = _read_input(arguments) if arguments.strip() else {}
        blocks.append(_ToolUse("tool_use", call_id, options.tool_names.get(name, name), known))
    return _encoded(blocks, _CALLED, counted, model, context)


def _encoded(
    blocks: Sequence[_Block], stop: Stop, counted: Usage, model: str | None, context: Context
) -> bytes:
    message = _Message(
        f"msg_{context.new_id()}",
        "message",
        "assistant",
        model_name(model, context),
        blocks,
        stop.reason,
        None,
        stop.fields()["stop_details"],
        counted,
    )
    return encode(message)


class TextStream:
    """Writes the events of a message with one text."""

    passes_text: Final = True

    def __init__(self, context: Context) -> None:
        self._frame = MessagesFrame(context)
        self._block: TextBlock | None = None
        self.length = 0

    def ping(self) -> list[Json]:
        """Return the event that shows that the stream is alive; none before its beginning."""
        return self._frame.ping()

    def open(self, model: object, counted: object, tier: object) -> list[Json]:
        """Begin the message, unless it has begun; return the events to send."""
        self._frame.start(model, counted, tier)
        return self._frame.sent()

    def add_text(self, text: str) -> list[Json]:
        """Add text, which is not empty; return the events to send."""
        if self._block is None:
            self._block = self._frame.add(TextBlock())
        self._block.add(text)
        self.length += len(text)
        self._frame.advance()
        return self._frame.sent()

    def close(self, stop: Stop, counted: object, tier: object) -> list[Json]:
        """End the message; return the events to send."""
        self._frame.end(stop, counted, tier, truncated=False)
        return self._frame.sent()
