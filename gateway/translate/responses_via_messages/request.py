"""A responses request as the body of one messages request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway.shapes import ItemNames, Json
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.parts.client_values import responses_tool_kind
from gateway.translate.parts.to_messages.client_paths import OwnNames, client_path
from gateway.translate.parts.to_messages.conversation import Written, written
from gateway.translate.parts.to_messages.tools import write_tools_of_history
from gateway.translate.responses_via_chat.request import (
    ReasoningForm,
    gives_back,
    read_client,
    reasoning_form,
)
from gateway.translate.responses_via_chat.tools.definitions import ToolNames, chat_tools
from gateway.translate.responses_via_messages import parameters
from gateway.translate.responses_via_messages.input import turns_of

_NAMES: Mapping[str, Sequence[str]] = {
    "metadata": ("safety_identifier", "user"),
    "stop_sequences": ("stop",),
    "tool_choice": ("tool_choice", "parallel_tool_calls"),
}
"""By a parameter's name in messages, its possible names in responses."""


@dataclass(slots=True)
class PreparedRequest:
    """The upstream body, and the parts of the request on which the reply depends."""

    client: Json
    """The client's request, checked, without null keys."""
    call: Json
    conversation: Written
    tool_paths: Sequence[str]
    """The path at which the client declared each tool that is sent."""
    names: ToolNames
    reasoning: ReasoningForm
    """How the client is shown the model's thinking."""
    gives_back: bool
    """Whether thinking is sealed for the client to send back."""
    compacts: bool
    """Whether the reply is a compaction."""
    items: ItemNames | None
    """The client's names for the items of `input`; None: `input` is as the client sent it."""
    report: Report
    """The report to which the fold of the reply adds."""

    @property
    def calls(self) -> Sequence[Json]:
        """The one upstream body."""
        return (self.call,)

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002
        """Return the client's path of an upstream parameter; None if it has none."""
        path = _client_param(self, param) if param else None
        return path if path is None or self.items is None else self.items.client_path(path)


def prepare(body: Json, context: Context, report: Report) -> PreparedRequest:
    """Check a responses request and translate it; `body` is not changed.

    Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's parameter.
    """
    client, compacts = read_client(body, context, report)
    about_tools = replace(report, dropped=[], changed=[], emulated=[])
    tools = chat_tools(client, context, about_tools)
    conversation = written(turns_of(client, tools.names, context, report), "input", context, report)
    report.add(about_tools)
    draft = Draft(client, context, report)
    draft.upstream |= {"model": context.model_sent, **conversation.fields()}
    tool_paths = parameters.tools(draft, tools)
    write_tools_of_history(draft)
    parameters.tokens_and_thinking(draft, conversation)
    parameters.streaming(draft)
    parameters.others(draft)
    return PreparedRequest(
        client=client,
        call=_for_text_only(draft.upstream) if compacts else draft.upstream,
        conversation=conversation,
        tool_paths=tool_paths,
        names=tools.names,
        reasoning=reasoning_form(client, context),
        gives_back=gives_back(client, context),
        compacts=compacts,
        items=context.items,
        report=report,
    )


def _for_text_only(upstream: Json) -> Json:
    """Return a request for a summary: without an output format, and without calls of tools."""
    sent = dict(upstream)
    if "output_config" in sent:
        sent["output_config"] = {
            name: value for name, value in sent["output_config"].items() if name != "format"
        }
    if "tools" in sent:
        sent["tool_choice"] = {"type": "none"}
    return sent


def _client_param(request: PreparedRequest, param: str) -> str | None:
    client = request.client
    if param.startswith("output_config.format"):
        return "text.format" if "format" in client.get("text", {}) else None
    own = OwnNames(
        limit="max_output_tokens",
        effort="reasoning.effort",
        tools="tools" if "tools" in client else "input",
        tool_paths=request.tool_paths,
        tool_kind=partial(responses_tool_kind, client),
        others=_NAMES,
    )
    return client_path(param, client, request.conversation, own)
