"""The messages of a messages request as input items, in order."""

from collections.abc import Mapping

from gateway.translate.contract import Context, Report
from gateway.translate.messages_via_responses.assistant import AssistantItems
from gateway.translate.messages_via_responses.origins import Origin
from gateway.translate.parts.from_messages.blocks.content import Placed
from gateway.translate.parts.from_messages.blocks.forms import RESPONSES
from gateway.translate.parts.from_messages.blocks.results import result_parts
from gateway.translate.parts.from_messages.conversation import Conversation, content_of
from gateway.translate.parts.from_messages.turns import Turn
from gateway.translate.parts.tools.calls import bounded_call_id, responses_call_output

_MESSAGE: Mapping[str, str] = {"role": "role"}
_OUTPUT: Mapping[str, str] = {"call_id": "tool_use_id"}


class ItemsConversation(Conversation[Origin]):
    """The instructions and the input items, with the origin of each item."""

    forms = RESPONSES

    def __init__(self, context: Context, report: Report) -> None:
        super().__init__(context, report)
        self.instructions = ""

    def _lead(self, texts: list[Placed]) -> None:
        self.instructions = "\n\n".join(placed.part["text"] for placed in texts)

    @property
    def _system_role(self) -> str:
        return "developer" if self._context.capabilities.developer_role else "system"

    def _user(self, turn: Turn) -> None:
        for block in turn.results:
            parts = result_parts(block.json, block.path, self._reader)
            call_id = bounded_call_id(block.json["tool_use_id"])
            item = responses_call_output("function", content_of(parts) if parts else "", call_id)
            self.sent.append(item)
            self.origins.append(Origin(block.path, [part.path for part in parts], _OUTPUT))
        self._say("user", self._parts(turn.others), turn.path)

    def _assistant(self, turn: Turn) -> None:
        written = AssistantItems(self._context, self._report, self._content_reader)
        for block in turn.blocks:
            written.read(block)
        written.finish()
        self.sent += written.items
        self.origins += written.origins

    def _add(self, role: str, parts: list[Placed], path: str) -> None:
        content = content_of(parts) if role == "user" else [placed.part for placed in parts]
        self.sent.append({"type": "message", "role": role, "content": content})
        self.origins.append(Origin(path, [placed.path for placed in parts], _MESSAGE))
