"""Agents' chat requests at a responses endpoint.

The conversation and functions are written here; the parameters, and tools of other kinds, by
the generic path, from a request without them.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec import Raw

from gateway.fast.agents.about_tools import about_tools, choice_of, functions_of
from gateway.fast.agents.codec import AgentRequest, ClientParam
from gateway.fast.agents.from_chat.chat_items import ItemWriter
from gateway.fast.agents.from_chat.chat_requests import (
    ChatRequest,
    Function,
    others,
    read_tools,
)
from gateway.fast.agents.kept import Kept
from gateway.fast.agents.raw import NULL, text
from gateway.fast.agents.replies.answered import Answered, known_of
from gateway.fast.agents.schemas import form_of
from gateway.fast.agents.uncommon import Uncommon
from gateway.fast.codec import ABSENT, Absent, EncodedRequest, encode
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.reply import fold_replies
from gateway.translate.chat_via_responses.request import PreparedRequest, prepare
from gateway.translate.chat_via_responses.stream import ChatStream
from gateway.translate.chat_via_responses.tools import ToolPlan
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.pair import PairTranslation
from gateway.translate.parts.tools.definitions import NO_PARAMETERS

_NO_CONVERSATION = [{"role": "user", "content": ""}]
_NO_PARAMETERS = Raw(encode(NO_PARAMETERS))
_ABOUT_TOOLS = ("tool_choice", "tools", "parallel_tool_calls")
_BEHIND_TOOLS = frozenset(
    {
        *("max_output_tokens", "include", "top_logprobs", "stop"),
        *("stream", "stream_options"),
    }
)
"""The parameters that the generic path writes after the tools."""


class _Tool(msgspec.Struct, gc=False):
    name: str
    description: Raw | Absent
    parameters: Raw
    type: str
    strict: bool | Absent


class _Functions(NamedTuple):
    written: Raw
    names: frozenset[str]


@dataclass(slots=True)
class _Request(Answered, PreparedRequest):
    client_name: ClientParam


def encode_agents(request: ChatRequest, context: Context) -> AgentRequest:
    """Return the responses request for an agent's chat request; raises one of `UNCOMMON`."""
    report = Report(Shape.CHAT, Shape.RESPONSES)
    items = ItemWriter(context, report).items(request.messages)
    rest = others(request)
    tools = _functions(request, context)
    if not tools:
        rest |= about_tools(request)
    prepared = prepare({**rest, "messages": _NO_CONVERSATION}, context, report)
    if len(prepared.calls) != 1:
        raise Uncommon
    call, plan = prepared.calls[0], prepared.tools
    sent = {**call, "input": items}
    if tools:
        sent = _with_tools(sent, {"tools": tools.written, **choice_of(request)})
        plan = ToolPlan(names=tools.names)
    usage = prepared.include_usage if call.get("stream") else None
    is_common = not (prepared.looks_into_text or prepared.one_document)
    return AgentRequest(
        EncodedRequest(encode(sent), call.get("max_output_tokens", 0), usage),
        report,
        partial(_folding, prepared, plan, context, report),
        is_common=is_common and not plan.has_custom and not plan.legacy,
    )


def _with_tools(sent: Json, about: Json) -> Json:
    """Return a request with the parameters about tools where the generic path has them."""
    ordered = {name: value for name, value in sent.items() if name not in _BEHIND_TOOLS}
    for name in _ABOUT_TOOLS:
        if name in about:
            ordered[name] = about[name]
    ordered |= {name: value for name, value in sent.items() if name in _BEHIND_TOOLS}
    return ordered


def _functions(request: ChatRequest, context: Context) -> _Functions | None:
    """Return the functions to send; None if the generic path has to look at the tools."""
    able, scope = context.capabilities, context.scope
    default = False if able.strict_by_default else ABSENT
    found = functions_of(request, able, lambda tools: _kept_functions(tools, scope, default))
    return found if found and found.names else None


def _read_functions(tools: Raw, strict: bool | Absent) -> _Functions:
    sent = [_sent(tool.function, strict) for tool in read_tools(tools)]
    return _Functions(Raw(encode(sent)), frozenset([each.name for each in sent]))


_kept_functions = Kept(_read_functions)


def _sent(function: Function, strict: bool | Absent) -> _Tool:
    described, parameters = function.description, function.parameters
    if parameters == NULL or form_of(parameters).is_empty:
        parameters = _NO_PARAMETERS
    return _Tool(
        function.name,
        ABSENT if described == NULL else text(described),
        parameters,
        "function",
        strict if function.strict is None else function.strict,
    )


def _folding(
    prepared: PreparedRequest,
    tools: ToolPlan,
    context: Context,
    report: Report,
    client_name: ClientParam,
) -> Translation:
    """Return the translation of the replies."""
    known = known_of(prepared)
    request = _Request(**{**known, "tools": tools}, client_name=client_name)
    fold, stream = partial(fold_replies, report=report), partial(ChatStream, report=report)
    return PairTranslation(request, context, report, fold, stream)
