"""A messages request as the body of one chat request."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.messages_via_chat import parameters
from gateway.translate.messages_via_chat.conversation import Conversation
from gateway.translate.parts.from_messages.asking import asked_of
from gateway.translate.parts.from_messages.client_paths import CHAT, ClientPaths
from gateway.translate.parts.from_messages.hints import hints
from gateway.translate.parts.from_messages.local_reply import asks_nothing
from gateway.translate.parts.from_messages.tools import plan_tools
from gateway.translate.parts.from_messages.turns import check_left
from gateway.translate.parts.messages.asked import MessagesAsked
from gateway.translate.schema.messages import check_messages


@dataclass(slots=True)
class PreparedRequest:
    """The upstream body, and what the reply needs to know of the request."""

    client: Json
    """The client's request, checked, without null keys."""
    call: Json | None
    """None: nothing is to be generated."""
    asked: MessagesAsked
    paths: ClientPaths

    @property
    def calls(self) -> Sequence[Json]:
        """The one upstream body, or none."""
        return () if self.call is None else (self.call,)

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002
        """Return the client's path of an upstream parameter; None if it has none."""
        return self.paths.of(param) if param else None


def prepare(body: Json, context: Context, report: Report) -> PreparedRequest:
    """Check a messages request and translate it; `body` is not changed.

    Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's parameter.
    """
    client = check_messages(body)
    draft = Draft(client, context, report)
    nothing = asks_nothing(draft)
    conversation = Conversation(context, report)
    conversation.write(client)
    draft.upstream |= {"model": context.model_sent, "messages": conversation.messages}
    parameters.continuation(draft, conversation.prefill)
    check_left(client, conversation.messages)
    parameters.independent(draft)
    hints(draft)
    native = parameters.stop_sequences(draft)
    tools = plan_tools(draft, conversation.changes)
    parameters.write_tools(draft, tools)
    return PreparedRequest(
        client=client,
        call=None if nothing else draft.upstream,
        asked=asked_of(client, tools, native_stops=native),
        paths=ClientPaths(CHAT, client, conversation.origins, tools),
    )
