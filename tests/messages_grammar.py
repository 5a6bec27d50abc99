"""The grammar of a stream of messages events, as an automaton, and the message that one makes.

Both are written from Anthropic's documentation and SDKs, and use nothing of the gateway's.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

Event = dict[str, Any]

BLOCKS: dict[str, Event] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}
"""How blocks begin that come in pieces; of `tool_use` id and name differ."""

DELTAS = {
    "text": {"text_delta": "text", "citations_delta": "citation"},
    "thinking": {"thinking_delta": "thinking", "signature_delta": "signature"},
    "tool_use": {"input_json_delta": "partial_json"},
    "server_tool_use": {"input_json_delta": "partial_json"},
}
"""The deltas of each type of block, and their fields; all other blocks come whole."""

STOP_REASONS = {
    *("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"),
    "model_context_window_exceeded",
}
COUNTS = (
    *("input_tokens", "output_tokens"),
    *("cache_creation_input_tokens", "cache_read_input_tokens"),
)


class Automaton:
    """Reads the events of one stream; raises `AssertionError` with the first that does not fit."""

    def __init__(self) -> None:
        self._event: Event = {}
        self._state = "new"
        self._blocks: list[Event] = []
        self._open = False
        self._inputs: list[str] = []
        self.message: Event = {}
        """The message that the events make."""

    @property
    def ended(self) -> str:
        """How the stream has ended: `message_stop`, `error`, or not at all."""
        return self._state if self._state in ("message_stop", "error") else ""

    def read(self, event: Event) -> None:
        """Take the next event."""
        self._event = event
        self._fits(not self.ended, "after the end")
        kind = event.get("type")
        self._fits(self._state != "new" or kind == "message_start", "before message_start")
        readers = {
            "message_start": self._start,
            "content_block_start": self._block_start,
            "content_block_delta": self._block_delta,
            "content_block_stop": self._block_stop,
            "message_delta": self._delta,
            "message_stop": self._stop,
            "ping": lambda: self._has("type"),
            "error": self._error,
        }
        self._fits(kind in readers, "unknown type")
        readers[str(kind)]()

    def _start(self) -> None:
        self._has("type", "message")
        self._fits(self._state == "new", "second message_start")
        message = self._event["message"]
        fields = {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"}
        self._fits(fields <= message.keys(), "fields are missing")
        self._fits((message["type"], message["role"]) == ("message", "assistant"), "no message")
        self._fits(isinstance(message["id"], str) and message["id"] != "", "no id")
        self._fits(isinstance(message["model"], str), "no model")
        self._fits(message["content"] == [], "content at the start")
        self._fits(message["stop_reason"] is None, "stop_reason at the start")
        self._fits(message["stop_sequence"] is None, "stop_sequence at the start")
        self._usage(message["usage"], required=("input_tokens", "output_tokens"))
        self.message = {**message, "content": self._blocks, "usage": {**message["usage"]}}
        self._state = "content"

    def _block_start(self) -> None:
        self._has("type", "index", "content_block")
        self._fits(self._state == "content", "block behind the message_delta")
        self._fits(not self._open, "blocks overlap")
        self._fits(self._event["index"] == len(self._blocks), "wrong index")
        block = self._event["content_block"]
        kind = block["type"]
        if kind in BLOCKS:
            begun = {name: value for name, value in block.items() if value is not None}
            self._fits(begun == BLOCKS[kind], "block that begins with something in it")
        elif kind == "tool_use":
            self._fits(block.keys() >= {"type", "id", "name", "input"}, "fields are missing")
            self._fits(bool(block["id"] and block["name"]), "no id, or no name")
            self._fits(block["input"] == {}, "input at the start")
        elif kind == "redacted_thinking":
            self._fits(bool(block["data"]), "no data")
        self._open = True
        self._blocks.append(dict(block))
        self._inputs.append("")

    def _block_delta(self) -> None:
        self._has("type", "index", "delta")
        self._fits(self._open, "delta without a block")
        self._fits(self._event["index"] == len(self._blocks) - 1, "wrong index")
        block, delta = self._blocks[-1], self._event["delta"]
        field = DELTAS.get(block["type"], {}).get(delta["type"])
        self._fits(field is not None, "delta of another type of block")
        assert field is not None
        self._fits(delta.keys() == {"type", field}, "fields of the delta")
        value = delta[field]
        self._fits(not block.get("signature"), "delta behind the signature")
        if field == "citation":
            block["citations"] = [*(block.get("citations") or ()), value]
            return
        self._fits(isinstance(value, str), "not a string")
        if field == "partial_json":
            self._inputs[-1] += value
        elif field == "signature":
            self._fits(value != "", "empty signature")
            block["signature"] = value
        else:
            block[field] += value

    def _block_stop(self) -> None:
        self._has("type", "index")
        self._fits(self._open, "end without a block")
        self._fits(self._event["index"] == len(self._blocks) - 1, "wrong index")
        self._open = False
        block = self._blocks[-1]
        if block["type"] == "thinking":
            self._fits(bool(block["signature"]), "thinking without a signature")
        elif block["type"] == "text":
            self._fits(bool(block["text"]), "empty text")
        elif "input" in block:
            block["input"] = self._inputs[-1]

    def _delta(self) -> None:
        self._has("type", "delta", "usage")
        self._fits(self._state in ("content", "message_delta"), "no message")
        self._fits(not self._open, "open block")
        delta = self._event["delta"]
        self._fits({"stop_reason", "stop_sequence"} <= delta.keys(), "fields are missing")
        self._fits(delta["stop_reason"] in STOP_REASONS, "unknown stop_reason")
        named = delta["stop_sequence"] is not None
        self._fits(named == (delta["stop_reason"] == "stop_sequence"), "stop_sequence")
        details = delta.get("stop_details")
        self._fits(details is None or delta["stop_reason"] == "refusal", "stop_details")
        self._usage(self._event["usage"], required=("output_tokens",))
        self.message |= delta
        self.message["usage"] |= self._event["usage"]
        self._inputs_are_objects(truncated=delta["stop_reason"] not in ("end_turn", "tool_use"))
        self._state = "message_delta"

    def _inputs_are_objects(self, *, truncated: bool) -> None:
        """Read the inputs of calls; those that are cut off stay texts."""
        for block in self._blocks:
            if not isinstance(block.get("input"), str):
                continue
            try:
                block["input"] = json.loads(block["input"] or "{}")
                self._fits(isinstance(block["input"], dict), "input is not an object")
            except ValueError:
                self._fits(truncated, "input is not JSON")

    def _stop(self) -> None:
        self._has("type")
        self._fits(self._state == "message_delta", "no message_delta")
        self._state = "message_stop"

    def _error(self) -> None:
        self._fits({"type", "error"} <= self._event.keys(), "fields are missing")
        error = self._event["error"]
        self._fits(isinstance(error.get("type"), str), "error without a type")
        self._fits(bool(error.get("message")), "error without a message")
        self._state = "error"

    def _usage(self, usage: Event, required: Sequence[str]) -> None:
        self._fits(set(required) <= usage.keys(), "counts are missing")
        for name in COUNTS:
            count = usage.get(name, 0)
            self._fits(type(count) is int and count >= 0, f"{name} is not a count")

    def _has(self, *fields: str) -> None:
        self._fits(self._event.keys() == set(fields), "fields of the event")

    def _fits(self, condition: bool, why: str) -> None:
        if not condition:
            self._refuse(why)

    def _refuse(self, why: str) -> NoReturn:
        raise AssertionError(f"{why} ({self._state}): {self._event}")


def read_message(events: Iterable[Event]) -> Event:
    """Return the message of a stream that ended well; raises `AssertionError`."""
    automaton = _fed(events)
    assert automaton.ended == "message_stop", "the stream has no message_stop"
    return automaton.message


def read_broken(events: Iterable[Event]) -> Event:
    """Return the error of a stream that ended with one; raises `AssertionError`."""
    known = list(events)
    automaton = _fed(known)
    assert automaton.ended == "error", "the stream has no error event"
    error: Event = known[-1]["error"]
    return error


def check_begun(events: Iterable[Event]) -> None:
    """Check the beginning of a stream; raises `AssertionError`."""
    _fed(events)


def _fed(events: Iterable[Event]) -> Automaton:
    automaton = Automaton()
    for event in events:
        automaton.read(event)
    return automaton
