"""The messages client's paths of parameters that one of OpenAI's endpoints names in errors."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.shapes import Json
from gateway.translate.parts.from_messages.paths import format_path, parameter_path
from gateway.translate.parts.from_messages.tools import MessagesTools

_INDEXED = re.compile(r"(messages|input|tools)\[([0-9]{1,6})\](.*)", re.DOTALL)
_STEP = re.compile(r"\w+")
_OF_A_SOURCE = (".image_url", ".file", ".detail")
_TITLES = (".file.filename", ".filename")


class Origin(Protocol):
    """Where a message or an item that was sent came from in the client's request."""

    def client_path(self, rest: str) -> str:
        """Return the client's path of the field that is at `rest` below the message or item."""


@dataclass(frozen=True, slots=True)
class SentNames:
    """The endpoint's names for the parts of a messages request."""

    conversation: str
    """The parameter with the conversation."""
    limits: frozenset[str]
    form: tuple[str, str]
    """The parameter with the output's format, and the field in it that has the client's fields."""
    system: str = ""
    """The parameter with the instructions; empty: they are in the conversation."""


CHAT = SentNames(
    "messages",
    frozenset({"max_tokens", "max_completion_tokens"}),
    ("response_format", "json_schema"),
)
RESPONSES = SentNames("input", frozenset({"max_output_tokens"}), ("text", "format"), "instructions")


@dataclass(slots=True)
class ClientPaths:
    """Finds the client's paths of upstream parameters."""

    names: SentNames
    client: Json
    origins: Sequence[Origin]
    tools: MessagesTools

    def of(self, param: str) -> str | None:
        """Return the client's path of an upstream parameter; None if it has none."""
        indexed = _INDEXED.fullmatch(param)
        if indexed is not None and indexed[1] == "tools":
            return self.tools.client_path(int(indexed[2]), indexed[3].removeprefix(".function"))
        if indexed is not None and indexed[1] == self.names.conversation:
            index = int(indexed[2])
            if index >= len(self.origins):
                return "messages"
            return self._known(self.origins[index].client_path(indexed[3]))
        root, _, rest = param.partition(".")
        return self._of_parameter(root, rest)

    def _known(self, path: str) -> str:
        """Return a path without `text` if the block has no such field: documents become texts."""
        if not path.endswith(".text"):
            return path
        found: Any = self.client
        for step in _STEP.findall(path):
            is_list = isinstance(found, list)
            found = found[int(step)] if is_list else found.get(step)
        return path if isinstance(found, str) else path.removesuffix(".text")

    def _of_parameter(self, root: str, rest: str) -> str | None:
        names, client = self.names, self.client
        if root == names.conversation:
            return "messages"
        if names.system and root == names.system:
            return "system" if "system" in client else "messages"
        if root in names.limits:
            return "max_tokens"
        holder, inner = names.form
        if root == holder and rest == "verbosity":
            return parameter_path(rest, client)
        if root == holder:
            return format_path(client, rest.removeprefix(inner).removeprefix("."))
        return parameter_path(root, client, rest)


def below_block(path: str, rest: str) -> str:
    """Return the client's path of a field of a part that was made from the block at `path`."""
    if not path.endswith("]"):
        # The whole content is a string, which has no fields.
        return path
    if rest == ".text":
        return f"{path}.text"
    if rest in _TITLES:
        return f"{path}.title"
    return f"{path}.source" if rest.startswith(_OF_A_SOURCE) else path
