"""The sources of chat messages in the client's request, for errors that name them."""

import re

import msgspec

from gateway.translate.parts.from_messages.client_paths import below_block

_PART = re.compile(r"\.content\[([0-9]{1,6})\](.*)", re.DOTALL)
_CALL = re.compile(r"\.tool_calls\[([0-9]{1,6})\](.*)", re.DOTALL)
_REASONING = (".reasoning", ".thinking")
"""The beginnings of the names of all fields in which servers put reasoning."""
_CALL_FIELDS = {".id": ".id", ".function.name": ".name", ".function.arguments": ".input"}


class Origin(msgspec.Struct, gc=False):
    """The source of a chat message: the client's paths of its parts and calls."""

    path: str
    """The path of the message, or of the block that the whole message was made from."""
    parts: list[str] = []
    """The path of the block that each part of its content was made from."""
    calls: list[str] = []
    """The path of the block that each of its calls was made from."""
    reasoning: list[str] = []
    """The paths of the blocks that its reasoning was made from."""
    is_result: bool = False
    """Whether the message is the result of a call."""

    def client_path(self, rest: str) -> str:
        """Return the client's path for `messages[i]` followed by `rest`."""
        part, call = _PART.match(rest), _CALL.match(rest)
        if part is not None and int(part[1]) < len(self.parts):
            return below_block(self.parts[int(part[1])], part[2])
        if call is not None and int(call[1]) < len(self.calls):
            return self.calls[int(call[1])] + _CALL_FIELDS.get(call[2], "")
        if rest.startswith(".tool_calls") and self.calls:
            return self.calls[0]
        if rest.startswith(_REASONING) and self.reasoning:
            return self.reasoning[0]
        if self.is_result:
            return f"{self.path}.tool_use_id" if rest == ".tool_call_id" else self.path
        if rest.startswith(".content") and len(self.parts) == 1:
            return self.parts[0]
        return f"{self.path}.role" if rest == ".role" and self.path != "system" else self.path
