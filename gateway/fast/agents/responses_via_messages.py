"""Agents' responses requests at a messages endpoint.

The conversation and functions are written here; the parameters, and tools of other kinds, by the
generic path, from a request with another conversation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from msgspec import Raw

from gateway.fast.agents.about_tools import about_tools, choice_of
from gateway.fast.agents.answered import Answered, known_of
from gateway.fast.agents.codec import AgentRequest, ClientParam
from gateway.fast.agents.messages_writer import (
    Block,
    Content,
    MessagesWriter,
    TextBlock,
    Tool,
    ToolUse,
    content_of,
    custom_tool_use,
    is_blank,
    is_said,
    picture,
    schema_of,
    sent_with,
    tool_use,
)
from gateway.fast.agents.raw import is_text, text
from gateway.fast.agents.response_tools import Function, Functions, functions_in, is_function
from gateway.fast.agents.responses_items import (
    AnyText,
    CustomCall,
    CustomOutput,
    FunctionCall,
    FunctionOutput,
    Image,
    InputText,
    Message,
    OutputText,
    Part,
    Reasoning,
    TypedItem,
    read_parts,
)
from gateway.fast.agents.responses_requests import (
    ResponsesRequest,
    others,
)
from gateway.fast.agents.uncommon import Uncommon
from gateway.fast.codec import ABSENT, Absent, EncodedRequest, encode
from gateway.fast.responses_via_messages import response_of
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.pair import PairTranslation
from gateway.translate.parts.messages.signatures import open_sealed
from gateway.translate.responses_via_messages.reply import fold_replies, new_stream
from gateway.translate.responses_via_messages.request import PreparedRequest, prepare

_THINKING = ("thinking", "redacted_thinking")
_TEXTS = frozenset({InputText, OutputText, AnyText})
_STAND_IN: list[Json] = [{"role": "user", "content": "-"}]
_STAND_IN_CALL: list[Json] = [
    *_STAND_IN,
    {"type": "function_call", "call_id": "-", "name": "-", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "-", "output": "-"},
]
_STAND_IN_TOOL: Json = {"type": "function", "name": "-", "strict": False}


class _Conversation:
    """Writes items as turns; raises one of `UNCOMMON`."""

    def __init__(self, context: Context, report: Report) -> None:
        self.writer = MessagesWriter()
        self._context = context
        self._report = report
        self._blocks: list[Block] = []
        """Those of the assistant's turn that is open."""
        self._thinking: list[str] = []
        """The paths of thinking in it."""
        self._calls: dict[str, str] = {}
        """The ids of its calls as sent, by the client's."""
        self._thinks_first = False
        self._alone: list[str] = []
        """The paths of thinking that is all of its turn."""

    def write(self, given: str | Sequence[TypedItem]) -> None:
        """Write the input."""
        if not isinstance(given, str):
            self._write_items(given)
        elif not is_blank(given):
            self.writer.user(given)

    def _write_items(self, items: Sequence[TypedItem]) -> None:
        answer = self.writer.result
        for position, item in enumerate(items):
            if type(item) is FunctionCall:
                self._call(item, tool_use(item.call_id, item.name, item.arguments))
            elif type(item) is FunctionOutput or type(item) is CustomOutput:
                if self._blocks:
                    self._close()
                output = item.output
                content = output if is_said(output) else self._output(output, position)
                answer(item.call_id, content)
            elif type(item) is Message:
                self._message(item, position)
            elif type(item) is Reasoning:
                self._reasoning(item, f"input[{position}]")
            elif type(item) is CustomCall:
                self._call(item, custom_tool_use(item.call_id, item.name, item.input))
            else:
                raise Uncommon
        self._close()
        for path in self._alone:
            self._report.drop(path)

    def _message(self, item: Message, position: int) -> None:
        role = item.role
        if item.phase is not None:
            self._report.drop(f"input[{position}].phase")
        blocks = self._said(item.content, position, "content", takes_images=role == "user")
        if role == "assistant":
            self._blocks += blocks
            return
        self._close()
        if not blocks:
            return
        if role == "user":
            self.writer.user(content_of(blocks))
        else:
            self.writer.instruct(blocks)

    def _reasoning(self, item: Reasoning, path: str) -> None:
        """Add the thinking that this gateway has sealed for the server; other reasoning goes."""
        _check_reasoning(item)
        sealed = item.encrypted_content
        block = open_sealed(sealed, "", self._context) if sealed else None
        if block is None or block.get("type") not in _THINKING:
            self._report.drop(path)
            return
        self._thinks_first = self._thinks_first or not self._blocks
        self._blocks.append(block)
        self._thinking.append(path)

    def _call(self, item: FunctionCall | CustomCall, use: ToolUse) -> None:
        call_id = item.call_id
        if item.namespace is not None or call_id in self._calls:
            raise Uncommon
        self._calls[call_id] = use.id
        self._blocks.append(use)

    def _output(self, given: Raw, position: int) -> Content | None:
        """Return an output as the content of a result; None: there is nothing in it."""
        if is_text(given):
            return None if is_blank(given) else given
        blocks = self._said(read_parts(given), position, "output", takes_images=True)
        return content_of(blocks) if blocks else None

    def _said(
        self, content: str | Sequence[Part], position: int, name: str, *, takes_images: bool
    ) -> list[Block]:
        if isinstance(content, str):
            return [] if is_blank(content) else [TextBlock(content)]
        blocks: list[Block] = []
        for index, part in enumerate(content):
            if type(part) is Image and takes_images:
                path = f"input[{position}].{name}[{index}]"
                if part.detail not in (None, "auto"):
                    self._report.drop(f"{path}.detail")
                blocks.append(picture(text(part.image_url), f"{path}.image_url", self._context))
            elif type(part) in _TEXTS and not isinstance(part, Image):
                said = part.text
                if is_said(said) or not is_blank(text(said)):
                    blocks.append(TextBlock(said))
            else:
                raise Uncommon
        return blocks

    def _close(self) -> None:
        """End the assistant's turn; one of nothing but thinking is left out."""
        blocks = self._blocks
        if not blocks:
            return
        if len(blocks) == len(self._thinking):
            self._alone += self._thinking
        else:
            self.writer.assistant(content_of(blocks), self._calls, thinks=self._thinks_first)
        self._blocks, self._calls = [], {}
        if self._thinking:
            self._thinking = []
            self._thinks_first = False


def _check_reasoning(item: Reasoning) -> None:
    """Raise `Uncommon` unless the parts of reasoning are texts."""
    for part in (*(item.content or ()), *(item.summary or ())):
        if isinstance(part, Image):
            raise Uncommon
        text(part.text)


@dataclass(slots=True)
class _Request(Answered, PreparedRequest):
    client_name: ClientParam


def encode_agents(request: ResponsesRequest, context: Context) -> AgentRequest:
    """Return the messages request for an agent's responses request; raises one of `UNCOMMON`."""
    report = Report(Shape.RESPONSES, Shape.MESSAGES, items=context.items)
    conversation = _Conversation(context, report)
    writer, rest = conversation.writer, others(request)
    if request.instructions is not None:
        rest["instructions"] = request.instructions
        if not is_blank(request.instructions):
            writer.instruct([TextBlock(request.instructions)])
    conversation.write(request.input)
    functions, tools = _functions(request, context, report)
    rest |= {"tools": [_STAND_IN_TOOL], **choice_of(request)} if tools else about_tools(request)
    rest["input"] = _STAND_IN_CALL if writer.ends_in_calls else _STAND_IN
    prepared = prepare(rest, context, report)
    if writer.has_calls and not prepared.tool_paths:
        # Tools of earlier calls that the request does not define have to be found.
        raise Uncommon
    prepared.call.pop("system", None)
    sent = sent_with(writer.written(), prepared.call, tools)
    encoded = EncodedRequest(encode(sent), prepared.call["max_tokens"])
    folding = partial(_folding, prepared, functions, context, report)
    decode = None if prepared.compacts else partial(_decode_reply, prepared, functions, context)
    return AgentRequest(encoded, report, folding, decode_reply=decode)


def _decode_reply(
    prepared: PreparedRequest, functions: Functions | None, context: Context, body: bytes
) -> bytes | None:
    if functions is None:
        return response_of(body, prepared.client, partial(is_function, prepared.names), context)
    said, repeated = functions.repeated()
    client = {**prepared.client, **said}
    return response_of(body, client, functions.is_function, context, tools=repeated)


def _functions(
    request: ResponsesRequest, context: Context, report: Report
) -> tuple[Functions | None, Sequence[Tool]]:
    """Return the functions, and as they are sent; none: the generic path has to look at them."""
    functions = functions_in(request, context.capabilities)
    if functions is None:
        return None, ()
    takes_strict = context.capabilities.strict_tools
    for index, tool in enumerate(functions.given):
        if tool.strict and not takes_strict:
            report.drop(f"tools[{index}].strict")
    return functions, [_sent(each, takes_strict=takes_strict) for each in functions.sent]


def _sent(function: Function, *, takes_strict: bool) -> Tool:
    strict: bool | Absent = True if function.strict is True and takes_strict else ABSENT
    sent = schema_of(function.parameters)
    return Tool(function.name, function.description, sent, strict)


def _folding(
    prepared: PreparedRequest,
    functions: Functions | None,
    context: Context,
    report: Report,
    client_name: ClientParam,
) -> Translation:
    """Return the translation of the replies, which repeat the functions."""
    known = known_of(prepared)
    if functions is not None:
        known |= {"client": {**prepared.client, **functions.client}, "names": functions.names}
    answered = _Request(**known, client_name=client_name)
    fold, stream = partial(fold_replies, report=report), partial(new_stream, report=report)
    return PairTranslation(answered, context, report, fold, stream)
