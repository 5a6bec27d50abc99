"""The state of a realtime session: its settings, its conversation, and the audio that waits.

Nothing is heard: turn detection is accepted, and never detects any; committed audio has no words.
"""

import base64
from collections.abc import Iterator

from gateway.demo.generation.answer import Json
from gateway.demo.refusals import Refused
from gateway.demo.sockets.connection import LONGEST

_BYTES_PER_MS = 48
_SHORTEST = 100
"""Milliseconds of audio that a commit needs."""
_FORMAT = {"type": "audio/pcm", "rate": 24_000}
_TURN_DETECTION = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}


class RealtimeSession:
    """One session on a model; `number` and `created` are those of its ids and times."""

    def __init__(self, model: str, number: int, created: int) -> None:
        self._number = number
        self._items: list[Json] = []
        self._count = 0
        self._buffered = 0
        self.conversation_id = f"conv_demo{number:08d}"
        self.settings: Json = {
            "type": "realtime",
            "object": "realtime.session",
            "id": f"sess_demo{number:08d}",
            "model": model,
            "output_modalities": ["audio"],
            "instructions": "",
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "truncation": "auto",
            "prompt": None,
            "expires_at": created + int(LONGEST),
            "audio": {
                "input": {
                    "format": _FORMAT,
                    "transcription": None,
                    "noise_reduction": None,
                    "turn_detection": _TURN_DETECTION,
                },
                "output": {"format": _FORMAT, "voice": "marin", "speed": 1.0},
            },
            "include": None,
        }

    @property
    def items(self) -> list[Json]:
        """The conversation."""
        return list(self._items)

    def update(self, changes: Json) -> None:
        """Change the settings; raises `Refused` for another model."""
        own = self.settings["model"]
        if changes.get("model", own) != own:
            raise Refused(
                400,
                "The model of a session cannot be changed.",
                param="session.model",
                code="invalid_value",
            )
        audio = changes.get("audio", {})
        merged = {
            side: {**self.settings["audio"][side], **audio.get(side, {})}
            for side in ("input", "output")
        }
        self.settings = {**self.settings, **changes, "audio": merged}

    def settings_for(self, response: Json) -> Json:
        """Return the settings of a response: the session's, and its own."""
        output = self.settings["audio"]["output"] | response.get("audio", {}).get("output", {})
        return {**self.settings, "metadata": None, **response, "voice": output}

    def append(self, audio: str) -> None:
        """Add audio to what waits."""
        self._buffered += len(base64.b64decode(audio))

    def clear(self) -> None:
        """Drop the audio that waits."""
        self._buffered = 0

    def commit(self) -> Json:
        """Make an item of the audio that waits; raises `Refused` if it is too short."""
        length = self._buffered / _BYTES_PER_MS
        if length < _SHORTEST:
            raise Refused(
                400,
                "Error committing input audio buffer: buffer too small. Expected at least"
                f" {_SHORTEST}ms of audio, but buffer only has {length:.2f}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        words = f"[{self._buffered} bytes of audio]"
        self._buffered = 0
        part = {"type": "input_audio", "transcript": words}
        return self._own({"type": "message", "role": "user", "content": [part]})

    def item(self, given: Json) -> Json:
        """Return a client's item as the server has it; raises `Refused` if its id is taken."""
        if any(item["id"] == given.get("id") for item in self._items):
            raise Refused(
                400,
                f"Item with item_id already exists: {given['id']}",
                param="item.id",
                code="invalid_value",
            )
        return self._own(given)

    def _own(self, given: Json) -> Json:
        self._count += 1
        known_as = given.get("id") or f"item_demo{self._number:08d}_in{self._count}"
        return {**given, "id": known_as, "object": "realtime.item", "status": "completed"}

    def add(self, item: Json, after: str | None = None) -> str | None:
        """Add an item, last or after another one; return the id of the one before it.

        `root` is before all. Raises `Refused` if the other one does not exist.
        """
        if after is None:
            place = len(self._items)
        else:
            place = 0 if after == "root" else self._place(after, "previous_item_id") + 1
        before = self._items[place - 1]["id"] if place else None
        self._items.insert(place, item)
        return before

    def retrieve(self, known_as: str) -> Json:
        """Return an item; raises `Refused`."""
        return self._items[self._place(known_as, "item_id")]

    def delete(self, known_as: str) -> None:
        """Remove an item; raises `Refused`."""
        del self._items[self._place(known_as, "item_id")]

    def _place(self, known_as: str, param: str) -> int:
        places: Iterator[int] = (n for n, item in enumerate(self._items) if item["id"] == known_as)
        for place in places:
            return place
        raise Refused(
            400,
            f"The conversation has no item with id '{known_as}'.",
            param=param,
            code="item_not_found",
        )
