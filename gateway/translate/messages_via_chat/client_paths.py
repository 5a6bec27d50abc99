"""The messages client's paths of parameters that a chat endpoint names in errors."""

import re
from dataclasses import dataclass

import msgspec

from gateway.shapes import Json
from gateway.translate.parts.from_messages.paths import format_path, parameter_path
from gateway.translate.parts.from_messages.tools import MessagesTools

_INDEXED = re.compile(r"(messages|tools)\[([0-9]{1,6})\](.*)", re.DOTALL)
_PART = re.compile(r"\.content\[([0-9]{1,6})\](.*)", re.DOTALL)
_CALL = re.compile(r"\.tool_calls\[([0-9]{1,6})\](.*)", re.DOTALL)
_CALL_FIELDS = {".id": ".id", ".function.name": ".name", ".function.arguments": ".input"}


class Origin(msgspec.Struct, gc=False):
    """Where a chat message comes from: the client's paths of its parts and calls."""

    path: str
    """That of the message, or of the block that all of it was made of."""
    parts: list[str] = []
    """Of the blocks that its content was made of, part by part."""
    calls: list[str] = []
    """Of the blocks that its calls were made of."""
    is_result: bool = False
    """Whether it is the result of a call."""

    def client_path(self, rest: str) -> str:
        """Return the client's path of `messages[i]` + `rest`."""
        part, call = _PART.match(rest), _CALL.match(rest)
        if part is not None and int(part[1]) < len(self.parts):
            return below_block(self.parts[int(part[1])], part[2])
        if call is not None and int(call[1]) < len(self.calls):
            return self.calls[int(call[1])] + _CALL_FIELDS.get(call[2], "")
        if rest.startswith(".tool_calls") and self.calls:
            return self.calls[0]
        if self.is_result:
            return f"{self.path}.tool_use_id" if rest == ".tool_call_id" else self.path
        if rest.startswith(".content") and len(self.parts) == 1:
            return self.parts[0]
        return f"{self.path}.role" if rest == ".role" and self.path != "system" else self.path


def below_block(path: str, rest: str) -> str:
    """Return the client's path of a field of a part that was made of the block at `path`."""
    if not path.endswith("]"):
        # A string for a whole content, which has no fields.
        return path
    if rest == ".text":
        return f"{path}.text"
    if rest == ".file.filename":
        return f"{path}.title"
    return f"{path}.source" if rest.startswith((".image_url", ".file", ".detail")) else path


@dataclass(slots=True)
class ClientPaths:
    """Finds the client's names of what was sent."""

    client: Json
    origins: list[Origin]
    tools: MessagesTools

    def of(self, param: str) -> str | None:
        """Return the client's path of an upstream parameter; None if it has none."""
        indexed = _INDEXED.fullmatch(param)
        if indexed is not None and indexed[1] == "tools":
            rest = indexed[3].removeprefix(".function")
            return self.tools.client_path(int(indexed[2]), rest)
        if indexed is not None:
            index = int(indexed[2])
            known = index < len(self.origins)
            return self.origins[index].client_path(indexed[3]) if known else "messages"
        root, _, rest = param.partition(".")
        if root in ("max_tokens", "max_completion_tokens"):
            return "max_tokens"
        if root == "response_format":
            return format_path(self.client, rest.removeprefix("json_schema").removeprefix("."))
        return parameter_path(root, self.client)
