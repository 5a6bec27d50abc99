"""A responses request as the body of one chat request."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.shapes import ItemNames, Json
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.parts.client_values import below_tool, responses_tool_kind
from gateway.translate.parts.output_format import responses_format_param
from gateway.translate.responses_via_chat import parameters
from gateway.translate.responses_via_chat.compaction import is_wanted, without_form
from gateway.translate.responses_via_chat.input.configured import configured
from gateway.translate.responses_via_chat.input.messages import input_turns
from gateway.translate.responses_via_chat.input.turn import Origin
from gateway.translate.responses_via_chat.stored_state import refuse_stored_state
from gateway.translate.responses_via_chat.tools.choice import tool_parameters
from gateway.translate.responses_via_chat.tools.definitions import ToolNames, chat_tools
from gateway.translate.schema.errors import missing
from gateway.translate.schema.responses import ENCRYPTED_REASONING, check_responses

ReasoningForm = Literal["text", "summary", "drop"]


@dataclass(slots=True)
class PreparedRequest:
    """The upstream body, and the parts of the request on which the reply depends."""

    client: Json
    """The client's request, checked, without null keys."""
    call: Json
    origins: Sequence[Origin]
    """The origin of each chat message."""
    tool_paths: Sequence[str]
    """The path at which the client declared each chat tool."""
    names: ToolNames
    reasoning: ReasoningForm
    """How the client is shown the model's reasoning."""
    gives_back: bool
    """Whether all reasoning is sealed: on request, or because it is stored and not shown."""
    compacts: bool
    """Whether the reply is a compaction."""
    top_logprobs: int | None
    """The number of alternatives per token that the client wants; None: no logprobs."""
    items: ItemNames | None
    """The client's names for the items of `input`; None: `input` is as the client sent it."""

    @property
    def calls(self) -> Sequence[Json]:
        """The one upstream body."""
        return (self.call,)

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002
        """Return the client's path of an upstream parameter; None if it has none."""
        return _client_param(self, param) if param else None


def read_client(body: Json, context: Context, report: Report) -> tuple[Json, bool]:
    """Return a responses request, checked for another endpoint, and whether it is to compact.

    Raises `InvalidRequest`, and `UnsupportedParameter` for parameters that need a store.
    """
    client = check_responses(body)
    refuse_stored_state(client, context)
    compacts = is_wanted(client, context)
    if "input" not in client:
        raise missing("input")
    return configured(client, context, report), compacts


def prepare(body: Json, context: Context, report: Report) -> PreparedRequest:
    """Check a responses request and translate it; `body` is not changed.

    Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's parameter.
    """
    client, compacts = read_client(body, context, report)
    tools = chat_tools(client, context, report)
    turns = input_turns(client, tools.names, context, report)
    draft = Draft(client, context, report)
    for group in parameters.INDEPENDENT:
        group(draft)
    top_logprobs = parameters.include(draft)
    sent_tools = tool_parameters(client, tools, context, report)
    form = reasoning_form(client, context)
    call = {
        "model": context.model_sent,
        "messages": [message for message, _ in turns],
        **draft.upstream,
        **sent_tools,
    }
    return PreparedRequest(
        client=client,
        call=without_form(call) if compacts else call,
        origins=[origin for _, origin in turns],
        tool_paths=tools.paths_of(sent_tools.get("tools", ())),
        names=tools.names,
        reasoning=form,
        gives_back=gives_back(client, context, if_kept=form == "drop"),
        compacts=compacts,
        top_logprobs=None if compacts else top_logprobs,
        items=context.items,
    )


def reasoning_form(client: Json, context: Context) -> ReasoningForm:
    """Return the form of reasoning items: a client that asks for summaries displays summaries."""
    form = context.settings.reasoning_item
    if form != "auto":
        return form
    return "summary" if parameters.asks_for_summary(client.get("reasoning", {})) else "text"


def gives_back(client: Json, context: Context, *, if_kept: bool = True) -> bool:
    """Whether reasoning is given back sealed: on request, or with `if_kept` if it is stored."""
    seal = context.seal
    if seal is None:
        return False
    is_kept = seal.remembers or (seal.keeps and client.get("store") is not False)
    return (if_kept and is_kept) or ENCRYPTED_REASONING in client.get("include", ())


_INDEXED = re.compile(r"(messages|tools)\[([0-9]{1,6})\](.*)", re.DOTALL)


def _client_param(request: PreparedRequest, param: str) -> str | None:
    client = request.client
    root = re.split(r"[.\[]", param, maxsplit=1)[0]
    indexed = _INDEXED.match(param)
    if indexed is not None:
        path = _indexed_param(request, indexed[1], int(indexed[2]), indexed[3])
        return path if request.items is None else request.items.client_path(path)
    if root == "messages":
        return "input"
    if root == "response_format":
        return responses_format_param(param) if "format" in client.get("text", {}) else None
    if root == "verbosity":
        return "text.verbosity" if "verbosity" in client.get("text", {}) else None
    if root == "reasoning_effort":
        return "reasoning.effort" if "effort" in client.get("reasoning", {}) else None
    if root == "tools" and root not in client and request.tool_paths:
        # All tools came in the input: the first list of them is named.
        return request.tool_paths[0].partition(".tools")[0] + ".tools"
    if root in ("max_completion_tokens", "max_tokens"):
        # Also if the client set no limit: a completions call always has one.
        return "max_output_tokens"
    if root == "logprobs" or (root == "top_logprobs" and root not in client):
        return "include" if "include" in client else None
    if root == "tool_choice":
        # Chat nests its fields.
        return root if root in client else None
    return param if root in client else None


def _indexed_param(request: PreparedRequest, root: str, index: int, rest: str) -> str:
    if root == "tools":
        if index >= len(request.tool_paths):
            return "tools"
        path = request.tool_paths[index]
        rest = rest.removeprefix(".function").removeprefix(".custom")
        rest = rest.replace(".format.grammar", ".format", 1)
        return below_tool(request.client, path, responses_tool_kind(request.client, path), rest)
    return request.origins[index].client_path(rest) if index < len(request.origins) else "input"
