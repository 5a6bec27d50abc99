"""A tool call as an output item of a response."""

import msgspec

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.responses_via_chat.client_tools import ClientTool
from gateway.translate.responses_via_chat.items import OutputItem, Status
from gateway.translate.responses_via_chat.tools import ToolNames
from gateway.translate.tool_shapes import bounded_call_id, unwrapped_input


class CallItem(OutputItem):
    """A call of a function, a custom tool, or another tool that the client runs.

    It is announced once its name is known, and its id too or at least some of its arguments:
    servers exist that send them in any order. The arguments of a function that stands for a
    custom tool are JSON around the text meant, which is written in one piece at the end; those of
    a function that stands for a tool with a type of its own become fields of its item.
    """

    prefix = "fc"

    def __init__(self, index: int, item_id: str, names: ToolNames) -> None:
        super().__init__(index, item_id)
        self._item_id = item_id
        self._names = names
        self._pieces: list[str] = []
        self._custom = False
        self._wrapped = False
        self._tool: ClientTool | None = None
        self._judged = (0, False)
        self._shown_id = f"call_{item_id}"
        self.call_id = ""
        """The upstream's id of the call; empty: not known (yet)."""
        self.name = ""
        """The name that the upstream calls it by; empty: not known (yet)."""

    @property
    def complete(self) -> bool:
        """Whether the arguments are a whole JSON object: then nothing can follow.

        No arguments at all may be ones that are still to come.
        """
        if not self.announced or (self._custom and not self._wrapped):
            return False
        if self._judged[0] != len(self._pieces):
            self._judged = (len(self._pieces), _is_object("".join(self._pieces)))
        return self._judged[1]

    def add(self, call_id: str, name: str, text: str, *, custom: bool) -> None:
        """Go on with the call: what is given of its id, its name and its arguments.

        Raises `UpstreamError` for arguments after the call was closed.
        """
        if self.status != "in_progress":
            if text.strip():
                raise UpstreamError(
                    "The upstream's stream goes on with the arguments of a tool call that were "
                    "complete. Retry the request."
                )
            return
        self.call_id = self.call_id or call_id
        if not self.announced:
            self.name = self.name or name
            self._custom = self._custom or custom
        if text:
            self._pieces.append(text)
        if self.announced:
            self._write_delta(text)
        elif self.name and (self.call_id or self._pieces):
            self.announce()

    def announce(self) -> None:
        """Write the opening event, and what there is of the arguments.

        Raises `UpstreamError` if the call has no name.
        """
        if not self.name:
            raise UpstreamError("The upstream's reply has a tool call without a name.")
        if not self._custom and self._names.is_custom(self.name):
            self._custom = self._wrapped = True
        self._tool = None if self._custom else self._names.client_tool(self.name)
        if self._custom:
            self.id = f"ctc_{self._item_id}"
        elif self._tool is not None:
            self.id = f"{self._tool.id_prefix}_{self._item_id}"
        self._shown_id = bounded_call_id(self.call_id) or self._shown_id
        waiting, self._pieces = self._pieces, []
        self._announce()
        self._pieces = waiting
        self._write_delta("".join(waiting))

    def resource(self) -> Json:
        """Return the item as it is now."""
        text = "".join(self._pieces)
        if self._tool is not None:
            return self._tool.item(self.id, self._shown_id, self.status, text)
        namespace, name = self._names.split(self.name)
        item: Json = {
            "id": self.id,
            "type": "custom_tool_call" if self._custom else "function_call",
            "status": self.status,
            "call_id": self._shown_id,
            "name": name,
        }
        if namespace is not None:
            item["namespace"] = namespace
        if self._custom:
            item["input"] = unwrapped_input(text) if self._wrapped and text else text
        else:
            item["arguments"] = text
        return item

    def close(self, status: Status) -> None:
        """Write the closing events.

        Raises `UpstreamError` for a call that its item cannot hold.
        """
        if not self.announced:
            self.announce()
        text = "".join(self._pieces)
        if status == "completed" and self._tool is not None and self._tool.fields(text) is None:
            raise UpstreamError(
                f"The model called the tool '{self._tool.kind}' with arguments that such a call "
                "cannot have. Retry the request."
            )
        super().close(status)

    def _write_delta(self, text: str) -> None:
        if not text or self._wrapped or self._tool is not None:
            return
        kind = "custom_tool_call_input" if self._custom else "function_call_arguments"
        self._write(f"{kind}.delta", delta=text)

    def _close_content(self) -> None:
        if self._tool is not None:
            return
        item = self.resource()
        if not self._custom:
            self._write(
                "function_call_arguments.done", name=item["name"], arguments=item["arguments"]
            )
            return
        if self._wrapped and item["input"]:
            self._write("custom_tool_call_input.delta", delta=item["input"])
        self._write("custom_tool_call_input.done", input=item["input"])


def _is_object(text: str) -> bool:
    # A glance at both ends first: most fragments are not the last, and decoding costs.
    if not (text.lstrip().startswith("{") and text.rstrip().endswith("}")):
        return False
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True
