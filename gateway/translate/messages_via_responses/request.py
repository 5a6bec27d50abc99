"""A messages request as the body of one responses request."""

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.messages_via_responses import parameters
from gateway.translate.messages_via_responses.conversation import ItemsConversation
from gateway.translate.parts.from_messages.client_paths import RESPONSES, ClientPaths
from gateway.translate.parts.from_messages.hints import hints
from gateway.translate.parts.from_messages.local_reply import asks_nothing
from gateway.translate.parts.from_messages.options import reply_options
from gateway.translate.parts.from_messages.parameters import emulate_stops, refuse_prefill
from gateway.translate.parts.from_messages.prepared import PreparedRequest
from gateway.translate.parts.from_messages.tools import plan_tools
from gateway.translate.parts.from_messages.turns import check_left
from gateway.translate.schema.messages import check_messages


def prepare(body: Json, context: Context, report: Report) -> PreparedRequest:
    """Check a messages request and translate it; `body` is not changed.

    Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's parameter.
    """
    draft = Draft(check_messages(body), context, report)
    nothing = asks_nothing(draft)
    conversation = ItemsConversation(context, report)
    conversation.write(draft.client)
    if conversation.prefill:
        refuse_prefill(draft, conversation.prefill, "endpoint")
        conversation.drop_prefill()
    prepared = write(draft, conversation)
    emulate_stops(draft)  # the endpoint has none
    if not nothing:
        parameters.token_limit(draft)
    hints(draft)
    if nothing:
        prepared.call = None
    return prepared


def write(draft: Draft, conversation: ItemsConversation) -> PreparedRequest:
    """Write all parameters except limits and hints; raises as `prepare` does."""
    check_left(draft.client, conversation.sent)
    draft.upstream["model"] = draft.context.model_sent
    if conversation.instructions:
        draft.upstream["instructions"] = conversation.instructions
    draft.upstream["input"] = conversation.sent
    parameters.independent(draft)
    tools = plan_tools(draft, conversation.changes)
    parameters.write_tools(draft, tools)
    return PreparedRequest(
        client=draft.client,
        call=draft.upstream,
        options=reply_options(draft.client, tools, native_stops=False),
        paths=ClientPaths(RESPONSES, draft.client, conversation.origins, tools),
    )
