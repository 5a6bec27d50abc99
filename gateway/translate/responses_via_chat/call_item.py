"""A tool call as an output item of a response."""

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.argument_text import ArgumentText, opens_json
from gateway.translate.responses_via_chat.client_tools import ClientTool
from gateway.translate.responses_via_chat.items import OutputItem, Status
from gateway.translate.responses_via_chat.tools import ToolNames
from gateway.translate.tool_shapes import bounded_call_id, unwrapped_input


class CallItem(OutputItem):
    """A call of a function or a custom tool.

    It is announced once its name is known, and its id too or at least some of its arguments:
    servers exist that send them in any order. The arguments of a function that stands for a
    custom tool are JSON around the text meant, which is written in one piece at the end; those of
    a function that stands for a tool with a type of its own become fields of its item.

    `told` has the ids of all calls that the client knows; those of calls are unique.
    """

    prefix = "fc"

    def __init__(self, index: int, item_id: str, names: ToolNames, told: set[str]) -> None:
        super().__init__(index, item_id)
        self._item_id = item_id
        self._names = names
        self._told = told
        self._text = ArgumentText()
        self._unwritten: list[str] = []
        self._custom = False
        self._wrapped = False
        self._tool: ClientTool | None = None
        self._shown_id = f"call_{item_id}"
        self.call_id = ""
        """The upstream's id of the call; empty: not known (yet)."""
        self.name = ""
        """The name that the upstream calls it by; empty: not known (yet)."""
        self.likely_name = ""
        """The name it has if the upstream never says one."""

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
    def is_free_text(self) -> bool:
        """Whether its text is a custom tool's input, which can be anything."""
        return self._custom and not self._wrapped

    @property
    def has_ended(self) -> bool:
        """Whether it has all that one call can have, or may have it."""
        return not self._text.is_blank if self.is_free_text else self._text.ended

    @property
    def is_cut_off(self) -> bool:
        """Whether its arguments have begun, but are not whole JSON."""
        return not (self.is_free_text or self._text.is_blank or self._text.whole)

    @property
    def text(self) -> str:
        """The arguments so far, or the input."""
        return self._text.text

    def add(self, call_id: str, name: str, text: str, *, custom: bool) -> str:
        """Go on with the call: what is given of its id, its name and its arguments.

        Returns what of the text follows the end of the arguments, which is another call's. Raises
        `UpstreamError` for what can be neither: text after the call was closed.
        """
        if self.status == "in_progress":
            self.call_id = self.call_id or call_id
            if not self.announced:
                self.name = self.name or name
                self._custom = self._custom or custom
        rest = self._take(text)
        if self.announced:
            self._write_delta()
        elif self.name and (self.call_id or not self._text.is_blank):
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
        else:
            item["arguments"] = text
        return item

    def close(self, status: Status) -> None:
        """Write the closing events. A function that is called without arguments has `{}`.

        Raises `UpstreamError` for a call that its item cannot hold.
        """
        if not self.announced:
            self.announce()
        if status == "completed" and not self._custom and self._text.is_blank:
            self._replace("{}")
        tool = self._tool
        if status == "completed" and tool is not None and tool.fields(self._text.text) is None:
            raise UpstreamError(
                f"The model called the tool '{tool.kind}' with arguments that such a call cannot "
                "have. Retry the request."
            )
        self._write_delta(closing=True)
        super().close(status)

    def _take(self, text: str) -> str:
        """Take the next text of the arguments; return what is not theirs."""
        if self._text.is_blank and not (text if self.is_free_text else text.strip()):
            return ""
        if self.is_free_text:
            self._text.append(text)
            self._unwritten.append(text)
            return ""
        rest = self._text.add(text)
        taken = text[: len(text) - len(rest)]
        if taken:
            self._unwritten.append(taken)
        if not rest.strip():
            return ""
        if opens_json(rest):
            if self._is_placeholder():
                self._replace("")
                return self._take(rest)
            return rest
        if self.status != "in_progress":
            raise UpstreamError(
                "The upstream's stream goes on with the arguments of a tool call that were "
                "complete. Retry the request."
            )
        self._text.append(rest)
        self._unwritten.append(rest)
        return ""

    def _is_placeholder(self) -> bool:
        """Whether the arguments are an empty object that the client has not seen."""
        return self._text.is_placeholder and "".join(self._unwritten) == self._text.text

    def _replace(self, text: str) -> None:
        self._text = ArgumentText()
        self._text.add(text)
        self._unwritten = [text] if text else []

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
