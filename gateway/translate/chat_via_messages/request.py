"""A chat request as the bodies of one or more messages requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.shapes import Json
from gateway.translate.chat_via_messages import parameters
from gateway.translate.chat_via_messages.conversation import turns_of
from gateway.translate.chat_via_messages.tools import ToolPlan, plan_tools
from gateway.translate.chat_via_responses.client_paths import limit_name
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.fanout import check_fanout
from gateway.translate.parts.client_values import chat_tool_kind
from gateway.translate.parts.streaming import streaming
from gateway.translate.parts.to_messages.client_paths import OwnNames, client_path
from gateway.translate.parts.to_messages.conversation import Written, written
from gateway.translate.parts.to_messages.parameters import write_stops
from gateway.translate.parts.to_messages.tools import write_tools_of_history
from gateway.translate.parts.tools.argument_objects import checked_chat

_NAMES: Mapping[str, Sequence[str]] = {
    "metadata": ("safety_identifier", "user"),
    "output_config": ("response_format",),
    "stop_sequences": ("stop",),
    "tool_choice": ("function_call", "tool_choice", "parallel_tool_calls"),
}
"""By a parameter's name in messages, its possible names in chat."""


@dataclass(slots=True)
class PreparedRequest:
    """The upstream bodies, and the parts of the request that the fold of the replies needs."""

    client: Json
    """The client's request, checked, without null keys."""
    calls: tuple[Json, ...]
    """One body for each choice: a reply is a single message."""
    conversation: Written
    tools: ToolPlan
    stops: tuple[str, ...]
    """The stop sequences that the gateway looks for; empty: the upstream applies all of them."""
    include_usage: bool
    """Whether the client wants the usage at the end of its stream."""
    report: Report
    """The report to which the fold of the replies adds."""

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002
        """Return the client's path of a parameter that the upstream named, in whichever call.

        None: the client's request has none.
        """
        return _client_param(self, param) if param else None


def prepare(body: Json, context: Context, report: Report) -> PreparedRequest:
    """Check a chat request and translate it; `body` is not changed.

    Raises `InvalidRequest` and its kinds, naming the client's parameter.
    """
    client = checked_chat(body)
    draft = Draft(client, context, report)
    turns = turns_of(client["messages"], context, report)
    conversation = written(turns, "messages", context, report)
    draft.upstream |= {"model": context.model_sent, **conversation.fields()}
    tools = plan_tools(draft)
    write_tools_of_history(draft)
    parameters.tokens_and_thinking(draft, conversation)
    stops = write_stops(draft)
    include_usage = streaming(draft)
    parameters.others(draft)
    return PreparedRequest(
        client=client,
        calls=_fan_out(draft),
        conversation=conversation,
        tools=tools,
        stops=stops,
        include_usage=include_usage,
        report=report,
    )


def _fan_out(draft: Draft) -> tuple[Json, ...]:
    """Return one call per choice."""
    n: int = draft.client.get("n", 1)
    if n > 1:
        check_fanout(n, draft.context, "n")
        draft.report.emulate("n")
    return tuple(dict(draft.upstream) for _ in range(n))


def _client_param(request: PreparedRequest, param: str) -> str | None:
    client = request.client
    own = OwnNames(
        limit=limit_name(client),
        effort="reasoning_effort",
        tools="functions" if request.tools.legacy else "tools",
        tool_paths=request.tools.paths,
        tool_kind=chat_tool_kind,
        others=_NAMES,
    )
    return client_path(param, client, request.conversation, own)
