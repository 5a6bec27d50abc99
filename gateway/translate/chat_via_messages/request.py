"""A chat request as the bodies of one or more messages requests."""

import re
from dataclasses import dataclass

from gateway.shapes import Json
from gateway.translate.chat_via_messages import parameters
from gateway.translate.chat_via_messages.conversation import turns_of
from gateway.translate.chat_via_messages.tools import ToolPlan, plan_tools
from gateway.translate.chat_via_responses.client_paths import limit_name
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.fanout import check_fanout
from gateway.translate.parts.client_values import below_tool, chat_tool_kind
from gateway.translate.parts.streaming import streaming
from gateway.translate.parts.to_messages.conversation import Written, written
from gateway.translate.parts.to_messages.parameters import write_stops
from gateway.translate.parts.to_messages.tools import write_tools_of_history
from gateway.translate.parts.tools.written_out import checked_chat

_ROOT = re.compile(r"(\w+)(?:\[([0-9]{1,6})\])?(?:\.(?:custom\.)?(\w+))?")
_OF_TOOLS = {"input_schema": "parameters"}


@dataclass(slots=True)
class PreparedRequest:
    """The upstream bodies, and what folding the replies needs of the request."""

    client: Json
    """The client's request, checked, without null keys."""
    calls: tuple[Json, ...]
    """One body per choice: a message is one."""
    conversation: Written
    tools: ToolPlan
    stops: tuple[str, ...]
    """The stop sequences that the gateway looks for; empty: the upstream does it all."""
    include_usage: bool
    """Whether the client wants the usage at the end of its stream."""
    report: Report
    """Where the fold of the replies reports."""

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002
        """Return the client's path of a parameter that the upstream named; the same for all calls.

        None: the client has no such one.
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
    found = _ROOT.match(param)
    root = found[1] if found is not None else ""
    if root in ("messages", "system"):
        return request.conversation.client_path(param)
    if root == "tools" and found is not None:
        return _tool_path(request, found)
    if root == "max_tokens":
        # Also if the client has sent none: the gateway has.
        return limit_name(client)
    is_effort = root == "thinking" and root not in client
    if is_effort or (root == "output_config" and not param.startswith("output_config.format")):
        # Also if the operator configured it: there is no better name.
        return "reasoning_effort"
    names = {
        "metadata": ("safety_identifier", "user"),
        "output_config": ("response_format",),
        "stop_sequences": ("stop",),
        "tool_choice": ("function_call", "tool_choice", "parallel_tool_calls"),
    }.get(root, (root,))
    return next((name for name in names if name in client), None)


def _tool_path(request: PreparedRequest, found: re.Match[str]) -> str | None:
    paths = request.tools.paths
    if found[2] is None or int(found[2]) >= len(paths):
        return "functions" if request.tools.legacy else "tools"
    path = paths[int(found[2])]
    if found[3] is None:
        return path
    rest = f".{_OF_TOOLS.get(found[3], found[3])}"
    return below_tool(request.client, path, chat_tool_kind(path), rest)
