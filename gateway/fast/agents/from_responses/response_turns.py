"""The items of agents' responses requests as chat messages."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Raw

from gateway.fast.agents.exchanges import IN_CHAT
from gateway.fast.agents.from_responses import responses_items as items
from gateway.fast.agents.from_responses.chat_forms import (
    Custom,
    CustomCall,
    Function,
    FunctionCall,
    Message,
    Output,
)
from gateway.fast.agents.from_responses.joined_users import joined_users
from gateway.fast.agents.from_responses.leading_system import merge_leading
from gateway.fast.agents.from_responses.response_contents import (
    Content,
    Text,
    TextPart,
    content_of,
    reasoning_parts,
    says,
    single,
    texts_of,
)
from gateway.fast.agents.from_responses.responses_items import Part, TypedItem, read_parts
from gateway.fast.agents.messages_writer import is_blank, is_said
from gateway.fast.agents.raw import decoded, is_text, text
from gateway.fast.agents.uncommon import Uncommon
from gateway.fast.codec import encode
from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.tools.calls import NOTHING
from gateway.translate.parts.tools.custom import wrapped_input
from gateway.translate.parts.tools.namespaces import FlatNames
from gateway.translate.responses_via_chat.deltas.reasoning_fields import TEXT_FIELDS, merge
from gateway.translate.responses_via_chat.input.returned import put_reasoning, returned_reasoning
from gateway.translate.responses_via_chat.input.turn import SYSTEM_ROLES
from gateway.translate.responses_via_chat.tools.client_tools import CLIENT_CALLS
from gateway.translate.schema.responses_input import ITEMS


class TurnWriter:
    """Writes messages one after another; raises `Uncommon` for items that it does not take.

    The assistant's items are one message until its next message, or an item of somebody else.
    """

    def __init__(self, context: Context, report: Report) -> None:
        self._context = context
        self._able = context.capabilities
        self._in_a_row = self._able.roles_in_a_row
        self._report = report
        self._messages: list[object] = []
        self._waiting: dict[str, int] = {}
        """The places that are kept for the outputs of calls, by the ids of the calls."""
        self._turn: Json | None = None
        """The open message of the assistant."""
        self._calls: list[FunctionCall | CustomCall] = []
        """The calls of the open message."""
        self._reasoned: list[str] = []
        """The paths of the open message's reasoning."""
        self._with_reasoning: list[Json] = []
        """Messages whose reasoning is still to be put where the server expects it."""

    def messages(self, instructions: str | None, given: str | Sequence[TypedItem]) -> list[object]:
        """Return the messages of a request, in order; tuples are pieces (`exchanges.py`)."""
        if instructions:
            self._messages.append(Message(self._able.system_role, instructions))
        if isinstance(given, str):
            self._messages.append(Message("user", given))
        else:
            self._write(given)
        self._flush()
        if self._waiting or not self._messages:
            raise Uncommon
        for message in self._with_reasoning:
            if isinstance(message["content"], Raw):
                message["content"] = decoded(message["content"])
            put_reasoning(message, self._context, self._report)
        if not self._able.multi_system:
            merge_leading(self._messages)
        return self._messages if self._in_a_row else joined_users(self._messages)

    def _write(self, given: Sequence[TypedItem]) -> None:
        """Write the items."""
        writers, asked = self._writers, None
        for position, item in enumerate(given):
            if asked is not None:
                call, asked = asked, None
                if type(item) is items.FunctionOutput and self._exchange(call, item):
                    continue
                self._call(call, position)
            if type(item) is items.FunctionCall and self._turn is None:
                asked = item
            else:
                writers[type(item)](self, item, position)
        if asked is not None:
            self._call(asked, len(given))

    def _exchange(self, call: items.FunctionCall, output: items.FunctionOutput) -> bool:
        """Add a call that is a turn, and its output, if that is a text; return whether it is."""
        call_id, arguments, result = call.call_id, call.arguments, output.output
        if output.call_id != call_id or call_id in self._waiting or call.namespace is not None:
            return False
        if self._able.reasoning_required or not (is_said(arguments) and is_text(result)):
            return False
        a, b, c, d, e, f = IN_CHAT
        name, given = encode(call.name), encode(call_id)
        self._messages.append((a, given, b, name, c, arguments, d, given, e, result, f))
        return True

    def _message(self, item: items.Message, position: int) -> None:
        content = item.content
        if item.phase is not None:
            self._report.drop(f"input[{position}].phase")
        said: Text | None
        parts: Sequence[Part] = ()
        if isinstance(content, str):
            said = content
        else:
            said, parts = single(content), content
        if item.role != "assistant":
            self._tell(item.role, said, parts, position)
        elif said is None:
            self._say_parts(parts)
        else:
            self._say(said)

    def _tell(self, role: str, said: Text | None, parts: Sequence[Part], position: int) -> None:
        """Add a message of anyone but the assistant; `said` is its text, if it is only one."""
        if self._turn is not None:
            self._flush()
        if role == "developer" and not self._able.developer_role:
            role = "system"
        sent: Content
        if said is None:
            path, images = f"input[{position}].content", role not in SYSTEM_ROLES
            sent = content_of(parts, path, self._report, images=images)
        else:
            sent = said
        self._messages.append(Message(role, sent))

    def _say(self, said: Text) -> None:
        """Add a text of the assistant to the open message, or begin another."""
        new, turn = says(said), self._turn
        if turn is not None and (self._calls or (new and self._in_a_row and _has_text(turn))):
            self._flush()
            turn = None
        if turn is None:
            self._turn = {"role": "assistant", "content": said if new else ""}
        elif new:
            if _has_text(turn):
                raise Uncommon
            turn["content"] = said
        elif turn["content"] is None:
            turn["content"] = ""

    def _say_parts(self, parts: Sequence[Part]) -> None:
        """Add a message of several texts, which stay parts; only where roles need not alternate."""
        texts = texts_of(parts)
        if len(texts) < 2:
            self._say(texts[0] if texts else "")
            return
        if not self._in_a_row:
            raise Uncommon
        self._say(texts[0])
        self._assistant()["content"] = list(map(TextPart, texts))

    def _assistant(self) -> Json:
        if self._turn is None:
            self._turn = {"role": "assistant", "content": None}
        return self._turn

    def _call(self, item: items.FunctionCall, position: int) -> None:  # noqa: ARG002
        arguments = item.arguments
        if not is_text(arguments):
            raise Uncommon
        name = item.name if item.namespace is None else _flat(item.namespace, item.name)
        self._add_call(item.call_id, name, NOTHING if is_blank(arguments) else arguments)

    def _add_call(self, call_id: str, name: str, arguments: Text) -> None:
        if self._turn is None:
            self._turn = {"role": "assistant", "content": None}
        self._calls.append(FunctionCall(call_id, "function", Function(name, arguments)))

    def _custom_call(self, item: items.CustomCall, position: int) -> None:  # noqa: ARG002
        given = text(item.input)
        name = item.name if item.namespace is None else _flat(item.namespace, item.name)
        if not self._able.custom_tools:
            self._add_call(item.call_id, name, wrapped_input(decoded(given)))
            return
        self._assistant()
        self._calls.append(CustomCall(item.call_id, "custom", Custom(name, given)))

    def _shell_call(self, item: items.ShellCall, position: int) -> None:
        """Add a call of `local_shell`, which the generic path writes as one of a function."""
        call: Json = {"type": _SHELL_CALL, "call_id": item.call_id, "action": item.action}
        checked = ITEMS[_SHELL_CALL].accept(call, f"input[{position}]")
        tool = CLIENT_CALLS[_SHELL_CALL]
        self._add_call(item.call_id, tool.kind, tool.arguments(checked))

    def _output(self, item: items.FunctionOutput | items.CustomOutput, position: int) -> None:
        call_id, turn, calls = item.call_id, self._turn, self._calls
        content: Content = item.output
        if not is_text(item.output):
            path, images = f"input[{position}].output", self._able.tool_image_parts
            content = content_of(read_parts(item.output), path, self._report, images=images)
        if turn is not None and len(calls) == 1 and calls[0].id == call_id not in self._waiting:
            # The only call, and its output: no place needs to be kept.
            self._close(turn)
            self._messages.append(Output(call_id, content))
            return
        if turn is not None:
            self._flush()
        place = self._waiting.pop(call_id, None)
        if place is None:
            raise Uncommon
        self._messages[place] = Output(call_id, content)

    def _reason(self, item: items.Reasoning, position: int) -> None:
        """Add reasoning that the server takes to the open message, or begin one."""
        path = f"input[{position}]"
        thought: Json = {
            "content": reasoning_parts(item.content or ()),
            "summary": reasoning_parts(item.summary or ()),
            "encrypted_content": item.encrypted_content,
        }
        back = returned_reasoning(thought, path, self._context, self._report)
        if back.calls or back.goes_on:
            raise Uncommon
        if not back.message:
            return
        turn = self._turn
        has_content = turn is not None and (bool(self._calls) or turn["content"] is not None)
        if back.has_text and has_content and (self._in_a_row or self._calls):
            self._flush()
        turn = self._assistant()
        self._reasoned.append(path)
        for name, value in back.message.items():
            is_more = name in TEXT_FIELDS and isinstance(value, str) and name in turn
            merge(turn, {name: f"\n\n{value}" if is_more else value})

    def _pass_over(self, item: items.AdditionalTools, position: int) -> None:
        """Add nothing for an item that only declares tools."""

    def _flush(self) -> None:
        """Close the open message; one with only reasoning is dropped."""
        turn, calls = self._turn, self._calls
        if turn is None:
            return
        if self._waiting and not calls:
            raise Uncommon  # a text between calls and their outputs
        if not calls and turn["content"] is None:
            for path in self._reasoned:
                self._report.drop(path)
            self._turn, self._reasoned = None, []
            return
        self._close(turn)
        for call in calls:
            if call.id in self._waiting:
                raise Uncommon
            self._waiting[call.id] = len(self._messages)
            self._messages.append(None)

    def _close(self, turn: Json) -> None:
        """Add the open message, with its calls."""
        self._turn = None
        self._messages.append(turn)
        if self._reasoned or (self._calls and self._able.reasoning_required):
            self._with_reasoning.append(turn)
            self._reasoned = []
        if self._calls:
            turn["tool_calls"] = self._calls
            self._calls = []

    _writers: ClassVar[Mapping[type[TypedItem], Callable[["TurnWriter", Any, int], None]]] = {
        items.Message: _message,
        items.FunctionCall: _call,
        items.FunctionOutput: _output,
        items.CustomCall: _custom_call,
        items.CustomOutput: _output,
        items.Reasoning: _reason,
        items.ShellCall: _shell_call,
        items.AdditionalTools: _pass_over,
    }


_SHELL_CALL = "local_shell_call"
_flat = FlatNames().flat


def _has_text(turn: Json) -> bool:
    """Whether a message of the assistant has any text so far."""
    content = turn["content"]
    return bool(content) and (type(content) is not Raw or says(content))
