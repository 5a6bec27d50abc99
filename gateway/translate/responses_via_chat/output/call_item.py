"""A tool call as an output item of a response."""

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.parts.tools.arguments import ArgumentText
from gateway.translate.parts.tools.call_faults import check_arguments
from gateway.translate.parts.tools.calls import bounded_call_id
from gateway.translate.parts.tools.custom import NATIVE, input_is_all, unwrapped_input
from gateway.translate.parts.tools.names import goes_on
from gateway.translate.responses_via_chat.deltas.call_in_pieces import CallInPieces
from gateway.translate.responses_via_chat.output.items import OutputItem, Status
from gateway.translate.responses_via_chat.tools.client_tools import ClientTool
from gateway.translate.responses_via_chat.tools.definitions import ToolNames


class CallItem(CallInPieces, OutputItem):
    """A call of a function or a custom tool.

    It is announced once its name is known to its end, and its id too or at least some of its
    arguments: servers exist that send them in any order. The arguments of a function that stands
    for a custom tool are JSON around the text meant, which is written in one piece at the end;
    those of a function that stands for a tool with a type of its own become fields of its item.

    `told` has the ids of all calls that the client knows; those of calls are unique.
    """

    prefix = "fc"

    def __init__(self, index: int, item_id: str, names: ToolNames, told: set[str]) -> None:
        OutputItem.__init__(self, index, item_id)
        CallInPieces.__init__(self)
        self._item_id = item_id
        self._names = names
        self._told = told
        self._wrapped = False
        self._tool: ClientTool | None = None
        self._shown_id = f"call_{item_id}"

    @property
    def shown_id(self) -> str:
        """The client's id of the call; it stands once the call is announced."""
        known_id = "" if self.announced else bounded_call_id(self.call_id)
        return known_id if known_id and known_id not in self._told else self._shown_id

    @property
    def complete(self) -> bool:
        """Whether the arguments are whole JSON: then nothing can follow.

        No arguments at all may be ones that are still to come.
        """
        return self.announced and not self.is_free_text and self._text.whole

    @property
    def is_closed(self) -> bool:
        """Whether the closing events are written."""
        return self.status != "in_progress"

    @property
    def is_free_text(self) -> bool:
        """Whether its text is a custom tool's input, which can be anything."""
        return self._custom and not self._wrapped

    def add(self, call_id: str, name: str, text: str, *, custom: bool) -> str:
        """Go on with the call, and announce it once it can be; see `CallInPieces`."""
        if self.is_closed:
            call_id, name, custom = "", "", False
        elif self.announced:
            name, custom = "", False
        rest = super().add(call_id, name, text, custom=custom)
        if self.announced:
            self._write_delta()
        elif self.name and (not self._text.is_blank or self._is_identified()):
            self.announce()
        return rest

    def announce(self) -> None:
        """Write the opening event, and what there is of the arguments.

        Raises `UpstreamError` if the call has no name.
        """
        self.name = self.name or self.likely_name
        if not self.name:
            raise UpstreamError("The upstream's reply has a tool call without a name.")
        if not self._custom and self._names.is_custom(self.name):
            self._custom = self._wrapped = True
        self._tool = None if self._custom else self._names.client_tool(self.name)
        if self._custom:
            self.id = f"ctc_{self._item_id}"
        elif self._tool is not None:
            self.id = f"{self._tool.id_prefix}_{self._item_id}"
        self._shown_id = self.shown_id
        self._told.add(self._shown_id)
        said, self._text = self._text, ArgumentText()
        self._announce()
        self._text = said
        self._write_delta()

    def resource(self) -> Json:
        """Return the item as it is now."""
        text = self._text.text
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
            if self._wrapped and self.is_closed and not input_is_all(text):
                item[NATIVE] = text
        else:
            item["arguments"] = text
        return item

    def close(self, status: Status) -> None:
        """Write the closing events. A function that is called without arguments has `{}`.

        Raises `UpstreamError` for a call that its item cannot hold, and for one that is several, or
        half a one.
        """
        if not self.announced:
            self.announce()
        if status == "completed":
            self._complete_text()
        tool = self._tool
        if status == "completed" and tool is not None and tool.fields(self._text.text) is None:
            raise UpstreamError(
                f"The model called the tool '{tool.kind}' with arguments that such a call cannot "
                "have. Retry the request."
            )
        self._write_delta(closing=True)
        super().close(status)

    def _complete_text(self) -> None:
        """Take it that nothing has cut the text short."""
        if not self._custom and self._text.is_blank:
            self._replace("{}")
        elif not self.is_free_text and not self._text.whole:
            check_arguments(self.name, self._text.text, wrapped=self._wrapped)

    def _is_identified(self) -> bool:
        """Whether its id is known, and its name to its end."""
        return bool(self.call_id) and not goes_on(self.name, self._names.declared)

    def _write_delta(self, *, closing: bool = False) -> None:
        if self._text.is_placeholder and not closing:
            return
        text = "".join(self._unwritten)
        self._unwritten = []
        if text and not self._wrapped and self._tool is None:
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
