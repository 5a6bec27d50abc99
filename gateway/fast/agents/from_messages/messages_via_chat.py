"""Messages requests of agents for chat endpoints."""

from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec import Raw

from gateway.fast.agents.codec import AgentRequest
from gateway.fast.agents.exchanges import IN_CHAT, joined
from gateway.fast.agents.from_messages.messages_blocks import (
    Place,
    blocks_as_json,
    path_of,
    signature_of,
)
from gateway.fast.agents.from_messages.messages_parameters import (
    Function,
    Tools,
    defined_in,
    draft_of,
    instructions,
    tools_of,
    write_hints,
)
from gateway.fast.agents.from_messages.messages_requests import (
    Assistant,
    MessagesRequest,
    OfAssistant,
    RedactedThinking,
    Text,
    Thinking,
    ToolUse,
    User,
)
from gateway.fast.agents.from_messages.messages_turns import Conversation, Result
from gateway.fast.agents.numbers import encode
from gateway.fast.agents.replies.chat_as_message import message_with_calls
from gateway.fast.agents.replies.messages_answers import Answers
from gateway.fast.agents.replies.messages_chunks import CallsInChunks
from gateway.fast.codec import ABSENT, Absent
from gateway.fast.codecs.messages_via_chat import decode_reply as decode_text
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.messages_via_chat import parameters
from gateway.translate.messages_via_chat.assistant import AssistantTurn
from gateway.translate.messages_via_chat.reply import fold_replies
from gateway.translate.parts.from_messages.blocks.content import BlockReader
from gateway.translate.parts.from_messages.blocks.forms import CHAT
from gateway.translate.parts.from_messages.options import reply_options
from gateway.translate.parts.messages.signatures import carries
from gateway.translate.responses_via_chat.input.returned import put_reasoning

_SEE_NEXT = CHAT.text("[image: see next message]")


class _Function(msgspec.Struct, gc=False):
    name: Raw
    arguments: str


class _Call(msgspec.Struct, gc=False):
    id: Raw
    type: str
    function: _Function


class _Message(msgspec.Struct, gc=False):
    role: str
    content: str | list[Json] | None
    tool_calls: list[_Call] | Absent = ABSENT


class _Result(msgspec.Struct, gc=False):
    role: str
    tool_call_id: Raw
    content: Result


class _Tool(msgspec.Struct, tag_field="type", tag="function", gc=False):
    function: Function


class _Conversation(Conversation):
    """Writes a conversation as chat messages."""

    forms = CHAT
    exchange = IN_CHAT

    def __init__(self, context: Context, report: Report) -> None:
        super().__init__(context, report)
        self._reasoning_field = context.capabilities.reasoning_field
        self._requires_reasoning = context.capabilities.reasoning_required
        self.takes_exchanges = not self._requires_reasoning

    def lead(self, texts: list[str]) -> None:
        """Write the instructions; as parts only if the server surely takes parts there."""
        if len(texts) > 1 and not self._context.capabilities.multi_system:
            texts = ["\n\n".join(texts)]
        if texts:
            self._instruct(texts)

    def _instruct(self, texts: list[str]) -> None:
        role = self._context.capabilities.system_role
        self._say(role, texts[0] if len(texts) == 1 else list(map(CHAT.text, texts)))

    def _say_string(self, content: str, message: User) -> None:  # noqa: ARG002
        self._add(message)

    def _say(self, role: str, content: str | list[Json]) -> None:
        self._add(_Message(role, content))

    def _add_result(self, call_id: Raw, content: Result, *, has_images: bool = False) -> None:
        if isinstance(content, list):
            if has_images and not self._context.capabilities.tool_image_parts:
                self._attached += [part for part in content if part["type"] == "image_url"]
                content = [part if part["type"] == "text" else _SEE_NEXT for part in content]
                has_images = False
            if not has_images:
                content = "\n".join([part["text"] for part in content])
        self._add(_Result("tool", call_id, content))

    def _assistant(self, message: Assistant, place: Place) -> None:
        content = message.content
        if isinstance(content, str):
            self._add(message)
            return
        only = content[0]
        if len(content) == 1 and type(only) is ToolUse and not self._requires_reasoning:
            self._add(_Message("assistant", None, [self._called(only)]))
            return
        texts: list[str] = []
        calls: list[_Call] = []
        thinks = self._requires_reasoning
        for index, block in enumerate(content):
            if type(block) is ToolUse:
                calls.append(self._called(block))
            elif type(block) is Text:
                texts.append(block.text)
                if block.cache_control:
                    self.is_marked = True
                if calls:
                    path = path_of(place, index)
                    self._report.change(path, "behind tool_use", "before it")
            else:
                thinks = True
        if thinks:
            self._reasoned(content, texts, calls, place)
        else:
            said = texts[0] if len(texts) == 1 else self._content(texts)
            self._add(_Message("assistant", said, calls or ABSENT))

    def _called(self, use: ToolUse) -> _Call:
        call_id, name, arguments = self._call(use)
        return _Call(call_id, "function", _Function(name, arguments))

    def _content(self, texts: list[str]) -> str | list[Json] | None:
        if len(texts) > 1 and self._context.capabilities.roles_in_a_row:
            return list(map(CHAT.text, texts))
        return "\n".join(texts) if texts else None

    def _opened(self, blocks: Sequence[OfAssistant], place: Place) -> None:
        """Add a turn with content that a gateway has sealed for the server."""
        reader = BlockReader(CHAT, self._context, self._report)
        turn = AssistantTurn(self._context, self._report, reader)
        for block in blocks_as_json(blocks, place):
            turn.read(block)
        message = turn.message()
        if message is None:
            self._pass_over()
        else:
            self._add(message)

    def _reasoned(
        self, blocks: Sequence[OfAssistant], texts: list[str], calls: list[_Call], place: Place
    ) -> None:
        """Add a message with the thinking that the server takes, unless it has nothing else.

        No server takes a message of thinking alone.
        """
        thinking: list[str] = []
        for index, block in enumerate(blocks):
            if type(block) is not Thinking and type(block) is not RedactedThinking:
                continue
            if carries(signature_of(block)):
                self._opened(blocks, place)
                return
            text = block.thinking if type(block) is Thinking else ""
            if text and self._reasoning_field and (texts or calls):
                thinking.append(text)
            else:
                self._report.drop(path_of(place, index))
        if not texts and not calls:
            self._pass_over()
        elif thinking or self._requires_reasoning:
            self._add_with(thinking, texts, calls)
        else:
            self._add(_Message("assistant", self._content(texts), calls or ABSENT))

    def _add_with(self, thinking: list[str], texts: list[str], calls: list[_Call]) -> None:
        message: Json = {"role": "assistant", "content": self._content(texts)}
        if thinking and self._reasoning_field:
            message[self._reasoning_field] = "\n\n".join(thinking)
        if calls:
            message["tool_calls"] = calls
        put_reasoning(message, self._context, self._report)
        self._add(message)


def _write_tools(draft: Draft, tools: Tools) -> None:
    draft.upstream["tools"] = tools.written
    choice = tools.choice
    if choice is not None and choice.named is None:
        draft.upstream["tool_choice"] = choice.mode
    elif choice is not None and choice.named is not None:
        named = {"name": choice.named.name}
        draft.upstream["tool_choice"] = {"type": "function", "function": named}
    if tools.one_at_a_time:
        draft.upstream["parallel_tool_calls"] = False


def encode_agents(request: MessagesRequest, context: Context) -> AgentRequest:
    """Return the chat request for an agent's messages request; raises one of `UNCOMMON`."""
    report = Report(Shape.MESSAGES, Shape.CHAT)
    defined = defined_in(request.tools, context.scope, _Tool)
    draft = draft_of(request, defined, context, report)
    conversation = _Conversation(context, report)
    conversation.lead(instructions(request, report))
    conversation.write(request.messages)
    draft.upstream |= {"model": context.model_sent, "messages": None}
    parameters.independent(draft)
    write_hints(draft, request, is_marked=conversation.is_marked or defined.is_marked)
    native = parameters.stop_sequences(draft)
    tools = tools_of(request, defined, draft)
    if tools is not None:
        _write_tools(draft, tools)
    options = reply_options(draft.client, tools, native_stops=native)
    call_ids = conversation.call_ids
    answers = Answers(options, request.max_tokens, call_ids, context, report)
    calls = partial(message_with_calls, options, call_ids, context)
    written = partial(joined, "messages", conversation.sent, encode)
    return answers.to(draft.upstream, written, fold_replies, CallsInChunks, decode_text, calls)
