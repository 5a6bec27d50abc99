"""A chat request as the bodies of one or more responses requests."""

from dataclasses import dataclass

from gateway.shapes import Json
from gateway.translate.chat_via_responses import parameters
from gateway.translate.chat_via_responses.client_paths import InputItems, client_path
from gateway.translate.chat_via_responses.items import input_items
from gateway.translate.chat_via_responses.tools import ToolPlan, plan_tools
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft
from gateway.translate.fanout import check_fanout
from gateway.translate.parts.streaming import streaming
from gateway.translate.parts.tools.argument_objects import checked_chat
from gateway.translate.schema.checks import INT64_MIN


@dataclass(slots=True)
class PreparedRequest:
    """The upstream bodies, and the parts of the request that the fold of the replies needs."""

    client: Json
    """The client's request, checked, without null keys."""
    calls: tuple[Json, ...]
    """One body for each choice: a response has only one."""
    input: InputItems
    """The input items, with the source of each."""
    tools: ToolPlan
    stops: tuple[str, ...]
    """The stop sequences that the gateway looks for; empty: the upstream applies all of them."""
    top_logprobs: int | None
    """How many alternatives per token the client asked for; None: no logprobs at all."""
    include_usage: bool
    """Whether the client wants the usage at the end of its stream."""
    raised_limit: int | None
    """The client's token limit, if a larger one had to be sent; else None."""

    @property
    def looks_into_text(self) -> bool:
        """Whether the gateway may cut the text, or it has logprobs: it cannot pass as it comes."""
        return bool(self.stops) or self.top_logprobs is not None or self.raised_limit is not None

    @property
    def one_document(self) -> bool:
        """Whether the reply must be a single JSON document."""
        form: Json = self.client.get("response_format", {"type": "text"})
        return bool(form["type"] != "text")

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002
        """Return the client's path of a parameter that the upstream named, in whichever call.

        None: the client's request has none.
        """
        return client_path(param, self.client, self.input, self.tools) if param else None


def prepare(body: Json, context: Context, report: Report) -> PreparedRequest:
    """Check a chat request and translate it; `body` is not changed.

    Raises `InvalidRequest` and its kinds, naming the client's parameter.
    """
    client = checked_chat(body)
    draft = Draft(client, context, report)
    written = input_items(client["messages"], context, report)
    for group in parameters.INDEPENDENT:
        group(draft)
    tools = plan_tools(draft)
    raised_limit = parameters.token_limit(draft)
    top_logprobs = parameters.log_probabilities(draft)
    stops = parameters.stop_sequences(draft)
    include_usage = streaming(draft, obfuscation=context.capabilities.strict_params)
    upstream: Json = {"model": context.model_sent, "input": written.items, **draft.upstream}
    return PreparedRequest(
        client=client,
        calls=_fan_out(upstream, draft),
        input=written,
        tools=tools,
        stops=stops,
        top_logprobs=top_logprobs,
        include_usage=include_usage,
        raised_limit=raised_limit,
    )


def _fan_out(upstream: Json, draft: Draft) -> tuple[Json, ...]:
    """Return one call per choice, each with a seed of its own: equal seeds give equal texts."""
    n: int = draft.client.get("n", 1)
    if n == 1:
        return (upstream,)
    check_fanout(n, draft.context, "n")
    draft.report.emulate("n")
    if "seed" not in upstream:
        return tuple(dict(upstream) for _ in range(n))
    draft.report.emulate("seed")
    seed: int = upstream["seed"]
    return tuple(
        {**upstream, "seed": (seed + choice - INT64_MIN) % 2**64 + INT64_MIN} for choice in range(n)
    )
