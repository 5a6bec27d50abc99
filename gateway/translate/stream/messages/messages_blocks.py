"""Blocks of a message's content as a stream builds them.

A block collects its deltas (types `RawContentBlockDelta` of Anthropic's SDKs) until the blocks
before it have ended: blocks may not overlap. A block without content never begins.
"""

import json

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.messages.signatures import PREFIX, pack
from gateway.translate.stream.whole_escapes import WholeEscapes


class Block:
    """One block of content."""

    def __init__(self) -> None:
        self.start: Json | None = None
        """The block as it begins; None: it has not begun, and may never begin."""
        self.deltas: list[Json] = []
        """Deltas that were not sent yet."""
        self.ended = False
        """Whether the event that ends the block was written."""

    @property
    def complete(self) -> bool:
        """Whether the block may end when another one begins."""
        return True

    @property
    def is_cut_off(self) -> bool:
        """Whether the block certainly lacks its end."""
        return False

    def close(self, *, truncated: bool) -> None:
        """Add the last deltas; `truncated`: the block is incomplete. May raise `UpstreamError`."""


class TextBlock(Block):
    """Text, or the text of a refusal."""

    def add(self, text: str) -> None:
        """Add text, which is not empty."""
        if self.start is None:
            self.start = {"type": "text", "text": ""}
        self.deltas.append({"type": "text_delta", "text": text})


class ThinkingBlock(Block):
    """Reasoning, with a signature that carries the fields that its server wants back.

    Reasoning that is not shown is a block with only the signature; if there is no text at all, it
    is a `redacted_thinking` block.
    """

    def __init__(self, context: Context, *, is_shown: bool) -> None:
        super().__init__()
        self._context = context
        self.is_shown = is_shown
        self._shown: list[str] = []

    def add(self, text: str) -> None:
        """Add text, which is not empty."""
        self._begin()
        if self.is_shown:
            self._shown.append(text)
            self.deltas.append({"type": "thinking_delta", "thinking": text})

    def carried(self) -> Json:
        """Return the fields that the signature carries."""
        return {}

    def close(self, *, truncated: bool) -> None:  # noqa: ARG002
        """Sign the block."""
        signature = pack(self.carried(), "".join(self._shown), self._context)
        if self.start is None and signature != PREFIX:
            if self.is_shown:
                self.start = {"type": "redacted_thinking", "data": signature}
                return
            self._begin()
        if self.start is not None:
            self.deltas.append({"type": "signature_delta", "signature": signature})

    def _begin(self) -> None:
        if self.start is None:
            self.start = {"type": "thinking", "thinking": "", "signature": ""}


class ToolUseBlock(Block):
    """A call of one of the client's tools; its input comes as pieces of JSON.

    An input that does not begin as an object is held until its end, when it can be read.
    """

    def __init__(self) -> None:
        super().__init__()
        self._escapes = WholeEscapes()
        self._begun = False
        self._waiting = ""

    def begin(self, call_id: str, name: str) -> None:
        """Begin the block: `name` is the client's name of the tool."""
        self.start = {"type": "tool_use", "id": call_id, "name": name, "input": {}}

    def add_input(self, text: str) -> None:
        """Add a piece of the input."""
        if not self._begun:
            text = self._waiting + text
            self._begun = text.lstrip().startswith("{")
            self._waiting = "" if self._begun else text
        if self._begun:
            self._add(self._escapes.add(text))

    def end_input(self) -> None:
        """Add the rest of the input, which was held because it could have gone on."""
        given = object_in(self._waiting)
        self._add(self._escapes.add(self._waiting if given is None else given))
        self._add(self._escapes.flush())

    def _add(self, text: str) -> None:
        if text:
            self.deltas.append({"type": "input_json_delta", "partial_json": text})


def is_input(text: str) -> bool:
    """Whether a text is the input of a tool: a JSON object, or nothing."""
    try:
        return not text.strip() or isinstance(json.loads(text, parse_constant=_refuse), dict)
    except (ValueError, RecursionError):
        return False


def object_in(text: str) -> str | None:
    """Return the input in the text of a call's arguments; blank: no input; None: not an object.

    A `null` counts as no input, and a string that is the text of an object as that object: some
    models encode it twice (smolagents#1003, quarkus-langchain4j#2569).
    """
    if is_input(text):
        return text
    try:
        given = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    text = "" if given is None else given
    return text if isinstance(text, str) and is_input(text) else None


def check_input(name: str, text: str) -> None:
    """Raise `UpstreamError` if the text of whole arguments is not an input (`object_in`)."""
    if object_in(text) is None:
        raise UpstreamError(
            f"The model called the tool '{name[:100]}' with arguments that are not a JSON object. "
            "Retry the request."
        )


def text_input(text: str) -> str:
    """Return an input that came as the text of an object; empty: there is none.

    Raises `UpstreamError` for any other text.
    """
    if not is_input(text):
        raise UpstreamError(
            "The upstream's reply has a tool call whose input is a text that is not a JSON object. "
            "Retry the request."
        )
    return text if text.strip() else ""


def _refuse(constant: str) -> None:
    raise ValueError(constant)
