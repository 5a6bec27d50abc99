"""Agents' responses requests at a messages endpoint.

The conversation and functions are written here; the parameters, and tools of other kinds, by the
generic path, from a request with another conversation.
"""

from dataclasses import dataclass
from functools import partial

from msgspec import Raw

from gateway.fast.agents.about_tools import about_tools, choice_of
from gateway.fast.agents.codec import AgentRequest, ClientParam
from gateway.fast.agents.from_responses.messages_of_items import ItemsAsTurns
from gateway.fast.agents.from_responses.response_tools import (
    Defined,
    Function,
    Functions,
    functions_in,
    is_function,
)
from gateway.fast.agents.from_responses.responses_requests import (
    ResponsesRequest,
    others,
)
from gateway.fast.agents.kept import Kept
from gateway.fast.agents.messages_writer import (
    TextBlock,
    Tool,
    WrittenTools,
    is_blank,
    schema_of,
    sent_with,
)
from gateway.fast.agents.replies.answered import Answered, known_of
from gateway.fast.agents.uncommon import Uncommon
from gateway.fast.codec import ABSENT, Absent, EncodedRequest, encode
from gateway.fast.codecs.responses_via_messages import response_of
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.pair import PairTranslation
from gateway.translate.responses_via_messages.reply import fold_replies, new_stream
from gateway.translate.responses_via_messages.request import PreparedRequest, prepare

_STAND_IN: list[Json] = [{"role": "user", "content": "-"}]
_STAND_IN_CALL: list[Json] = [
    *_STAND_IN,
    {"type": "function_call", "call_id": "-", "name": "-", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "-", "output": "-"},
]
_STAND_IN_TOOL: Json = {"type": "function", "name": "-", "strict": False}


@dataclass(slots=True)
class _Request(Answered, PreparedRequest):
    client_name: ClientParam


def encode_agents(request: ResponsesRequest, context: Context) -> AgentRequest:
    """Return the messages request for an agent's responses request; raises one of `UNCOMMON`."""
    report = Report(Shape.RESPONSES, Shape.MESSAGES, items=context.items)
    conversation = ItemsAsTurns(context, report)
    writer, rest = conversation.writer, others(request)
    if request.instructions is not None:
        rest["instructions"] = request.instructions
        if not is_blank(request.instructions):
            writer.instruct([TextBlock(request.instructions)])
    conversation.write(request.input)
    functions, tools = _functions(request, context, report)
    rest |= {"tools": [_STAND_IN_TOOL], **choice_of(request)} if tools else about_tools(request)
    rest["input"] = _STAND_IN_CALL if writer.ends_in_calls else _STAND_IN
    prepared = prepare(rest, context, report)
    if writer.has_calls and not prepared.tool_paths:
        # Tools of earlier calls that the request does not define have to be found.
        raise Uncommon
    prepared.call.pop("system", None)
    sent = sent_with(writer.written(), prepared.call, tools)
    encoded = EncodedRequest(encode(sent), prepared.call["max_tokens"])
    folding = partial(_folding, prepared, functions, context, report)
    decode = None if prepared.compacts else partial(_decode_reply, prepared, functions, context)
    return AgentRequest(encoded, report, folding, decode_reply=decode)


def _decode_reply(
    prepared: PreparedRequest, functions: Functions | None, context: Context, body: bytes
) -> bytes | None:
    if functions is None:
        return response_of(body, prepared.client, partial(is_function, prepared.names), context)
    said, repeated = functions.repeated()
    client = {**prepared.client, **said}
    return response_of(body, client, functions.is_function, context, tools=repeated)


def _functions(
    request: ResponsesRequest, context: Context, report: Report
) -> tuple[Functions | None, Raw | None]:
    """Return the functions, and their JSON as sent; no JSON: the generic path writes the tools."""
    functions = functions_in(request, context)
    if functions is None:
        return None, None
    tools = _kept_tools(request.tools, context.scope, context.capabilities.strict_tools)
    for index in tools.loosened:
        report.drop(f"tools[{index}].strict")
    return functions, tools.written


def _read_tools(tools: Raw, takes_strict: bool) -> WrittenTools:
    defined = Defined(tools)
    sent = [_sent(each, takes_strict=takes_strict) for each in defined.sent]
    return WrittenTools.of(sent, [each.strict for each in defined.given], takes_strict=takes_strict)


_kept_tools = Kept(_read_tools)


def _sent(function: Function, *, takes_strict: bool) -> Tool:
    strict: bool | Absent = True if function.strict is True and takes_strict else ABSENT
    sent = schema_of(function.parameters)
    return Tool(function.name, function.description, sent, strict)


def _folding(
    prepared: PreparedRequest,
    functions: Functions | None,
    context: Context,
    report: Report,
    client_name: ClientParam,
) -> Translation:
    """Return the translation of the replies, which repeat the functions."""
    known = known_of(prepared)
    if functions is not None:
        known |= {"client": {**prepared.client, **functions.client}, "names": functions.names}
    answered = _Request(**known, client_name=client_name)
    fold, stream = partial(fold_replies, report=report), partial(new_stream, report=report)
    return PairTranslation(answered, context, report, fold, stream)
