"""A messages request as the body of one chat request."""

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.messages_via_chat import parameters
from gateway.translate.messages_via_chat.conversation import ChatConversation
from gateway.translate.parts.from_messages.client_paths import CHAT, ClientPaths
from gateway.translate.parts.from_messages.hints import hints
from gateway.translate.parts.from_messages.local_reply import asks_nothing
from gateway.translate.parts.from_messages.options import reply_options
from gateway.translate.parts.from_messages.parameters import refuse_prefill
from gateway.translate.parts.from_messages.prepared import PreparedRequest
from gateway.translate.parts.from_messages.tools import plan_tools
from gateway.translate.parts.from_messages.turns import check_left
from gateway.translate.schema.messages import check_messages


def prepare(body: Json, context: Context, report: Report) -> PreparedRequest:
    """Check a messages request and translate it; `body` is not changed.

    Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's parameter.
    """
    client = check_messages(body)
    draft = Draft(client, context, report)
    nothing = asks_nothing(draft)
    conversation = ChatConversation(context, report)
    conversation.write(client)
    draft.upstream |= {"model": context.model_sent, "messages": conversation.sent}
    if conversation.prefill and not parameters.continues_last(draft):
        refuse_prefill(draft, conversation.prefill, "server")
        conversation.drop_prefill()
    check_left(client, conversation.sent)
    parameters.independent(draft)
    hints(draft)
    native = parameters.stop_sequences(draft)
    tools = plan_tools(draft, conversation.changes)
    parameters.write_tools(draft, tools)
    return PreparedRequest(
        client=client,
        call=None if nothing else draft.upstream,
        options=reply_options(client, tools, native_stops=native),
        paths=ClientPaths(CHAT, client, conversation.origins, tools),
    )
