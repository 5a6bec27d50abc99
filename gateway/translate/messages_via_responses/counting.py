"""Counting a messages request's tokens at `POST /v1/responses/input_tokens`, which is exact."""

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.messages_via_responses.conversation import ItemsConversation
from gateway.translate.messages_via_responses.request import write
from gateway.translate.parts.from_messages.hints import drop_hints
from gateway.translate.parts.from_messages.prepared import PreparedRequest
from gateway.translate.schema.messages import check_messages

COUNTED = frozenset(
    {
        *("input", "instructions", "model", "parallel_tool_calls", "reasoning", "text"),
        *("tool_choice", "tools"),
    }
)
"""The parameters of that endpoint that a messages request is translated to."""


def count_tokens_request(body: Json, context: Context, report: Report) -> PreparedRequest:
    """Check a request for `/v1/messages/count_tokens`; return the one for OpenAI's endpoint.

    Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's parameter.
    """
    draft = Draft(check_messages(body, counts=True), context, report)
    conversation = ItemsConversation(context, report)
    conversation.write(draft.client)
    prepared = write(draft, conversation)
    drop_hints(draft)
    prepared.call = {name: value for name, value in draft.upstream.items() if name in COUNTED}
    return prepared
