"""The tools of agents' responses requests at a chat endpoint."""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import msgspec
from msgspec import Raw

from gateway.fast.agents.about_tools import about_tools, choice_of, functions_of
from gateway.fast.agents.from_responses.responses_items import AdditionalTools
from gateway.fast.agents.from_responses.responses_requests import ResponsesRequest, Tool, read_tools
from gateway.fast.agents.kept import Kept
from gateway.fast.agents.raw import NULL, text
from gateway.fast.agents.schemas import form_of
from gateway.fast.codec import ABSENT, Absent, encode
from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.tools.definitions import NO_PARAMETERS
from gateway.translate.responses_via_chat.tools.choice import tool_parameters
from gateway.translate.responses_via_chat.tools.definitions import ToolNames, chat_tools
from gateway.translate.schema.checks import check
from gateway.translate.schema.responses import RESPONSES_PARAMETERS
from gateway.translate.schema.responses_input import ITEMS

_ADDITIONAL = "additional_tools"
_NO_PARAMETERS = Raw(encode(NO_PARAMETERS))


class Function(msgspec.Struct, gc=False):
    """A function of chat."""

    name: str
    description: Raw | Absent
    parameters: Raw
    strict: bool | Absent


class _ChatTool(msgspec.Struct, gc=False):
    type: str
    function: Function


class _Repeated(msgspec.Struct, gc=False):
    """A function as a response repeats it, with what the schema of responses requires."""

    type: str
    name: str
    description: Raw | Absent
    parameters: Raw | None
    strict: bool


class Tools(Protocol):
    """The tools of a request, and its parameters about their use."""

    @property
    def names(self) -> ToolNames:
        """The names of the tools, as replies need them."""

    @property
    def client(self) -> Json:
        """The client's parameters, checked, as a response repeats them."""

    def repeated(self) -> tuple[Json, Raw | None]:
        """Return the client's parameters as a response repeats them, and the tools.

        The tools are None if they are among the parameters, not yet in the form that is repeated.
        """

    def is_function(self, called: str) -> bool:
        """Whether a call by this name is of a function that the client knows by the same name."""

    def parameters(self, context: Context, report: Report) -> Json:
        """Return the parameters to send; raises `InvalidRequest`."""


def tools_of(request: ResponsesRequest, context: Context, report: Report) -> Tools:
    """Return the tools of a request; raises one of `UNCOMMON`."""
    if not isinstance(request.input, str) and AdditionalTools in map(type, request.input):
        return _AnyTools(request, context, report)
    functions = functions_in(request, context)
    if functions is not None:
        return functions
    if request.tools == NULL and not choice_of(request):
        return Functions(_NONE, {})
    return _AnyTools(request, context, report)


def functions_in(request: ResponsesRequest, context: Context) -> "Functions | None":
    """Return the functions of a request; None if it defines none, or other tools as well.

    Raises one of `UNCOMMON`.
    """
    able, scope = context.capabilities, context.scope
    defined = functions_of(request, able, lambda tools: _kept(tools, scope))
    return Functions(defined, choice_of(request)) if defined and defined.given else None


def is_function(names: ToolNames, called: str) -> bool:
    """Whether a call by this name is one of a function, whose name is the client's, too."""
    is_other = names.is_custom(called) or names.client_tool(called) is not None
    return bool(called) and not is_other and names.split(called) == (None, called)


class Defined:
    """Definitions of functions, shared by all requests with the same ones; never changed."""

    def __init__(self, tools: Raw) -> None:
        self.given: Sequence[Tool] = read_tools(tools)
        """The functions as the client defines them."""
        self.sent: Sequence[Function] = list(map(_function, self.given))
        """The functions in chat's form."""

    @cached_property
    def for_chat(self) -> Raw:
        """The JSON of the functions for chat."""
        return Raw(encode([_ChatTool("function", function) for function in self.sent]))

    @cached_property
    def for_response(self) -> Raw:
        """The JSON of the functions as a response repeats them."""
        return Raw(encode(list(map(_repeated, self.sent, self.given))))


class Functions:
    """The functions of a request, and its parameters about their use."""

    def __init__(self, defined: Defined, choice: Json) -> None:
        self.defined = defined
        self._choice = choice

    @property
    def names(self) -> ToolNames:
        """The names of the functions."""
        names = ToolNames()
        for function in self.defined.sent:
            names.add({"type": "function", "name": function.name}, None, "tools")
        return names

    @property
    def client(self) -> Json:
        """The client's parameters."""
        if not self.defined.sent:
            return {}
        tools = list(map(_in_response, self.defined.sent, self.defined.given))
        return {**self._choice, "tools": tools}

    def repeated(self) -> tuple[Json, Raw | None]:
        """Return the client's parameters, and the functions as a response repeats them."""
        return self._choice, self.defined.for_response if self.defined.given else None

    def is_function(self, called: str) -> bool:
        """Whether a call by this name is of a function; there are no other tools."""
        return bool(called)

    def parameters(self, context: Context, report: Report) -> Json:  # noqa: ARG002
        """Return the parameters to send."""
        if not self.defined.sent:
            return {}
        sent = {"tools": self.defined.for_chat, **self._choice}
        if sent.get("tool_choice") == "auto":
            del sent["tool_choice"]
        return sent


class _AnyTools:
    """Tools of any kind, or none."""

    def __init__(self, request: ResponsesRequest, context: Context, report: Report) -> None:
        self.client = check(about_tools(request), RESPONSES_PARAMETERS)
        self._tools = chat_tools({**self.client, "input": _declaring(request)}, context, report)
        self.names = self._tools.names

    def repeated(self) -> tuple[Json, Raw | None]:
        """Return the client's parameters, tools among them."""
        return self.client, None

    def is_function(self, called: str) -> bool:
        """Whether a call by this name is one of a function, whose name is the client's, too."""
        return is_function(self.names, called)

    def parameters(self, context: Context, report: Report) -> Json:
        """Return the parameters to send; raises `InvalidRequest`."""
        return tool_parameters(self.client, self._tools, context, report)


def _declaring(request: ResponsesRequest) -> list[Json]:
    """Return the items that declare tools, checked, each at its position."""
    given: Sequence[object] = () if isinstance(request.input, str) else request.input
    return [
        _checked(item, f"input[{position}]") if isinstance(item, AdditionalTools) else _OTHER
        for position, item in enumerate(given)
    ]


_OTHER: Json = {"type": "message"}


def _checked(item: AdditionalTools, path: str) -> Json:
    declared = ITEMS[_ADDITIONAL].accept({"tools": item.tools}, path)
    return {**declared, "type": _ADDITIONAL}


def _function(tool: Tool) -> Function:
    schema, strict = tool.parameters, tool.strict
    if schema == NULL or (form := form_of(schema)).is_empty:
        schema = _NO_PARAMETERS
    elif strict is None and form.is_strict:
        # Responses make a schema strict if they can; chat gets `strict` if it already is.
        strict = True
    return Function(
        tool.name,
        ABSENT if tool.description == NULL else text(tool.description),
        schema,
        ABSENT if strict is None else strict,
    )


def _repeated(function: Function, tool: Tool) -> _Repeated:
    return _Repeated(
        "function",
        function.name,
        function.description,
        None if tool.parameters == NULL else tool.parameters,
        function.strict is not ABSENT and function.strict,
    )


def _in_response(function: Function, tool: Tool) -> Json:
    """Return a function in the form in which a response repeats it without additions."""
    shown = msgspec.structs.asdict(_repeated(function, tool))
    return {name: value for name, value in shown.items() if value is not ABSENT}


_kept = Kept(Defined)
_NONE = Defined(Raw(b"[]"))
