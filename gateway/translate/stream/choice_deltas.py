"""One choice of a chat stream: its deltas, and whole messages in place of deltas.

Some servers answer a stream request with one event that is a whole `chat.completion`. MiniMax and
others end a stream of deltas with a message that repeats all of them (GoModel#1068,
hermes-browser-extension#11). Of such a message, only what no delta had is taken.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from zlib import crc32

import msgspec

from gateway.shapes import Json
from gateway.translate.parts.content.texts import (
    REASONING_FIELDS,
    other_parts,
    refusal_of,
    text_of,
    thinking_of,
)
from gateway.translate.stream.text_prefix import TextPrefix

_CALLS: Final = frozenset({"tool_calls", "function_call"})
"""Fields with calls. Which of a message's calls repeat earlier ones is decided elsewhere."""

_IN_PIECES = frozenset({"reasoning_details", "thinking_blocks", "extra_content"})
"""Fields whose entries come in pieces, so that a message's entries cannot be compared with them."""
_THINKING = "thinking"
_OF_CALLS = frozenset({"index", "id", "type", "function", "custom", "name", "arguments"})


def is_whole(piece: Json) -> bool:
    """Whether `ChoiceDeltas.take` has made a choice from a whole message.

    A null is not one: programs in Go and pydantic's servers write it where a chunk has no message.
    """
    return isinstance(piece.get("message"), dict)


class ChoiceDeltas:
    """What one choice has sent so far."""

    __slots__ = ("_digests", "_has_deltas", "_seen", "_texts")

    def __init__(self) -> None:
        self._texts: dict[str, TextPrefix] = {}
        self._seen: set[str] = set()
        """The fields sent so far that are not texts."""
        self._digests: set[tuple[str, int]] = set()
        """Digests of the entries of lists, and of the fields of calls other than their texts."""
        self._has_deltas = False

    def take(self, choice: Json) -> Sequence[Json]:
        """Return a choice of an event as choices with a delta: two if it has a delta and a message.

        A choice made from a message keeps the `message`: its calls are whole, and may be known.
        """
        message, delta = choice.get("message"), choice.get("delta")
        if isinstance(delta, dict) and delta:
            self._note(delta)
            if not self._has_deltas:
                self._has_deltas = any(map(delta.get, delta.keys() - {"role"}))
        if not isinstance(message, dict):
            return (choice,)
        whole = {**choice, "delta": self._unsent(message)}
        if "content" in self._texts and whole["delta"].get("content") != message.get("content"):
            # The logprobs are those of the whole text, of which only a part is left.
            whole["logprobs"] = None
        self._note(whole["delta"])
        if not isinstance(delta, dict) or not delta:
            return (whole,)
        first = {name: value for name, value in choice.items() if name != "message"}
        return {**first, "finish_reason": None}, {**whole, "logprobs": None}

    def _add(self, name: str, text: str) -> None:
        if text:
            known = self._texts.get(name)
            if known is None:
                known = self._texts[name] = TextPrefix()
            known.add(text)

    def _note(self, delta: Json) -> None:
        for name, value in delta.items():
            if isinstance(value, str):
                self._add(name, value)
            elif isinstance(value, list):
                self._note_list(name, value)
            elif isinstance(value, dict) and name not in _CALLS:
                self._seen.add(name)
                for key, inner in value.items():
                    if isinstance(inner, str):
                        self._add(f"{name}.{key}", inner)
            elif value is not None:
                self._seen.add(name)

    def _note_list(self, name: str, entries: list[Any]) -> None:
        if name == "content":
            self._add(name, text_of(entries))
            self._add(_THINKING, thinking_of(entries))
            self._add("refusal", refusal_of(entries))
            self._digests |= _digests(name, other_parts(entries))
        elif name == "tool_calls":
            for call in entries:
                self._digests |= _digests_of_call(call)
        else:
            self._seen.add(name)
            self._digests |= _digests(name, entries)

    def _unsent(self, message: Json) -> Json:
        """Return the part of a message that has not been sent, as a delta."""
        delta: Json = {}
        for name, value in message.items():
            if name in _CALLS:
                delta[name] = self._new_calls(name, value)
            elif isinstance(value, str):
                known_as = self._name_of(name)
                delta[name if known_as == _THINKING else known_as] = self._rest(known_as, value)
            elif isinstance(value, list):
                is_content = name == "content"
                delta[name] = self._parts(value) if is_content else self._entries(name, value)
            elif name == "audio" and isinstance(value, dict):
                delta[name] = {key: self._inner(name, key, each) for key, each in value.items()}
            else:
                delta[name] = None if name in self._seen else value
        return {name: value for name, value in delta.items() if value not in (None, "", [])}

    def _new_calls(self, name: str, calls: object) -> object:
        if name != "tool_calls" or not isinstance(calls, list):
            return calls
        return [self._call(call, place) for place, call in enumerate(calls)]

    def _name_of(self, name: str) -> str:
        """Return the name under which a text has been sent: reasoning has several."""
        if name in REASONING_FIELDS and name not in self._texts:
            return next((other for other in REASONING_FIELDS if other in self._texts), name)
        return name

    def _rest(self, name: str, whole: str) -> str:
        sent = self._texts.get(name)
        if sent is None or not (self._has_deltas or sent.begins(whole)):
            # The server sends messages in place of deltas, each with one piece.
            return whole
        return sent.rest_of(whole)

    def _inner(self, name: str, key: str, value: object) -> object:
        if isinstance(value, str):
            return self._rest(f"{name}.{key}", value)
        return None if name in self._seen else value

    def _parts(self, parts: list[Any]) -> list[Any]:
        thinking = self._rest(self._name_of(_THINKING), thinking_of(parts))
        text = self._rest("content", text_of(parts))
        unsent: list[Any] = [{"type": "thinking", "thinking": thinking}] if thinking else []
        unsent += [{"type": "text", "text": text}] if text else []
        refusal = self._rest("refusal", refusal_of(parts))
        unsent += [{"type": "refusal", "refusal": refusal}] if refusal else []
        return unsent + self._entries("content", other_parts(parts))

    def _entries(self, name: str, entries: list[Any]) -> list[Any]:
        if name in _IN_PIECES:
            return [] if name in self._seen else entries
        return [each for each in entries if self._digests.isdisjoint(_digests(name, [each]))]

    def _call(self, call: object, place: int) -> object:
        """Return a call as a piece of one, without fields that have been sent, texts excepted."""
        if not isinstance(call, dict):
            return call
        kept = {
            name: value
            for name, value in call.items()
            if name in _OF_CALLS or _digest(name, value) not in self._digests
        }
        return {"index": place, **kept}


def _digests_of_call(call: object) -> set[tuple[str, int]]:
    others = call.keys() - _OF_CALLS if isinstance(call, dict) else ()
    return {_digest(name, call[name]) for name in others} if isinstance(call, dict) else set()


def _digests(name: str, entries: Iterable[object]) -> set[tuple[str, int]]:
    return {_digest(name, each) for each in entries}


def _digest(name: str, value: object) -> tuple[str, int]:
    """Return a digest of a field's value, leaving out the `index` that an entry has in a stream."""
    if isinstance(value, dict):
        value = {key: each for key, each in value.items() if key != "index"}
    return name, crc32(msgspec.json.encode(value, order="sorted"))
