"""A chat request as the bodies of one or more completions requests."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.shapes import Json
from gateway.translate.chat_via_completions import parameters
from gateway.translate.chat_via_completions.prompt_losses import report_losses
from gateway.translate.contract import Context, Report, unsupported
from gateway.translate.draft import Draft
from gateway.translate.fanout import check_fanout, together
from gateway.translate.parts.client_values import stop_path
from gateway.translate.parts.streaming import streaming
from gateway.translate.prompt.write import render, select
from gateway.translate.schema.chat import check_chat
from gateway.translate.schema.checks import INT64_MIN


@dataclass(slots=True)
class PreparedRequest:
    """The upstream bodies, and the parts of the request that the fold of the replies needs."""

    client: Json
    """The client's request, checked, without null keys."""
    calls: tuple[Json, ...]
    choices_per_call: int
    stops: tuple[str, ...]
    """The stop sequences that the gateway looks for; empty: the upstream applies all of them."""
    strip_leading: bool
    """Whether leading white space of a reply is the template's and not part of the text."""
    top_logprobs: int | None
    """How many alternatives per token the client asked for; None: no logprobs at all."""
    include_usage: bool
    """Whether the client wants the usage at the end of its stream."""

    @property
    def choices(self) -> int:
        """How many choices the client asked for: `n`."""
        return len(self.calls) * self.choices_per_call

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002
        """Return the client's path of a parameter that the upstream named, in whichever call.

        `prompt` comes from `messages`; `max_tokens` has two names in chat; the client's stop
        sequences precede the template's.
        """
        if not param:
            return None
        name = param.split(".", 1)[0].split("[", 1)[0]
        client = self.client
        if name == "prompt":
            return "messages"
        if name == "max_tokens":
            return "max_tokens" if "max_tokens" in client else "max_completion_tokens"
        if name == "stop":
            return stop_path(client.get("stop"), param)
        if name == "logprobs" and "top_logprobs" in client:
            return "top_logprobs"
        if name == "user" and name not in client and "safety_identifier" in client:
            return "safety_identifier"
        return param if name in client else None


def prepare(body: Json, context: Context, report: Report) -> PreparedRequest:
    """Check a chat request and translate it; `body` is not changed.

    Raises `InvalidRequest` and its kinds, naming the client's parameter.
    """
    client = check_chat(body)
    draft = Draft(client, context, report)
    continues = parameters.continuation(draft)
    template = select(context)
    _refuse_audio_history(client["messages"], context, report)
    rendered = render(template, client["messages"], context, continue_final_message=continues)
    report_losses(client["messages"], rendered.named, context, report)
    for position in sorted(rendered.moved):
        report.change(f"messages[{position}]", "in its place", "first")
    prompt = rendered.text
    if rendered.starts_with_bos:
        # Servers that add the token to every prompt would have it twice.
        if context.capabilities.add_special_tokens:
            draft.upstream["add_special_tokens"] = False
        elif context.capabilities.adds_bos:
            prompt = prompt.removeprefix(template.bos_token)
    for group in parameters.INDEPENDENT:
        group(draft)
    parameters.token_limit(draft, prompt)
    top_logprobs = parameters.log_probabilities(draft)
    stops = parameters.stop_sequences(draft, rendered.stops)
    able = context.capabilities
    include_usage = streaming(draft, usage=able.stream_usage, obfuscation=able.strict_params)
    upstream: Json = {"model": context.model_sent, "prompt": prompt, **draft.upstream}
    calls, choices_per_call = _choices(upstream, draft)
    return PreparedRequest(
        client=client,
        calls=calls,
        choices_per_call=choices_per_call,
        stops=stops,
        # A continued text resumes where it stopped, white space included.
        strip_leading=rendered.strip_leading and not continues,
        top_logprobs=top_logprobs,
        include_usage=include_usage,
    )


def _refuse_audio_history(messages: Sequence[Json], context: Context, report: Report) -> None:
    for position, message in enumerate(messages):
        if "audio" in message:
            unsupported(
                context,
                report,
                f"messages[{position}].audio",
                "a completions endpoint takes text only.",
                droppable=False,
            )


def _choices(upstream: Json, draft: Draft) -> tuple[tuple[Json, ...], int]:
    """Return the calls that generate all choices, and how many choices each generates."""
    n: int = draft.client.get("n", 1)
    if n == 1:
        return (upstream,), 1
    if together(draft.context, n, upstream.get("temperature")):
        return ({**upstream, "n": n},), n
    check_fanout(n, draft.context, "n")
    draft.report.emulate("n")
    if "seed" in upstream:
        draft.report.emulate("seed")
    return tuple(_seeded(upstream, choice) for choice in range(n)), 1


def _seeded(upstream: Json, choice: int) -> Json:
    """Return the call for one choice, with a seed of its own: equal seeds give equal texts."""
    if "seed" not in upstream:
        return dict(upstream)
    seed = (upstream["seed"] + choice - INT64_MIN) % 2**64 + INT64_MIN
    return {**upstream, "seed": seed}
