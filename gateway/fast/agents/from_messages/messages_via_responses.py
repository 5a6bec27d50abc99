"""Messages requests of agents for responses endpoints."""

from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec import Raw

from gateway.fast.agents.codec import AgentRequest
from gateway.fast.agents.exchanges import IN_RESPONSES, joined
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
from gateway.fast.agents.replies.messages_answers import Answers
from gateway.fast.agents.replies.messages_events import CallsInEvents
from gateway.fast.agents.replies.response_as_message import message_with_calls
from gateway.fast.codec import ABSENT, Absent
from gateway.fast.codecs.messages_via_responses import decode_reply as decode_text
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.messages_via_responses import parameters
from gateway.translate.messages_via_responses.assistant import AssistantItems
from gateway.translate.messages_via_responses.reply import fold_replies
from gateway.translate.parts.from_messages.blocks.content import BlockReader
from gateway.translate.parts.from_messages.blocks.forms import RESPONSES
from gateway.translate.parts.from_messages.options import reply_options
from gateway.translate.parts.from_messages.parameters import emulate_stops
from gateway.translate.parts.messages.signatures import carries
from gateway.translate.parts.tools.choices import responses_choice


class _Item(msgspec.Struct, gc=False):
    type: str
    role: str
    content: str | list[Json]


class _Call(msgspec.Struct, gc=False):
    type: str
    call_id: Raw
    name: Raw
    arguments: str


class _Result(msgspec.Struct, gc=False):
    type: str
    call_id: Raw
    output: Result


class _Tool(msgspec.Struct, gc=False):
    name: str
    description: str | Absent
    parameters: msgspec.Raw | Json
    type: str
    strict: bool | Absent


_SIMPLE = frozenset({Text, ToolUse})


class _Conversation(Conversation):
    """Writes a conversation as input items."""

    forms = RESPONSES
    exchange = IN_RESPONSES

    def __init__(self, context: Context, report: Report) -> None:
        super().__init__(context, report)
        self._joins_texts = not context.capabilities.roles_in_a_row

    def _instruct(self, texts: list[str]) -> None:
        role = "developer" if self._context.capabilities.developer_role else "system"
        self._say(role, list(map(RESPONSES.text, texts)))

    def _say_string(self, content: str, message: User) -> None:  # noqa: ARG002
        self._add(_Item("message", "user", content))

    def _say(self, role: str, content: str | list[Json]) -> None:
        self._add(_Item("message", role, content))

    def _add_result(self, call_id: Raw, content: Result, *, has_images: bool = False) -> None:
        if isinstance(content, list) and not has_images and len(content) < 2:
            content = content[0]["text"] if content else ""
        self._add(_Result("function_call_output", call_id, content))

    def _assistant(self, message: Assistant, place: Place) -> None:
        content = message.content
        if isinstance(content, str):
            self._add(_Item("message", "assistant", content))
            return
        only = content[0]
        if len(content) == 1 and type(only) is ToolUse:
            self._add(_Call("function_call", *self._call(only)))
            return
        thinks = not _SIMPLE.issuperset(map(type, content))
        joins = self._joins_texts and [type(block) for block in content].count(Text) > 1
        if joins or (thinks and self._brings_back(content)):
            self._opened(content, place)
            return
        first = len(self.sent)
        for index, block in enumerate(content):
            if type(block) is ToolUse:
                self._add(_Call("function_call", *self._call(block)))
            elif type(block) is Text:
                if block.cache_control:
                    self.is_marked = True
                self._add(_Item("message", "assistant", block.text))
            else:
                self._report.drop(path_of(place, index))
        if len(self.sent) == first:
            self._pass_over()

    def _brings_back(self, blocks: Sequence[OfAssistant]) -> bool:
        """Whether the server may have to get back the thinking in these blocks."""
        takes_text = self._context.capabilities.reasoning_items
        return any(
            carries(signature_of(block)) or (takes_text and type(block) is Thinking)
            for block in blocks
            if type(block) is Thinking or type(block) is RedactedThinking
        )

    def _opened(self, blocks: Sequence[OfAssistant], place: Place) -> None:
        """Add a turn with reasoning for the server, which a gateway may have sealed."""
        for block in blocks:
            if type(block) is ToolUse:
                self._call(block)
            elif type(block) is Text and block.cache_control:
                self.is_marked = True
        reader = BlockReader(RESPONSES, self._context, self._report)
        items = AssistantItems(self._context, self._report, reader)
        for each in blocks_as_json(blocks, place):
            items.read(each)
        items.finish()
        if not items.items:
            self._pass_over()
        for item in items.items:
            self._add(item)


def _tool(function: Function, usual: bool | Absent = ABSENT) -> _Tool:
    strict = True if function.strict is True else usual
    return _Tool(function.name, function.description, function.parameters, "function", strict)


_loose_tool = partial(_tool, usual=False)


def _write_tools(draft: Draft, tools: Tools) -> None:
    draft.upstream["tools"] = tools.written
    if tools.choice is not None:
        draft.upstream["tool_choice"] = responses_choice(tools.choice)
    if tools.one_at_a_time:
        draft.upstream["parallel_tool_calls"] = False


def encode_agents(request: MessagesRequest, context: Context) -> AgentRequest:
    """Return the responses request for an agent's messages request; raises one of `UNCOMMON`."""
    report = Report(Shape.MESSAGES, Shape.RESPONSES)
    form = _loose_tool if context.capabilities.strict_by_default else _tool
    defined = defined_in(request.tools, context.scope, form)
    draft = draft_of(request, defined, context, report)
    conversation = _Conversation(context, report)
    texts = instructions(request, report)
    conversation.write(request.messages)
    draft.upstream["model"] = context.model_sent
    if texts:
        draft.upstream["instructions"] = "\n\n".join(texts)
    draft.upstream["input"] = None
    parameters.independent(draft)
    tools = tools_of(request, defined, draft)
    if tools is not None:
        _write_tools(draft, tools)
    emulate_stops(draft)
    parameters.token_limit(draft)
    write_hints(draft, request, is_marked=conversation.is_marked or defined.is_marked)
    options = reply_options(draft.client, tools, native_stops=False)
    limit = draft.upstream["max_output_tokens"]
    call_ids = conversation.call_ids
    answers = Answers(options, limit, call_ids, context, report)
    calls = partial(message_with_calls, options, call_ids, limit, context)
    written = partial(joined, "input", conversation.sent, encode)
    return answers.to(draft.upstream, written, fold_replies, CallsInEvents, decode_text, calls)
