"""The messages of a messages request as those of chat, in the order that chat requires."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.messages_via_chat.assistant import AssistantTurn
from gateway.translate.messages_via_chat.origins import Origin
from gateway.translate.parts.from_messages.content import BlockReader, Placed, text_alone
from gateway.translate.parts.from_messages.deferred import ToolChanges, callable_tools, tool_changes
from gateway.translate.parts.from_messages.forms import CHAT
from gateway.translate.parts.from_messages.results import result_parts
from gateway.translate.parts.from_messages.system import system_texts
from gateway.translate.parts.from_messages.turns import Block, Turn, hoisted, turns_of
from gateway.translate.parts.messages.late_system import marked
from gateway.translate.parts.tools.calls import bounded_call_id

_SEE_NEXT = {"image_url": "[image: see next message]", "file": "[file: see next message]"}


class Conversation:
    """Chat messages, with the origin of each."""

    def __init__(self, context: Context, report: Report) -> None:
        self.messages: list[Json] = []
        self.origins: list[Origin] = []
        self.prefill: Sequence[str] = ()
        """The paths of the assistant's last messages, which the model is to continue."""
        self.changes = ToolChanges()
        """What it says of the tools."""
        self._context = context
        self._report = report
        self._reader = BlockReader(CHAT, context, report)
        self._said = self._reader
        """Reads what the assistant has said, who needs not be told of tools."""

    def write(self, client: Json) -> None:
        """Write the messages of a checked request; raises `UnsupportedParameter`."""
        self.changes = tool_changes(client["messages"])
        self._reader = replace(self._reader, tools=callable_tools(client, self.changes))
        turns = turns_of(client["messages"], self._context, self._report)
        if self._context.late_system == "hoist":
            turns = hoisted(turns, self._report)
        leading = system_texts(client, self._context, self._report)
        if turns and turns[0].role == "system":
            first = turns.pop(0)
            leading += [(placed.part["text"], placed.path) for placed in self._parts(first.blocks)]
        if leading:
            self._lead([Placed(CHAT.text(text), path) for text, path in leading])
        for turn in turns:
            if turn.role == "user":
                self._user(turn)
            elif turn.role == "assistant":
                self._assistant(turn, is_last=turn is turns[-1])
            else:
                self._late_system(turn)

    def _lead(self, texts: list[Placed]) -> None:
        """Write the instructions; parts of them only where a server surely takes those there."""
        path = "system" if texts[0].path.startswith("system") else texts[0].path
        if self._context.is_pivot or not self._context.capabilities.multi_system:
            text = "\n\n".join(placed.part["text"] for placed in texts)
            texts = [Placed(CHAT.text(text), path)]
        self._add(self._system_role, texts, path)

    @property
    def _system_role(self) -> str:
        able = self._context.capabilities
        return "developer" if able.developer_role and able.reasoning else "system"

    def _late_system(self, turn: Turn) -> None:
        parts = self._parts(turn.blocks)
        if self._context.late_system == "keep":
            self._add(self._system_role, parts, turn.path)
            return
        if not parts:
            return
        self._report.change(f"{turn.path}.role", "system", "user")
        text = marked("\n\n".join(placed.part["text"] for placed in parts))
        self._add("user", [Placed(CHAT.text(text), parts[0].path)], turn.path)

    def _user(self, turn: Turn) -> None:
        """Write results, then all else: what results cannot hold comes first of that."""
        attached: list[Placed] = []
        for block in turn.results:
            parts = result_parts(block.json, block.path, self._reader)
            content = self._result_content(parts, attached)
            call_id = bounded_call_id(block.json["tool_use_id"])
            self.messages.append({"role": "tool", "tool_call_id": call_id, "content": content})
            paths = [placed.path for placed in parts]
            self.origins.append(Origin(block.path, paths, is_result=True))
        self._add("user", [*attached, *self._parts(turn.others)], turn.path)

    def _result_content(self, parts: list[Placed], attached: list[Placed]) -> str | list[Json]:
        if len(parts) == 1 and (only := parts[0].text) is not None:
            return only
        kept: list[Json] = []
        takes_image = self._context.capabilities.tool_image_parts
        for placed in parts:
            kind = placed.part["type"]
            if kind == "text" or (kind == "image_url" and takes_image):
                kept.append(placed.part)
            else:
                kept.append(CHAT.text(_SEE_NEXT[kind]))
                attached.append(placed)
        if all(part["type"] == "text" for part in kept):
            return "\n".join(part["text"] for part in kept)
        return kept

    def _assistant(self, turn: Turn, *, is_last: bool) -> None:
        written = AssistantTurn(self._context, self._report, self._said)
        for block in turn.blocks:
            written.read(block)
        message = written.message()
        if message is None:
            return
        self.messages.append(message)
        self.origins.append(
            Origin(
                turn.path, written.text_paths, written.call_paths, reasoning=written.thought_paths
            )
        )
        self.prefill = turn.messages if is_last else ()

    def _parts(self, blocks: list[Block]) -> list[Placed]:
        placed: list[Placed] = []
        for block in blocks:
            text, path = text_alone(block.json), block.path
            if text is None:
                placed += self._reader.parts(block.json, path)
            else:
                placed.append(Placed(CHAT.text(text), path))
        return placed

    def _add(self, role: str, parts: list[Placed], path: str) -> None:
        """Add a message; where roles must alternate, the parts may go into the last one."""
        if not parts:
            return
        if self._must_join(role):
            last = self.messages[-1]
            if isinstance(last["content"], str):
                last["content"] = [CHAT.text(last["content"])]
            last["content"] += [placed.part for placed in parts]
            self.origins[-1].parts += [placed.path for placed in parts]
            return
        text = parts[0].part.get("text") if len(parts) == 1 else None
        content = [placed.part for placed in parts] if text is None else text
        self.messages.append({"role": role, "content": content})
        self.origins.append(Origin(path, [placed.path for placed in parts]))

    def _must_join(self, role: str) -> bool:
        if role != "user" or self._context.capabilities.assistants_in_a_row:
            return False
        return bool(self.messages) and self.messages[-1]["role"] == "user"
