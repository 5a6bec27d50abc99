"""The request of a completions client, and how it is divided into chat requests.

A list of prompts becomes one chat request for each prompt, never one conversation. If the upstream
does not support `n`, there is one for each prompt and choice. Parameter semantics: OpenAI's OpenAPI
document, `CreateCompletionRequest`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.completions_via_chat.prompt_forms import Prompt, read_prompts
from gateway.translate.contract import Context, Report, unsupported
from gateway.translate.fanout import check_fanout, choice_index, together
from gateway.translate.schema.checks import (
    Anything,
    Boolean,
    Check,
    Integer,
    Number,
    Record,
    String,
    StringOrStrings,
)
from gateway.translate.schema.checks import Mapping as Object

DEFAULT_MAX_TOKENS = 16
"""The limit of a completions request without `max_tokens`; chat has no default."""

TABLE: Mapping[str, Check] = {
    "model": String(),
    "prompt": Anything(),
    "suffix": String(),
    "max_tokens": Integer(minimum=0),
    "temperature": Number(0, 2),
    "top_p": Number(0, 1),
    "n": Integer(1, 128),
    "stream": Boolean(),
    "stream_options": Record({"include_usage": Boolean(), "include_obfuscation": Boolean()}),
    # The upper bound is the upstream's: self-hosted ones allow more than OpenAI's 5.
    "logprobs": Integer(minimum=0),
    "echo": Boolean(),
    # Beyond OpenAI's 4 the gateway scans for them, as self-hosted servers allow more.
    "stop": StringOrStrings(max_items=64),
    "presence_penalty": Number(-2, 2),
    "frequency_penalty": Number(-2, 2),
    "best_of": Integer(0, 20),
    "logit_bias": Object(Number(-100, 100)),
    "seed": Integer(),
    "user": String(),
}


def not_by_model(report: Report) -> str:
    """Return the reason for refusing a parameter that chat servers usually take."""
    return f"its {report.target} endpoint does not accept it."


@dataclass(slots=True)
class Plan:
    """The client's request, and how it is divided into upstream calls.

    Calls are ordered by prompt, then by choice.
    """

    prompts: tuple[Prompt, ...]
    n: int = 1
    """Choices that the client gets per prompt."""
    candidates: int = 1
    """Choices that are generated per prompt (`best_of`)."""
    per_call: int = 1
    """Choices that one upstream call generates."""
    echo: bool = False
    logprobs: int | None = None
    """The requested alternatives per token; None: no logprobs."""
    stops: tuple[str, ...] = ()
    """The stop sequences that the gateway scans for; empty if the upstream applies them."""
    stream: bool = False
    include_usage: bool = False
    max_tokens: int = DEFAULT_MAX_TOKENS
    client_params: frozenset[str] = frozenset()
    """The names of the parameters that the client sent."""

    @property
    def calls_per_prompt(self) -> int:
        """How many calls generate the candidates of one prompt."""
        return self.candidates // self.per_call

    @property
    def call_count(self) -> int:
        """How many upstream calls there are."""
        return len(self.prompts) * self.calls_per_prompt if self.max_tokens else 0

    def prompt_of(self, call: int) -> int:
        """Return the position of the prompt that a call is about."""
        return call // self.calls_per_prompt

    def opens_prompt(self, call: int) -> bool:
        """Whether a call is the first of its prompt, whose prompt tokens are counted."""
        return call % self.calls_per_prompt == 0

    def client_index(self, call: int, position: int) -> int:
        """Return the client's index of a call's choice; not for plans that rank candidates."""
        first = (call % self.calls_per_prompt) * self.per_call
        return choice_index(self.prompt_of(call), first + position, self.n)


@dataclass(slots=True)
class PreparedRequest:
    """The upstream bodies, and the parts of the request that the fold of the replies needs."""

    plan: Plan
    calls: Sequence[Json]
    report: Report

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a chat parameter; None if its request has no equivalent.

        `messages[0].content` is `prompt`, or `prompt[2]` for the call with the third prompt of a
        list. Names that the client itself has sent stay.
        """
        if not param:
            return None
        root = re.split(r"[.\[]", param, maxsplit=1)[0]
        if root == "messages":
            return self.plan.prompts[self.plan.prompt_of(call)].path
        if root in ("max_completion_tokens", "max_tokens"):
            # Also if the client set no limit: then completions' default was sent.
            return "max_tokens"
        if root in ("top_logprobs", "logprobs"):
            return self._sent("logprobs") or self._sent("best_of")
        if root == "n":
            return self._sent("best_of") or self._sent("n")
        return param if root in self.plan.client_params else None

    def _sent(self, name: str) -> str | None:
        return name if name in self.plan.client_params else None


def read_plan(body: Json, context: Context, report: Report) -> Plan:
    """Return the plan of a checked request.

    Raises `InvalidRequest` for values that contradict each other, and `UnsupportedParameter` for
    requests that chat cannot express.
    """
    stream = body.get("stream", False)
    n, candidates = _counts(body, context, report, stream=stream)
    temperature = body.get("temperature")
    # OpenAI's completions rank equal texts; chat servers refuse to generate them.
    equal = candidates > n and temperature == 0
    at_once = not equal and together(context, candidates, temperature)
    prompts = read_prompts(body.get("prompt"), context)
    plan = Plan(
        prompts=prompts,
        n=n,
        candidates=candidates,
        per_call=candidates if at_once else 1,
        echo=body.get("echo", False),
        logprobs=_logprobs(body, context, report),
        stops=_scanned_stops(body, context, report),
        stream=stream,
        include_usage=stream and body.get("stream_options", {}).get("include_usage", False),
        max_tokens=body.get("max_tokens", DEFAULT_MAX_TOKENS),
        client_params=frozenset(body),
    )
    several = "best_of" if candidates > n else "n"
    # Even without calls there are choices to build.
    total = plan.call_count or len(prompts) * n
    check_fanout(total, context, "prompt" if len(prompts) > 1 else several)
    if body.get("suffix"):
        unsupported(
            context,
            report,
            "suffix",
            f"the model is served through the {report.target} endpoint, which has no equivalent.",
        )
    _report_emulations(plan, report)
    return plan


def _counts(body: Json, context: Context, report: Report, *, stream: bool) -> tuple[int, int]:
    """Return how many choices to give and how many to generate for each prompt."""
    n: int = body.get("n", 1)
    best_of: int = body.get("best_of", n)
    if best_of < n:
        raise InvalidRequest(
            f"Invalid 'best_of': {best_of} is less than 'n', which is {n}. Set 'best_of' to at "
            "least 'n', or leave it out.",
            param="best_of",
            code="invalid_value",
        )
    if best_of > n and stream:
        raise InvalidRequest(
            "Invalid 'best_of': results cannot be streamed when 'best_of' is greater than 'n', "
            "because the best are known only at the end. Leave out 'best_of' or 'stream'.",
            param="best_of",
            code="invalid_value",
        )
    if best_of > n and not context.capabilities.logprobs:
        raise UnsupportedParameter(
            f"'best_of' is not supported for model '{context.model_asked}': its {report.target} "
            "endpoint gives no logprobs to choose the best by. Leave out 'best_of'.",
            param="best_of",
        )
    return n, best_of


def _logprobs(body: Json, context: Context, report: Report) -> int | None:
    if "logprobs" not in body:
        return None
    if body.get("echo", False):
        raise UnsupportedParameter(
            f"'logprobs' together with 'echo' is not supported for model '{context.model_asked}': "
            f"the model is served through the {report.target} endpoint, which gives no logprobs "
            "of the prompt's tokens. Leave one of the two out; to score a text, use a model that "
            "has a completions endpoint.",
            param="logprobs",
        )
    if not context.capabilities.logprobs:
        unsupported(context, report, "logprobs", not_by_model(report))
        return None
    return Integer(0, context.capabilities.max_top_logprobs).accept(body["logprobs"], "logprobs")


def stop_sequences(body: Json) -> list[str]:
    """Return the stop sequences of a request, each once.

    Raises `InvalidRequest` for an empty one.
    """
    if "stop" not in body:
        return []
    stop = body["stop"]
    stops = [stop] if isinstance(stop, str) else stop
    if "" in stops:
        raise InvalidRequest(
            "Invalid 'stop': a stop sequence cannot be empty. Remove the empty string.",
            param="stop" if isinstance(stop, str) else f"stop[{stops.index('')}]",
            code="invalid_value",
        )
    return list(dict.fromkeys(stops))


def _scanned_stops(body: Json, context: Context, report: Report) -> tuple[str, ...]:
    stops, capabilities = stop_sequences(body), context.capabilities
    if not stops or (capabilities.stop and len(stops) <= capabilities.max_stops):
        return ()
    report.emulate("stop")
    return tuple(stops)


def _report_emulations(plan: Plan, report: Report) -> None:
    if len(plan.prompts) > 1 or plan.prompts[0].tokens is not None:
        report.emulate("prompt")
    if plan.echo:
        report.emulate("echo")
    if plan.candidates > plan.n:
        report.emulate("best_of")
    if plan.n > plan.per_call:
        report.emulate("n")
    if plan.max_tokens == 0:
        report.emulate("max_tokens")
