"""The sources of input items in the client's request, for errors that name them."""

import re
from collections.abc import Mapping

import msgspec

from gateway.translate.parts.from_messages.client_paths import below_block

_PART = re.compile(r"\.(?:content|output)\[([0-9]{1,6})\](.*)", re.DOTALL)


class Origin(msgspec.Struct, gc=False):
    """The source of an input item: the client's paths of its parts and fields."""

    path: str
    parts: list[str] = []
    """The path of the block that each part of its content or output was made from."""
    fields: Mapping[str, str] = {}
    """The client's field, below `path`, for each field of the item."""

    def client_path(self, rest: str) -> str:
        """Return the client's path for `input[i]` followed by `rest`."""
        part = _PART.match(rest)
        if part is not None and int(part[1]) < len(self.parts):
            return below_block(self.parts[int(part[1])], part[2])
        name = rest.removeprefix(".")
        if name in self.fields:
            return f"{self.path}.{self.fields[name]}"
        if name.startswith(("content", "output")) and len(self.parts) == 1:
            return self.parts[0]
        return self.path
