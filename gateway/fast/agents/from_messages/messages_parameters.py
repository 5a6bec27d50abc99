"""The parameters of a messages request of an agent, beside its conversation."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from gateway.fast.agents.from_messages.messages_requests import (
    PARAMETERS,
    Choice,
    MessagesRequest,
    Tool,
    read_tools,
)
from gateway.fast.agents.kept import Kept
from gateway.fast.agents.numbers import encode
from gateway.fast.agents.schemas import form_of, read_schema
from gateway.fast.agents.uncommon import Uncommon
from gateway.fast.codec import ABSENT, Absent
from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.parts.from_messages.hints import hints
from gateway.translate.parts.from_messages.system import is_attribution
from gateway.translate.parts.from_messages.tool_names import sent_name
from gateway.translate.parts.tools.choices import Mode, ToolChoice, ToolName
from gateway.translate.parts.tools.definitions import completed, is_strict_schema
from gateway.translate.schema.messages import check_messages

_MODES: Mapping[str, Mode] = {"auto": "auto", "any": "required", "tool": "required", "none": "none"}
_MESSAGES: list[Json] = [{"role": "user", "content": "-"}]
_TOOLS: list[Json] = [{"name": "-", "input_schema": {}}]
_MARK: Json = {"type": "ephemeral"}


def draft_of(
    request: MessagesRequest, defined: "Defined", context: Context, report: Report
) -> Draft:
    """Return a draft of the parameters, checked; raises `InvalidRequest`.

    The draft has a stand-in for the request's conversation, and another for its tools.
    """
    given: Json = {
        name: value for name in PARAMETERS if (value := getattr(request, name)) is not None
    }
    given["messages"] = _MESSAGES
    if defined.functions:
        given["tools"] = _TOOLS
    return Draft(check_messages(given), context, report)


def instructions(request: MessagesRequest, report: Report) -> list[str]:
    """Return the texts of the instructions, without the text that is for Anthropic's servers."""
    given = request.system
    if isinstance(given, str):
        return [given] if given else []
    texts = [block.text for block in given]
    if texts and is_attribution(texts[0]):
        report.drop("system[0]")
        return texts[1:]
    return texts


def write_hints(draft: Draft, request: MessagesRequest, *, is_marked: bool) -> None:
    """Write the hints; `is_marked`: part of the conversation is marked for a cache, or a tool."""
    given = request.system
    texts = [given] if isinstance(given, str) else [block.text for block in given]
    draft.client["system"] = next((text for text in texts if not is_attribution(text)), "")
    blocks = () if isinstance(given, str) else given
    if is_marked or any(each.cache_control for each in blocks):
        draft.client["cache_control"] = _MARK
    hints(draft)


class Function(msgspec.Struct, gc=False):
    """A tool as a function of chat."""

    name: str
    description: str | Absent
    parameters: msgspec.Raw | Json
    strict: bool | Absent


class Defined(NamedTuple):
    """The tools of a request, shared by all requests with the same tools; never changed."""

    functions: frozenset[str]
    """The tools' names, as they are sent."""
    names: dict[str, str]
    """The tools' names as they are sent, by the client's names."""
    shortened: dict[str, str]
    """The client's names of tools whose names are sent shortened."""
    written: msgspec.Raw
    is_marked: bool
    """Whether a tool is marked for a cache."""
    dropped: Sequence[str]
    """The paths of the parts of tools that are not sent."""


class Tools(NamedTuple):
    """The tools that are sent."""

    functions: frozenset[str]
    names: dict[str, str]
    """The client's names of tools whose names are sent shortened."""
    written: msgspec.Raw
    choice: ToolChoice | None
    one_at_a_time: bool


def _read_defined(tools: msgspec.Raw, form: Callable[[Function], object]) -> Defined:
    given = read_tools(tools)
    dropped: list[str] = []
    functions = [_function(tool, f"tools[{at}]", dropped) for at, tool in enumerate(given)]
    names = {tool.name: each.name for tool, each in zip(given, functions, strict=True)}
    sent = {name: given for given, name in names.items()}
    if len(sent) < len(names):
        raise Uncommon
    return Defined(
        frozenset(sent),
        names,
        {name: given for name, given in sent.items() if name != given},
        msgspec.Raw(encode(list(map(form, functions)))),
        any(tool.cache_control for tool in given),
        dropped,
    )


defined_in = Kept(_read_defined)
"""Returns the tools that are defined, given how a function is written; raises `UNCOMMON`."""


def tools_of(request: MessagesRequest, defined: Defined, draft: Draft) -> Tools | None:
    """Return the tools, and report what of them is not sent; None if the request has none."""
    choice = request.tool_choice
    if not defined.functions:
        if choice is ABSENT:
            return None
        if choice.disable_parallel_tool_use or choice.type in ("any", "tool"):
            raise Uncommon
        return None
    if not draft.context.capabilities.tools:
        raise Uncommon
    for path in defined.dropped:
        draft.report.drop(path)
    names = defined.shortened
    said = Tools(defined.functions, names, defined.written, None, one_at_a_time=False)
    if choice is ABSENT:
        return said
    one_at_a_time = choice.disable_parallel_tool_use
    return said._replace(choice=_choice(choice, defined.names), one_at_a_time=one_at_a_time)


def _choice(choice: Choice, names: Mapping[str, str]) -> ToolChoice:
    mode = _MODES[choice.type]
    if choice.type != "tool":
        return ToolChoice(mode)
    if choice.name is ABSENT or choice.name not in names:
        raise Uncommon
    return ToolChoice(mode, named=ToolName("function", names[choice.name]))


def _function(tool: Tool, path: str, dropped: list[str]) -> Function:
    if tool.eager_input_streaming:
        dropped.append(f"{path}.eager_input_streaming")
    given = tool.input_schema
    form, is_strict, is_complete, _ = form_of(given)
    schema: msgspec.Raw | Json = given
    if form is ABSENT:
        schema = completed({"type": "object", **read_schema(given)})
        is_strict = is_strict_schema(schema)
    elif form != "object":
        raise Uncommon
    elif not is_complete:
        schema = completed(read_schema(given))
    strict: bool | Absent = ABSENT
    if tool.strict:
        if is_strict:
            strict = True
        else:
            dropped.append(f"{path}.strict")
    return Function(sent_name(tool.name), tool.description, schema, strict)
