"""The messages client's paths of parameters that a responses endpoint names in errors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from gateway.shapes import Json
from gateway.translate.parts.from_messages.paths import format_path, parameter_path
from gateway.translate.parts.from_messages.tools import MessagesTools

_INDEXED = re.compile(r"(input|tools)\[([0-9]{1,6})\](.*)", re.DOTALL)
_PART = re.compile(r"\.(?:content|output)\[([0-9]{1,6})\](.*)", re.DOTALL)
_SOURCE = (".image_url", ".file_data", ".file_url", ".detail")


class Origin(msgspec.Struct, gc=False):
    """Where an input item comes from: the client's paths of its parts and fields."""

    path: str
    parts: list[str] = []
    """Of the blocks that its content or output was made of, part by part."""
    fields: Mapping[str, str] = {}
    """The item's fields, and the client's below `path`."""

    def client_path(self, rest: str) -> str:
        """Return the client's path of `input[i]` + `rest`."""
        part = _PART.match(rest)
        if part is not None and int(part[1]) < len(self.parts):
            return _below_block(self.parts[int(part[1])], part[2])
        name = rest.removeprefix(".")
        if name in self.fields:
            return f"{self.path}.{self.fields[name]}"
        if name.startswith(("content", "output")) and len(self.parts) == 1:
            return self.parts[0]
        return self.path


def _below_block(path: str, rest: str) -> str:
    if not path.endswith("]"):
        # A string for a whole content, which has no fields.
        return path
    if rest == ".text":
        return f"{path}.text"
    if rest == ".filename":
        return f"{path}.title"
    return f"{path}.source" if rest.startswith(_SOURCE) else path


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
            return self.tools.client_path(int(indexed[2]), indexed[3])
        if indexed is not None:
            index = int(indexed[2])
            known = index < len(self.origins)
            return self.origins[index].client_path(indexed[3]) if known else "messages"
        root, _, rest = param.partition(".")
        if root == "input":
            return "messages"
        if root == "instructions":
            return "system" if "system" in self.client else "messages"
        if root == "max_output_tokens":
            return "max_tokens"
        if root == "text":
            return format_path(self.client, rest.removeprefix("format").removeprefix("."))
        return parameter_path(root, self.client)
