"""The messages of a messages request as input items, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.messages_via_responses.assistant import AssistantItems
from gateway.translate.messages_via_responses.origins import Origin
from gateway.translate.parts.from_messages.content import BlockReader, Placed, text_alone
from gateway.translate.parts.from_messages.deferred import ToolChanges, callable_tools, tool_changes
from gateway.translate.parts.from_messages.forms import RESPONSES
from gateway.translate.parts.from_messages.results import result_parts
from gateway.translate.parts.from_messages.system import system_texts
from gateway.translate.parts.from_messages.turns import Block, Turn, hoisted, turns_of
from gateway.translate.parts.messages.late_system import marked
from gateway.translate.parts.tools.calls import bounded_call_id, responses_call_output

_MESSAGE: Mapping[str, str] = {"role": "role"}
_OUTPUT: Mapping[str, str] = {"call_id": "tool_use_id"}


class Conversation:
    """The instructions and the input items, with the origin of each item."""

    def __init__(self, context: Context, report: Report) -> None:
        self.instructions = ""
        self.items: list[Json] = []
        self.origins: list[Origin] = []
        self.prefill: Sequence[str] = ()
        """The paths of the assistant's last messages, which the model is to continue."""
        self.changes = ToolChanges()
        """What it says of the tools."""
        self._before_prefill = 0
        self._context = context
        self._report = report
        self._reader = BlockReader(RESPONSES, context, report)
        self._said = self._reader
        """Reads what the assistant has said, who needs not be told of tools."""

    def write(self, client: Json) -> None:
        """Write the messages of a checked request; raises `UnsupportedParameter`."""
        self.changes = tool_changes(client["messages"])
        self._reader = replace(self._reader, tools=callable_tools(client, self.changes))
        turns = turns_of(client["messages"], self._context, self._report)
        if self._context.late_system == "hoist":
            turns = hoisted(turns, self._report)
        leading = [text for text, _ in system_texts(client, self._context, self._report)]
        if turns and turns[0].role == "system":
            leading += [placed.part["text"] for placed in self._parts(turns.pop(0).blocks)]
        self.instructions = "\n\n".join(leading)
        for turn in turns:
            if turn.role == "user":
                self._user(turn)
            elif turn.role == "assistant":
                self._assistant(turn, is_last=turn is turns[-1])
            else:
                self._late_system(turn)

    def drop_prefill(self) -> None:
        """Leave out the last message of the assistant."""
        del self.items[self._before_prefill :], self.origins[self._before_prefill :]

    def _late_system(self, turn: Turn) -> None:
        able, parts = self._context.capabilities, self._parts(turn.blocks)
        if self._context.late_system == "keep":
            role = "developer" if able.developer_role else "system"
            self._message(role, parts, turn.path)
            return
        if not parts:
            return
        self._report.change(f"{turn.path}.role", "system", "user")
        text = marked("\n\n".join(placed.part["text"] for placed in parts))
        self._message("user", [Placed(RESPONSES.text(text), parts[0].path)], turn.path)

    def _user(self, turn: Turn) -> None:
        for block in turn.results:
            parts = result_parts(block.json, block.path, self._reader)
            call_id = bounded_call_id(block.json["tool_use_id"])
            item = responses_call_output("function", _content(parts), call_id)
            self.items.append(item)
            self.origins.append(Origin(block.path, [part.path for part in parts], _OUTPUT))
        self._message("user", self._parts(turn.others), turn.path)

    def _assistant(self, turn: Turn, *, is_last: bool) -> None:
        first = len(self.items)
        written = AssistantItems(self._context, self._report, self._said)
        for block in turn.blocks:
            written.read(block)
        written.finish()
        self.items += written.items
        self.origins += written.origins
        if is_last and written.items:
            self.prefill, self._before_prefill = turn.messages, first

    def _parts(self, blocks: list[Block]) -> list[Placed]:
        placed: list[Placed] = []
        for block in blocks:
            text, path = text_alone(block.json), block.path
            if text is None:
                placed += self._reader.parts(block.json, path)
            else:
                placed.append(Placed(RESPONSES.text(text), path))
        return placed

    def _message(self, role: str, parts: list[Placed], path: str) -> None:
        """Add a message; where roles must alternate, the parts may go into the last one."""
        if not parts:
            return
        last = self.items[-1] if self.items else {}
        if (
            role == last.get("role") == "user"
            and not self._context.capabilities.assistants_in_a_row
        ):
            if isinstance(last["content"], str):
                last["content"] = [RESPONSES.text(last["content"])]
            last["content"] += [placed.part for placed in parts]
            self.origins[-1].parts += [placed.path for placed in parts]
            return
        content = _content(parts) if role == "user" else [placed.part for placed in parts]
        self.items.append({"type": "message", "role": role, "content": content})
        self.origins.append(Origin(path, [placed.path for placed in parts], _MESSAGE))


def _content(parts: list[Placed]) -> str | list[Json]:
    """Return parts, or the text of a single one."""
    if not parts:
        return ""
    text = parts[0].text if len(parts) == 1 else None
    return [placed.part for placed in parts] if text is None else text
