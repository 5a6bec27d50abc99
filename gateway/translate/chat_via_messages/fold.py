"""One message, event by event, as the deltas of one chat message."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.chat_via_messages.request import PreparedRequest
from gateway.translate.chat_via_responses.output.call_text import CallText
from gateway.translate.chat_via_responses.output.reading import an_object, string
from gateway.translate.chat_via_responses.output.reasoning import FIELDS
from gateway.translate.contract import Context, check_reply_length
from gateway.translate.parts.finish_reasons import native_word
from gateway.translate.parts.messages.stop_reasons import chat_reason
from gateway.translate.parts.to_messages.calls import arguments_of
from gateway.translate.parts.to_messages.counts import Counts
from gateway.translate.parts.to_messages.ending import Ending
from gateway.translate.parts.to_messages.unplaced import has_place
from gateway.translate.parts.tools.call_faults import check_arguments
from gateway.translate.parts.tools.calls import minted_call_id
from gateway.translate.parts.tools.custom import unwrapped_input
from gateway.translate.parts.upstream_errors import nameless_call
from gateway.translate.stream.messages.block_order import BlockOrder
from gateway.translate.stream.stops import StopScanner


class _OpenCall:
    """A call whose block is open; the input of a custom tool is shown once it is whole."""

    def __init__(self, index: int, name: str, given: object, *, is_custom: bool) -> None:
        self.index = index
        self.name = name
        self.given = given
        """The input in the event that begins the block, for a block without pieces."""
        self.is_custom = is_custom
        self.text = CallText()


class MessageFold:
    """Takes the events of one message, and returns the deltas of one chat message."""

    def __init__(self, request: PreparedRequest, context: Context) -> None:
        self._tools = request.tools
        self._report = request.report
        self._fields = FIELDS[context.settings.reasoning_out]
        self._scanner = StopScanner(request.stops)
        self._order = BlockOrder()
        self._context = context
        self._calls = 0
        self._call_ids: set[str] = set()
        self._call: _OpenCall | None = None
        self._is_passed_over = False
        """Whether chat has no place for the open block."""
        self._thinking_blocks = 0
        """How many blocks of thinking have begun."""
        self._separator = ""
        """The text to put before the next piece of thinking."""
        self._kept = 0
        self._ending = Ending(self._report)
        self._has_text = False
        self.counts = Counts()
        self.finish_reason: str | None = None
        """Chat's finish reason; None: the message has not ended."""
        self.native_word: str | None = None
        """The upstream's own finish reason, if it says more than chat's."""
        self.is_cut = False
        """Whether the gateway has cut the message at a stop sequence."""

    def feed(self, event: Json) -> list[Json]:
        """Take one event; raises `UpstreamError` for an unreadable one.

        After the end of the message, events are ignored, except for their usage.
        """
        self.counts.take(event)
        if self.finish_reason is not None:
            return []
        return [delta for each in self._order.take(event) for delta in self._read(each)]

    def _read(self, event: Json) -> list[Json]:
        kind = event.get("type")
        read = self._readers.get(kind) if isinstance(kind, str) else None
        return [] if read is None or self.finish_reason is not None else read(self, event)

    def _begin(self, event: Json) -> list[Json]:
        block = an_object(event, "content_block")
        kind = block.get("type")
        self._is_passed_over = not has_place(block)
        ended = self._end_call()
        if kind == "text":
            return ended + self._say(string(block, "text"))
        if kind == "thinking":
            self._separator = "\n\n" if self._thinking_blocks else ""
            return ended + self._think(string(block, "thinking"))
        return ended + (self._call_tool(block) if kind == "tool_use" else [])

    def _add(self, event: Json) -> list[Json]:
        delta = an_object(event, "delta")
        if self._is_passed_over:
            return []
        kind = delta.get("type")
        if kind == "text_delta":
            return self._say(string(delta, "text"))
        if kind == "thinking_delta":
            return self._think(string(delta, "thinking"))
        return self._pass(string(delta, "partial_json")) if kind == "input_json_delta" else []

    def _end_call(self, *, truncated: bool = False) -> list[Json]:
        """End the open call; without pieces it has the input that it began with, or none.

        This happens when the next block begins, not when the call's block ends, because `truncated`
        is known only after that.
        """
        call, self._call = self._call, None
        if call is None:
            return []
        if not call.text.text and (call.given or not truncated):
            call.text.open(arguments_of(call.given))
        call.text.end(truncated=truncated)
        deltas = self._rest_of(call, truncated=truncated)
        for text in call.text.other_calls(truncated=truncated):
            other, opened = self._open(call.name, "", text)
            other.text.complete(text, item_is_done=True)
            other.text.end(truncated=truncated)
            deltas += [*opened, *self._rest_of(other, truncated=truncated)]
        return deltas

    def _rest_of(self, call: _OpenCall, *, truncated: bool) -> list[Json]:
        """Return the rest of a whole call; raises `UpstreamError` if it is only half a call."""
        if not call.is_custom:
            return self._arguments(call, call.text.next_text())
        text = call.text.text
        if not truncated:
            check_arguments(call.name, text, wrapped=True)
        fields = {"input": unwrapped_input(text)}
        return [self._call_delta(call.index, "custom", fields)] if text else []

    def _note(self, event: Json) -> list[Json]:
        self._ending.note(event)
        return []

    def _end(self, _event: Json) -> list[Json]:
        word = self._ending.word(has_output=self._has_text or self._calls > 0)
        reason = chat_reason(word)
        truncated = reason in ("length", "content_filter")
        deltas = self._end_call(truncated=truncated) + self._show(self._scanner.flush())
        if reason == "content_filter":
            deltas.append({"refusal": self._ending.refusal})
        self.finish_reason = reason
        if reason in ("stop", "tool_calls"):
            called = "function_call" if self._tools.legacy else "tool_calls"
            self.finish_reason = called if self._calls else "stop"
        self.native_word = native_word({"finish_reason": word})
        return deltas

    def _say(self, text: str) -> list[Json]:
        self._has_text = self._has_text or bool(text)
        shown = self._show(self._scanner.feed(text))
        if self._scanner.found is not None:
            self.finish_reason, self.is_cut = "stop", True
        return shown

    def _show(self, text: str) -> list[Json]:
        return [{"content": text}] if text else []

    def _think(self, text: str) -> list[Json]:
        if not text:
            return []
        text, self._separator = self._separator + text, ""
        self._thinking_blocks += 1
        return [dict.fromkeys(self._fields, text)] if self._fields else []

    def _call_tool(self, block: Json) -> list[Json]:
        name = string(block, "name")
        if not name:
            raise nameless_call()
        self._call, opened = self._open(name, string(block, "id"), block.get("input"))
        return opened

    def _open(self, name: str, known_id: str, given: object) -> tuple[_OpenCall, list[Json]]:
        """Return a new call, and the delta that announces it."""
        index, self._calls = self._calls, self._calls + 1
        is_custom = name in self._tools.wrapped
        call = _OpenCall(index, name, given, is_custom=is_custom)
        if self._tools.legacy:
            if index:
                # A `function_call` holds only one call.
                self._report.drop("tool_calls")
                return call, []
            return call, [{"function_call": {"name": name, "arguments": ""}}]
        is_new = known_id and known_id not in self._call_ids
        call_id = known_id if is_new else minted_call_id(self._context)
        self._call_ids.add(call_id)
        kind, field = ("custom", "input") if is_custom else ("function", "arguments")
        opened = {"index": index, "id": call_id, "type": kind, kind: {"name": name, field: ""}}
        return call, [{"tool_calls": [opened]}]

    def _pass(self, piece: str) -> list[Json]:
        call = self._call
        if call is None:
            raise UpstreamError(
                "The upstream's stream has the arguments of a tool call that is not open. "
                "Retry the request."
            )
        self._kept += len(piece)
        check_reply_length(self._kept, "max_completion_tokens")
        call.text.go_on(piece)
        return [] if call.is_custom else self._arguments(call, call.text.next_text())

    def _arguments(self, call: _OpenCall, text: str) -> list[Json]:
        if not text or (self._tools.legacy and call.index):
            return []
        if self._tools.legacy:
            return [{"function_call": {"arguments": text}}]
        return [self._call_delta(call.index, "function", {"arguments": text})]

    def _call_delta(self, index: int, kind: str, fields: Json) -> Json:
        return {"tool_calls": [{"index": index, kind: fields}]}

    _readers: ClassVar[Mapping[str, Callable[["MessageFold", Json], list[Json]]]] = {
        "content_block_start": _begin,
        "content_block_delta": _add,
        "message_delta": _note,
        "message_stop": _end,
    }
    """The methods by event type; chat has no place for the content of other events."""
