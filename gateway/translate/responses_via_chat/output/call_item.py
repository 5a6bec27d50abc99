"""A tool call as an output item of a response."""

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.parts.tools.arguments import ArgumentText
from gateway.translate.parts.tools.call_faults import check_arguments
from gateway.translate.parts.tools.calls import bounded_call_id
from gateway.translate.parts.tools.custom import NATIVE, input_is_all, unwrapped_input
from gateway.translate.parts.tools.names import goes_on
from gateway.translate.parts.upstream_errors import nameless_call
from gateway.translate.responses_via_chat.deltas.call_in_pieces import CallInPieces
from gateway.translate.responses_via_chat.output.items import OutputItem, Status
from gateway.translate.responses_via_chat.tools.client_tools import ClientTool
from gateway.translate.responses_via_chat.tools.definitions import ToolNames


class CallItem(CallInPieces, OutputItem):
    """A call of a function, a custom tool or a client tool.

    It is announced once its whole name is known, and its id or a part of its arguments: servers
    send these in any order. A function that replaces a custom tool has its input within JSON
    arguments: the input is written in one piece at the end. The arguments of a function that
    replaces a client tool become fields of the item.

    `known_ids` has the ids of all calls that the client has seen; no two calls get the same.
    """

    prefix = "fc"

    def __init__(self, index: int, item_id: str, names: ToolNames, known_ids: set[str]) -> None:
        OutputItem.__init__(self, index, item_id)
        CallInPieces.__init__(self)
        self._item_id = item_id
        self._names = names
        self._known_ids = known_ids
        self._wrapped = False
        self._tool: ClientTool | None = None
        self._shown_id = f"call_{item_id}"
        self.lacks_its_end = False
        """Whether the upstream says that the call is cut off, even if no arguments have come."""

    @property
    def is_cut_off(self) -> bool:
        """Whether the call certainly lacks its end."""
        return self.lacks_its_end or super().is_cut_off

    @property
    def shown_id(self) -> str:
        """The client's id of the call; it is final once the call is announced."""
        known_id = "" if self.announced else bounded_call_id(self.call_id)
        return known_id if known_id and known_id not in self._known_ids else self._shown_id

    @property
    def complete(self) -> bool:
        """Whether the arguments are complete JSON, so that nothing can follow.

        Absent arguments may still come.
        """
        return self.announced and not self.is_free_text and self._text.whole

    @property
    def is_closed(self) -> bool:
        """Whether the closing events are written."""
        return self.status != "in_progress"

    @property
    def is_free_text(self) -> bool:
        """Whether the text is the input of a custom tool, which need not be JSON."""
        return self._custom and not self._wrapped

    def add(self, call_id: str, name: str, text: str, *, custom: bool) -> str:
        """Add a piece of the call, and announce it once possible; see `CallInPieces`."""
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
        """Write the opening event, and the arguments so far.

        Raises `UpstreamError` if the call has no name.
        """
        self.name = self.name or self.likely_name
        if not self.name:
            raise nameless_call()
        if not self._custom and self._names.is_custom(self.name):
            self._custom = self._wrapped = True
        self._tool = None if self._custom else self._names.client_tool(self.name)
        if self._custom:
            self.id = f"ctc_{self._item_id}"
        elif self._tool is not None:
            self.id = f"{self._tool.id_prefix}_{self._item_id}"
        self._shown_id = self.shown_id
        self._known_ids.add(self._shown_id)
        text, self._text = self._text, ArgumentText()
        self._announce()
        self._text = text
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
        """Write the closing events; a function that is called without arguments has `{}`.

        Raises `UpstreamError` for arguments that the item of a client tool cannot hold, and for
        those of several calls or of half a call.
        """
        if not self.announced:
            self.announce()
        if status == "completed":
            self._complete_text()
        tool = self._tool
        if status == "completed" and tool is not None and tool.fields(self._text.text) is None:
            raise UpstreamError(
                f"The model called the tool '{tool.kind}' with unusable arguments. Retry the "
                "request."
            )
        self._write_delta(closing=True)
        super().close(status)

    def _complete_text(self) -> None:
        """Complete the arguments of a call that was not cut off; raises `UpstreamError`."""
        if not self._custom and self._text.is_blank:
            self._replace("{}")
        elif not self.is_free_text and not self._text.whole:
            check_arguments(self.name, self._text.text, wrapped=self._wrapped)

    def _is_identified(self) -> bool:
        """Whether the call's id and its whole name are known."""
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
