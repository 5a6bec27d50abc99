"""Agents' responses requests at a chat endpoint.

The conversation and functions are written here; the parameters, and tools of other kinds, by the
generic path, from a request without the conversation.
"""

from dataclasses import dataclass
from functools import partial

from gateway.fast.agents.codec import AgentRequest, ClientParam
from gateway.fast.agents.exchanges import joined, pieces_of
from gateway.fast.agents.from_responses.response_tools import Tools, tools_of
from gateway.fast.agents.from_responses.response_turns import TurnWriter
from gateway.fast.agents.from_responses.responses_requests import ResponsesRequest, others
from gateway.fast.agents.replies.answered import Answered, known_of
from gateway.fast.agents.replies.chat_as_response import decode_reply
from gateway.fast.codec import EncodedRequest, encode
from gateway.shapes import Shape
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.pair import PairTranslation
from gateway.translate.responses_via_chat.output.reply import fold_replies, new_stream
from gateway.translate.responses_via_chat.request import PreparedRequest, prepare


@dataclass(slots=True)
class _Request(Answered, PreparedRequest):
    client_name: ClientParam


def encode_agents(request: ResponsesRequest, context: Context) -> AgentRequest:
    """Return the chat request for an agent's responses request; raises one of `UNCOMMON`."""
    report = Report(Shape.RESPONSES, Shape.CHAT, items=context.items)
    tools = tools_of(request, context, report)
    messages = TurnWriter(context, report).messages(request.instructions, request.input)
    rest = others(request)
    if request.instructions is not None:
        rest["instructions"] = request.instructions
    prepared = prepare({**rest, "input": ""}, context, report)
    sent = {**prepared.call, "messages": None, **tools.parameters(context, report)}
    decode = (
        None
        if prepared.top_logprobs is not None
        else partial(_decode_reply, prepared, tools, context)
    )
    return AgentRequest(
        EncodedRequest(joined("messages", pieces_of(messages, encode), encode, sent)),
        report,
        partial(_folding, prepared, tools, context, report),
        decode_reply=decode,
    )


def _decode_reply(
    prepared: PreparedRequest, tools: Tools, context: Context, body: bytes
) -> bytes | None:
    said, repeated = tools.repeated()
    return decode_reply(
        body, {**prepared.client, **said}, tools.is_function, context, tools=repeated
    )


def _folding(
    prepared: PreparedRequest,
    tools: Tools,
    context: Context,
    report: Report,
    client_name: ClientParam,
) -> Translation:
    """Return the translation of the replies."""
    known = known_of(prepared)
    known |= {"client": {**prepared.client, **tools.client}, "names": tools.names}
    request = _Request(**known, client_name=client_name)
    return PairTranslation(request, context, report, fold_replies, new_stream)
