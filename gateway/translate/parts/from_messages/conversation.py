"""The messages of a messages request, turn by turn, for one of OpenAI's endpoints."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Generic, Protocol, TypeVar

from gateway.shapes import Json
from gateway.texts import in_system_tags
from gateway.translate.contract import Context, Report
from gateway.translate.parts.from_messages.blocks.compaction import since_summary
from gateway.translate.parts.from_messages.blocks.content import BlockReader, Placed, text_alone
from gateway.translate.parts.from_messages.blocks.forms import PartForms
from gateway.translate.parts.from_messages.deferred import ToolChanges, callable_tools, tool_changes
from gateway.translate.parts.from_messages.system import system_texts
from gateway.translate.parts.from_messages.turns import Block, Turn, hoisted, turns_of


class _OfParts(Protocol):
    """Where a message that is sent came from."""

    parts: list[str]
    """The client's path of the block that each part of the content was made from."""


_Origin = TypeVar("_Origin", bound=_OfParts)


class Conversation(ABC, Generic[_Origin]):
    """Writes a conversation: the messages or items to send, and the origin of each."""

    forms: ClassVar[PartForms]

    def __init__(self, context: Context, report: Report) -> None:
        self.sent: list[Json] = []
        self.origins: list[_Origin] = []
        self.prefill: Sequence[str] = ()
        """The paths of the assistant's last messages, which the model is to continue."""
        self.changes = ToolChanges()
        """The changes of tools within the conversation."""
        self._before_prefill = 0
        self._context = context
        self._report = report
        self._reader = BlockReader(self.forms, context, report)
        self._content_reader = self._reader
        """Reads the assistant's content, for which it does not matter which tools there are."""

    def write(self, client: Json) -> None:
        """Write the messages of a checked request; raises `UnsupportedParameter`."""
        self.changes = tool_changes(client["messages"])
        self._reader = replace(self._reader, tools=callable_tools(client, self.changes))
        turns = turns_of(client["messages"], self._context, self._report)
        turns = list(since_summary(turns, self._context, self._report))
        if self._context.late_system == "hoist":
            turns = hoisted(turns, self._report)
        leading = [
            Placed(self.forms.text(text), path)
            for text, path in system_texts(client, self._context, self._report)
        ]
        if turns and turns[0].role == "system":
            leading += self._parts(turns.pop(0).blocks)
        if leading:
            self._lead(leading)
        for turn in turns:
            if turn.role == "user":
                self._user(turn)
            elif turn.role == "system":
                self._late_system(turn)
            else:
                before = len(self.sent)
                self._assistant(turn)
                if turn is turns[-1] and len(self.sent) > before:
                    self.prefill, self._before_prefill = turn.messages, before

    def drop_prefill(self) -> None:
        """Leave out the assistant's last messages."""
        del self.sent[self._before_prefill :], self.origins[self._before_prefill :]

    @property
    @abstractmethod
    def _system_role(self) -> str:
        """The role of a system message within the conversation."""

    @abstractmethod
    def _lead(self, texts: list[Placed]) -> None:
        """Write the instructions that open the conversation."""

    @abstractmethod
    def _user(self, turn: Turn) -> None:
        """Write a turn of the user: first its results of calls, then all else."""

    @abstractmethod
    def _assistant(self, turn: Turn) -> None:
        """Write a turn of the assistant."""

    @abstractmethod
    def _add(self, role: str, parts: list[Placed], path: str) -> None:
        """Add a message with these parts, of which there is at least one."""

    def _late_system(self, turn: Turn) -> None:
        parts = self._parts(turn.blocks)
        if self._context.late_system == "keep":
            self._say(self._system_role, parts, turn.path)
            return
        if not parts:
            return
        self._report.change(f"{turn.path}.role", "system", "user")
        text = in_system_tags("\n\n".join(placed.part["text"] for placed in parts))
        self._say("user", [Placed(self.forms.text(text), parts[0].path)], turn.path)

    def _parts(self, blocks: list[Block]) -> list[Placed]:
        placed: list[Placed] = []
        for block in blocks:
            text, path = text_alone(block.json), block.path
            if text is None:
                placed += self._reader.parts(block.json, path)
            else:
                placed.append(Placed(self.forms.text(text), path))
        return placed

    def _say(self, role: str, parts: list[Placed], path: str) -> None:
        """Add a message; if roles must alternate, its parts may go into the message before."""
        if not parts:
            return
        last = self.sent[-1] if self.sent else {}
        alternates = not self._context.capabilities.roles_in_a_row
        if alternates and role == last.get("role") == "user":
            if isinstance(last["content"], str):
                last["content"] = [self.forms.text(last["content"])]
            last["content"] += [placed.part for placed in parts]
            self.origins[-1].parts += [placed.path for placed in parts]
        else:
            self._add(role, parts, path)


def content_of(parts: list[Placed]) -> str | list[Json]:
    """Return parts as content; a single text becomes a string."""
    text = parts[0].text if len(parts) == 1 else None
    return [placed.part for placed in parts] if text is None else text
