"""The messages of a messages request as chat messages, in the order that chat requires."""

from gateway.shapes import Json
from gateway.translate.messages_via_chat.assistant import AssistantTurn
from gateway.translate.messages_via_chat.origins import Origin
from gateway.translate.parts.content.parts import SEE_NEXT
from gateway.translate.parts.from_messages.blocks.content import Placed
from gateway.translate.parts.from_messages.blocks.forms import CHAT
from gateway.translate.parts.from_messages.blocks.results import result_parts
from gateway.translate.parts.from_messages.conversation import Conversation, content_of
from gateway.translate.parts.from_messages.turns import Turn
from gateway.translate.parts.tools.calls import bounded_call_id


class ChatConversation(Conversation[Origin]):
    """Chat messages, with the origin of each."""

    forms = CHAT

    def _lead(self, texts: list[Placed]) -> None:
        """Write the instructions; as parts only if the server is known to take parts there."""
        path = "system" if texts[0].path.startswith("system") else texts[0].path
        if self._context.is_pivot or not self._context.capabilities.multi_system:
            text = "\n\n".join(placed.part["text"] for placed in texts)
            texts = [Placed(CHAT.text(text), path)]
        self._say(self._system_role, texts, path)

    @property
    def _system_role(self) -> str:
        return self._context.capabilities.system_role

    def _user(self, turn: Turn) -> None:
        """Write results, then all else, beginning with parts that a chat result cannot hold."""
        attached: list[Placed] = []
        for block in turn.results:
            parts = result_parts(block.json, block.path, self._reader)
            content = self._result_content(parts, attached)
            call_id = bounded_call_id(block.json["tool_use_id"])
            self.sent.append({"role": "tool", "tool_call_id": call_id, "content": content})
            paths = [placed.path for placed in parts]
            self.origins.append(Origin(block.path, paths, is_result=True))
        self._say("user", [*attached, *self._parts(turn.others)], turn.path)

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
                kept.append(CHAT.text(SEE_NEXT[kind]))
                attached.append(placed)
        if all(part["type"] == "text" for part in kept):
            return "\n".join(part["text"] for part in kept)
        return kept

    def _assistant(self, turn: Turn) -> None:
        written = AssistantTurn(self._context, self._report, self._content_reader)
        for block in turn.blocks:
            written.read(block)
        message = written.message()
        if message is None:
            return
        self.sent.append(message)
        self.origins.append(
            Origin(
                turn.path, written.text_paths, written.call_paths, reasoning=written.thought_paths
            )
        )

    def _add(self, role: str, parts: list[Placed], path: str) -> None:
        self.sent.append({"role": role, "content": content_of(parts)})
        self.origins.append(Origin(path, [placed.path for placed in parts]))
