"""One whole chat message put together from the deltas of a stream."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from gateway.shapes import Json
from gateway.translate.parts.content.texts import is_part, is_text, text_of, thinking_of
from gateway.translate.parts.tools.calls import call_id_from
from gateway.translate.responses_via_chat.deltas.call_in_pieces import CallInPieces
from gateway.translate.responses_via_chat.deltas.call_tracking import CallTracker
from gateway.translate.responses_via_chat.deltas.delta import (
    CallFragment,
    call_fragment,
    calls_of,
    old_calls_of,
)
from gateway.translate.responses_via_chat.deltas.reasoning_fields import merge
from gateway.translate.stream.folding.fields import add_delta

_NESTED = frozenset({"function", "custom"})
_NAME_AND_TEXT = frozenset({"index", "id", "name", "arguments", "input"})


class _Call(CallInPieces):
    """A call, with the further fields that its server gives it."""

    def __init__(self) -> None:
        super().__init__()
        self._beside: Json = {}

    def note(self, piece: Json) -> None:
        """Take the fields of a piece of the call other than id, name and text."""
        more: Json = {}
        for name, value in piece.items():
            is_nested = name in _NESTED and isinstance(value, dict)
            kept = _without(value, _NAME_AND_TEXT) if is_nested else value
            if name not in _NAME_AND_TEXT and kept not in (None, "", {}):
                more[name] = kept
        merge(self._beside, more)

    def build(self, call_id: str, *, truncated: bool) -> Json:
        """Return the whole call; `truncated`: a limit or a failure has cut it short."""
        text = self.text
        if not truncated and not self.is_free_text and not text:
            text = "{}"
        kind, field = ("custom", "input") if self._custom else ("function", "arguments")
        inner = {"name": self.name or self.likely_name, field: text, **self._beside.get(kind, {})}
        beside = _without(self._beside, _NESTED)
        return {"id": call_id, **beside, "type": kind, kind: inner}


def _without(fields: Json, names: Collection[str]) -> Json:
    return {name: value for name, value in fields.items() if name not in names}


class FoldedMessage:
    """The message of one choice; `tools` are the names of the tools that the model can call.

    Its methods raise `UpstreamError` for calls that cannot be distinguished.
    """

    def __init__(self, tools: Collection[str]) -> None:
        self._fields: Json = {"role": "assistant", "content": None}
        self._parts: list[Any] = []
        self._calls = CallTracker[_Call](tools)
        self._old_calls = CallTracker[_Call](tools)

    def add(self, delta: Mapping[str, Any], *, whole: bool) -> None:
        """Add a delta; `whole`: it was a message, so that its calls may have come before."""
        fields = dict(delta)
        self._call(self._calls, calls_of(fields), whole=whole)
        self._call(self._old_calls, old_calls_of(fields), whole=whole)
        fields = _without(fields, ("tool_calls", "function_call"))
        content = fields.pop("content", None)
        if isinstance(content, list):
            self._add_parts(content)
        elif content and isinstance(content, str):
            self._add_parts([{"type": "text", "text": content}])
        elif content is not None:
            self._fields["content"] = content
        add_delta(self._fields, fields)

    def build(self, reply_id: object, *, truncated: bool) -> Json:
        """Return the message, at the end of the stream; `truncated`: it was cut short.

        Calls without ids of their own get one that is derived from `reply_id`.
        """
        message = dict(self._fields)
        if self._parts:
            texts = all(map(is_text, self._parts))
            message["content"] = text_of(self._parts) if texts else self._parts
        for calls in (self._calls, self._old_calls):
            calls.finish(_Call, truncated=truncated)
        made: list[Json] = []
        used: set[str] = set()
        for place, call in enumerate(self._calls.begun):
            call_id = call.call_id
            if not call_id or call_id in used:
                call_id = call_id_from(f"{reply_id} {place} {call.name} {call.text}")
            used.add(call_id)
            made.append(call.build(call_id, truncated=truncated))
        if made:
            message["tool_calls"] = made
        for call in self._old_calls.begun[:1]:
            message["function_call"] = call.build("", truncated=truncated)["function"]
        return message

    def _call(self, tracker: CallTracker[_Call], pieces: list[Any], *, whole: bool) -> None:
        fragments: list[CallFragment] = [call_fragment(piece) for piece in pieces]
        if whole:
            calls = tracker.take_whole(fragments, _Call)
        else:
            calls = [tracker.take(fragment, _Call) for fragment in fragments]
        for call, piece in zip(calls, pieces, strict=True):
            call.note(piece)

    def _add_parts(self, parts: list[Any]) -> None:
        """Add parts of the content; a text is appended to the text before it."""
        for part in parts:
            last = self._parts[-1] if self._parts else None
            for kind, joined in _JOINED.items():
                if is_part(part, kind) and is_part(last, kind):
                    self._parts[-1] = joined([last, part])
                    break
            else:
                self._parts.append(part)


def _text(parts: list[Any]) -> Json:
    return {**parts[0], **parts[1], "text": text_of(parts)}


def _thinking(parts: list[Any]) -> Json:
    text = {"type": "text", "text": thinking_of(parts)}
    return {**parts[0], **parts[1], "thinking": [text]}


_JOINED: Mapping[str, Callable[[list[Any]], Json]] = {"text": _text, "thinking": _thinking}
