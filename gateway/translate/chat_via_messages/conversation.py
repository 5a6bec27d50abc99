"""The messages of a chat request as the turns of a messages conversation."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import ClassVar

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.contract import Context, Report, unsupported
from gateway.translate.parts.to_messages.blocks import (
    cached,
    chat_blocks,
    mark_last,
    text_block,
)
from gateway.translate.parts.to_messages.calls import text_result, tool_result, tool_use
from gateway.translate.parts.to_messages.conversation import Block, Call, Turn
from gateway.translate.parts.tools.custom import wrapped_input
from gateway.translate.parts.tools.unnamed_calls import UnnamedCalls
from gateway.translate.schema.chat_messages import CUSTOM_CALL, FUNCTION_CALL, MESSAGES, TOOL_CALL
from gateway.translate.schema.checks import Anything, OneOf, Record
from gateway.translate.schema.unknown_fields import carry_unknown

_CALL_KIND = OneOf("function", "custom")
_FUNCTIONS_FIELDS = {"content": "content"}
_RESULT_FIELDS = {"tool_use_id": "tool_call_id", **_FUNCTIONS_FIELDS}
_CACHED = {"cache_control": Anything()}
_MESSAGES: Mapping[str, Record] = {
    role: Record({**_CACHED, **known.fields}) for role, known in MESSAGES.items()
}
_TOOL_CALL = Record({**_CACHED, **TOOL_CALL.fields})


@cache
def _fields_of_use(below: str, given: str) -> Mapping[str, str]:
    of_call = {"name": f"{below}name", "input": f"{below}{given}"}
    # A `function_call` has no id.
    return {"id": "id", **of_call} if below else of_call


def turns_of(messages: Sequence[Json], context: Context, report: Report) -> list[Turn]:
    """Return the turns that checked chat messages make, in order.

    Raises `InvalidRequest` where calls and results do not match, and `UnsupportedParameter` for
    content that messages do not have, both naming `messages[i]…`.
    """
    reader = _Reader(context, report)
    for position, message in enumerate(messages):
        reader.read(message, position)
    reader.check_answered()
    return reader.turns


class _Reader:
    """Reads message after message, and keeps track of the calls without results."""

    def __init__(self, context: Context, report: Report) -> None:
        self.turns: list[Turn] = []
        self._context = context
        self._report = report
        self._waiting: dict[str, list[Call]] = {}
        """Calls without a result by the client's ids, which some servers repeat."""
        self._calls = UnnamedCalls()
        """Makes the ids of calls that have none, and finds the calls that results belong to."""

    def read(self, message: Json, position: int) -> None:
        """Read one message."""
        path, role = f"messages[{position}]", message["role"]
        self._readers[role](self, message, path, position)
        if "name" in message and role != "function":
            self._report.drop(f"{path}.name")
        known = _MESSAGES[role]
        if not known.names.issuperset(message):
            carry_unknown(message, known, path, self._context, self._report)

    def check_answered(self) -> None:
        """Raise `InvalidRequest` if a call has no result, which Anthropic refuses, too."""
        for call_id, calls in self._waiting.items():
            raise InvalidRequest(
                "An assistant message with 'tool_calls' must be followed by tool messages "
                "responding to each 'tool_call_id'. There is no response to "
                f"'{call_id[:100]}'.",
                param=calls[0].block.path,
                code="invalid_value",
            )

    def _instruct(self, message: Json, path: str, _position: int) -> None:
        self._turn("system", message, path)

    def _user(self, message: Json, path: str, _position: int) -> None:
        self._turn("user", message, path)

    def _turn(self, role: str, message: Json, path: str) -> Turn:
        content = message.get("content")
        turn = Turn(role, path, chat_blocks(content, path, self._context, self._report))
        mark_last(turn.blocks, message)
        self.turns.append(turn)
        return turn

    def _assistant(self, message: Json, path: str, position: int) -> None:
        if "audio" in message:
            reason = "the model is served through the messages endpoint, which takes no audio."
            unsupported(self._context, self._report, f"{path}.audio", reason, droppable=False)
        if message.get("annotations"):
            self._report.drop(f"{path}.annotations")
        turn = self._turn("assistant", message, path)
        if "refusal" in message:
            turn.blocks += text_block(message["refusal"], path, "refusal")
        for k, call in enumerate(message.get("tool_calls", ())):
            call_id = self._calls.id_of(call, position, k)
            self._call(turn, call, f"{path}.tool_calls[{k}]", call_id)
        if "function_call" in message:
            call_id = self._calls.id_of_function_call(position)
            place = f"{path}.function_call"
            known = message["function_call"]
            carry_unknown(known, FUNCTION_CALL, place, self._context, self._report)
            self._add(turn, known, place, "", call_id, known["arguments"])
        mark_last(turn.blocks, message)

    def _call(self, turn: Turn, call: Json, path: str, call_id: str) -> None:
        kind = call.get("type", "function")
        if kind not in _CALL_KIND.values:
            kind = _CALL_KIND.accept(kind, f"{path}.type")
        named: Json = call[kind]
        is_function = kind == "function"
        known = FUNCTION_CALL if is_function else CUSTOM_CALL
        if not (_TOOL_CALL.names.issuperset(call) and known.names.issuperset(named)):
            carry_unknown(call, _TOOL_CALL, path, self._context, self._report)
            carry_unknown(named, known, f"{path}.{kind}", self._context, self._report)
        text = named["arguments"] if is_function else wrapped_input(named["input"])
        block = self._add(turn, named, path, f"{kind}.", call_id, text)
        if "cache_control" in call or "prompt_cache_breakpoint" in call:
            block.sent |= cached(call)

    def _add(
        self, turn: Turn, named: Json, path: str, below: str, call_id: str, text: str
    ) -> Block:
        """Add a call; `below` is the beginning of its fields' client paths, below `path`."""
        fields = _fields_of_use(below, "arguments" if "arguments" in named else "input")
        param = f"{path}.{fields['input']}"
        sent = tool_use(call_id, named["name"], text, param, self._report)
        block = Block(sent, path, fields)
        self._waiting.setdefault(call_id, []).append(turn.call(block))
        return block

    def _tool(self, message: Json, path: str, _position: int) -> None:
        self._result(message, path, self._calls.answered_by_tool(message, path))

    def _function(self, message: Json, path: str, _position: int) -> None:
        self._result(message, path, self._calls.answered_by_function(path))

    def _result(self, message: Json, path: str, call_id: str) -> None:
        calls = self._waiting.pop(call_id, None)
        if calls is None:
            raise InvalidRequest(
                f"Invalid '{path}': messages with the role 'tool' must be a response to a "
                f"preceding message with 'tool_calls', and none has the id '{call_id[:100]}'.",
                param=f"{path}.tool_call_id",
                code="invalid_value",
            )
        call, *others = calls
        if others:
            self._waiting[call_id] = others
        content = message.get("content", "")
        fields = _RESULT_FIELDS if "tool_call_id" in message else _FUNCTIONS_FIELDS
        if isinstance(content, str):
            call.output = text_result(call_id, content, path, fields)
        else:
            blocks = chat_blocks(content, path, self._context, self._report)
            call.output = tool_result(call_id, blocks, path, fields)
        call.output.sent |= cached(message)

    _readers: ClassVar[Mapping[str, Callable[["_Reader", Json, str, int], None]]] = {
        "system": _instruct,
        "developer": _instruct,
        "user": _user,
        "assistant": _assistant,
        "tool": _tool,
        "function": _function,
    }
