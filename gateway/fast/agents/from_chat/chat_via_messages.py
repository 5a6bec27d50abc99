"""Agents' chat requests at a messages endpoint.

The conversation and functions are written here; the parameters, and tools of other kinds, by the
generic path, from a request with another conversation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from msgspec import Raw

from gateway.fast.agents.about_tools import about_tools, choice_of, functions_of
from gateway.fast.agents.codec import AgentRequest, ClientParam
from gateway.fast.agents.from_chat.chat_requests import (
    Assistant,
    ChatRequest,
    Developer,
    Function,
    Message,
    Output,
    System,
    TextPart,
    User,
    others,
    read_parts,
    read_tools,
)
from gateway.fast.agents.kept import Kept
from gateway.fast.agents.messages_calls import ToolUse, tool_uses
from gateway.fast.agents.messages_writer import (
    NO_SCHEMA,
    STAND_IN,
    STAND_IN_CALL,
    Block,
    Content,
    MessagesWriter,
    TextBlock,
    Tool,
    WrittenTools,
    are_said,
    content_of,
    is_blank,
    is_said,
    picture,
    schema_of,
    sent_with,
)
from gateway.fast.agents.raw import NULL, is_text, text
from gateway.fast.agents.replies.answered import Answered, known_of
from gateway.fast.agents.uncommon import Uncommon
from gateway.fast.codec import ABSENT, EncodedRequest, encode
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_messages.reply import fold_replies
from gateway.translate.chat_via_messages.request import PreparedRequest, prepare
from gateway.translate.chat_via_messages.stream import ChatStream
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.pair import PairTranslation

_STAND_IN_TOOL: Json = {"type": "function", "function": {"name": "-"}}


class _Conversation:
    """Writes chat messages as turns; raises one of `UNCOMMON`."""

    def __init__(self, context: Context, report: Report) -> None:
        self.writer = MessagesWriter(context.capabilities)
        self._uses: Iterator[ToolUse] = iter(())
        """The calls that are not written yet."""
        self._lone: tuple[list[Block], str, str] | None = None
        """A turn with one call that has no result yet, the call's id, and its id as sent."""
        self._context = context
        self._report = report

    def write(self, messages: Sequence[Message]) -> None:
        """Write the messages."""
        self._uses = _uses_in(messages)
        are_texts = are_said([each.content for each in messages if type(each) is Output])
        for position, message in enumerate(messages):
            if type(message) is Output:
                given = message.content
                content = given if are_texts else self._said(given, position)
                self._answer(message.tool_call_id, content)
            elif self._lone is not None:
                raise Uncommon
            elif type(message) is Assistant:
                self._assistant(message, position)
            elif type(message) is User:
                self._user(message, position)
            else:
                self._instruct(cast("System | Developer", message), position)
            if message.name:
                self._report.drop(f"messages[{position}].name")
            if type(message) is Assistant:
                self._drop_unknown(message, position)
        if self._lone is not None:
            raise Uncommon

    def _instruct(self, message: System | Developer, position: int) -> None:
        texts = self._texts(message.content, position)
        if texts:
            self.writer.instruct(texts)

    def _user(self, message: User, position: int) -> None:
        content = self._said(message.content, position)
        if content is not None:
            self.writer.user(content)

    def _assistant(self, message: Assistant, position: int) -> None:
        content, calls = message.content, message.tool_calls
        if not calls:
            self._say(content, position)
            return
        if content == NULL:
            blocks: list[Block] = []
        elif is_said(content):
            blocks = [TextBlock(content)]
        else:
            blocks = self._texts(content, position)
        if len(calls) == 1:
            use = next(self._uses)
            blocks.append(use)
            self._lone = blocks, calls[0].id, use.id
            return
        sent: dict[str, str] = {}
        for call, use in zip(calls, self._uses, strict=False):
            sent[call.id] = use.id
            blocks.append(use)
        if len(sent) < len(calls):
            raise Uncommon
        self.writer.assistant(blocks, sent)

    def _say(self, content: Raw, position: int) -> None:
        """Add a turn of the assistant without calls."""
        if is_said(content):
            self.writer.assistant(content)
        elif content == NULL:
            raise Uncommon
        elif blocks := self._texts(content, position):
            self.writer.assistant(content_of(blocks))

    def _answer(self, call_id: str, content: Content | None) -> None:
        """Add a result."""
        lone = self._lone
        if lone is None:
            self.writer.result(call_id, content)
            return
        blocks, known_id, sent_id = lone
        if call_id != known_id:
            raise Uncommon
        self._lone = None
        self.writer.answered(blocks, sent_id, content, thinks=False)

    def _drop_unknown(self, message: Assistant, position: int) -> None:
        if message.phase is not None:
            self._report.drop(f"messages[{position}].phase")
        for name in ("reasoning", "reasoning_content"):
            if getattr(message, name):
                self._report.drop(f"messages[{position}].{name}")

    def _texts(self, content: Raw, position: int) -> list[Block]:
        """Return a content that may be text only."""
        blocks = self._blocks(content, position)
        if any(type(block) is not TextBlock for block in blocks):
            raise Uncommon
        return blocks

    def _said(self, content: Raw, position: int) -> Content | None:
        """Return a content; None: there is nothing in it."""
        if is_said(content):
            return content
        if is_text(content):
            return None if is_blank(content) else content
        blocks = self._blocks(content, position)
        return content_of(blocks) if blocks else None

    def _blocks(self, content: Raw, position: int) -> list[Block]:
        if is_text(content):
            return [] if is_blank(content) else [TextBlock(content)]
        blocks: list[Block] = []
        for index, part in enumerate(read_parts(content)):
            if isinstance(part, TextPart):
                if not is_blank(text(part.text)):
                    blocks.append(TextBlock(part.text))
                continue
            path, image = f"messages[{position}].content[{index}].image_url", part.image_url
            if image.detail not in (None, "auto"):
                self._report.drop(f"{path}.detail")
            blocks.append(picture(text(image.url), f"{path}.url", self._context))
        return blocks


def _uses_in(messages: Sequence[Message]) -> Iterator[ToolUse]:
    """Return the calls as blocks; raises one of `UNCOMMON`."""
    calls = [call for each in messages if type(each) is Assistant for call in each.tool_calls or ()]
    return tool_uses(
        [call.id for call in calls],
        [call.function.name for call in calls],
        [call.function.arguments for call in calls],
    )


@dataclass(slots=True)
class _Request(Answered, PreparedRequest):
    client_name: ClientParam


def encode_agents(request: ChatRequest, context: Context) -> AgentRequest:
    """Return the messages request for an agent's chat request; raises one of `UNCOMMON`."""
    report = Report(Shape.CHAT, Shape.MESSAGES)
    conversation = _Conversation(context, report)
    conversation.write(request.messages)
    writer = conversation.writer
    tools = _functions(request, context, report)
    about = {"tools": [_STAND_IN_TOOL], **choice_of(request)} if tools else about_tools(request)
    stand_in = STAND_IN_CALL if writer.ends_in_calls else STAND_IN
    prepared = prepare({**others(request), **about, "messages": stand_in}, context, report)
    if len(prepared.calls) != 1 or (writer.has_calls and not prepared.tools.paths):
        # Tools of earlier calls that the request does not define have to be found.
        raise Uncommon
    call = prepared.calls[0]
    usage = prepared.include_usage if call.get("stream") else None
    return AgentRequest(
        EncodedRequest(encode(sent_with(writer.written(), call, tools)), call["max_tokens"], usage),
        report,
        partial(_folding, prepared, context, report),
        is_common=not (prepared.stops or prepared.tools.wrapped or prepared.tools.legacy),
    )


def _functions(request: ChatRequest, context: Context, report: Report) -> Raw | None:
    """Return the functions to send; None if the generic path has to look at the tools."""
    able, scope = context.capabilities, context.scope
    takes_strict = able.strict_tools
    found = functions_of(request, able, lambda tools: _kept_functions(tools, scope, takes_strict))
    if found is None:
        return None
    for index in found.loosened:
        report.drop(f"tools[{index}].function.strict")
    return found.written


def _read_functions(tools: Raw, takes_strict: bool) -> WrittenTools:
    given = [tool.function for tool in read_tools(tools)]
    sent = [_sent(each, takes_strict=takes_strict) for each in given]
    return WrittenTools.of(sent, [each.strict for each in given], takes_strict=takes_strict)


_kept_functions = Kept(_read_functions)


def _sent(function: Function, *, takes_strict: bool) -> Tool:
    described, parameters = function.description, function.parameters
    return Tool(
        function.name,
        ABSENT if described == NULL else text(described),
        NO_SCHEMA if parameters == NULL else schema_of(parameters),
        True if function.strict and takes_strict else ABSENT,
    )


def _folding(
    prepared: PreparedRequest, context: Context, report: Report, client_name: ClientParam
) -> Translation:
    """Return the translation of the replies."""
    known = known_of(prepared)
    request = _Request(**known, client_name=client_name)
    fold, stream = partial(fold_replies, report=report), partial(ChatStream, report=report)
    return PairTranslation(request, context, report, fold, stream)
