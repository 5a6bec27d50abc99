"""How the prompts and choices of one completions request are divided among calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.shapes import Json
from gateway.translate.completions_via_chat.prompt_forms import read_prompts
from gateway.translate.contract import Context, Report, unsupported
from gateway.translate.fanout import check_fanout, choice_index, together
from gateway.translate.parts.tokens.usage_sums import complete_usage, sum_usage
from gateway.translate.schema.checks import INT64_MIN, Anything, Boolean, Check, Integer

TABLE: Mapping[str, Check] = {
    "prompt": Anything(),
    "n": Integer(1, 128),
    "best_of": Integer(0, 20),
    "seed": Integer(),
    "stream": Boolean(),
}


@dataclass(frozen=True, slots=True)
class SentPrompt:
    """One prompt as it is sent, and its path in the client's request: `prompt`, or `prompt[3]`."""

    value: str | list[int]
    path: str


@dataclass(frozen=True, slots=True)
class Fan:
    """The order of prompts and choices over calls: prompt by prompt, then choice by choice."""

    prompts: tuple[SentPrompt, ...]
    n: int
    """Choices that the client gets per prompt."""
    per_call: int
    """Choices that one call generates: all, or one."""

    @property
    def calls_per_prompt(self) -> int:
        """The number of calls that generate the choices of one prompt."""
        return self.n // self.per_call

    @property
    def call_count(self) -> int:
        """The number of calls."""
        return len(self.prompts) * self.calls_per_prompt

    def prompt_of(self, call: int) -> SentPrompt:
        """Return the prompt that a call is about."""
        return self.prompts[call // self.calls_per_prompt]

    def client_index(self, call: int, position: int) -> int:
        """Return the client's index of a call's choice."""
        prompt, turn = divmod(call, self.calls_per_prompt)
        return choice_index(prompt, turn * self.per_call + position, self.n)

    def total_usage(self, usages: Sequence[object]) -> Json | None:
        """Return the usage of all calls; None unless every call's is known.

        A prompt's tokens count once, even if several calls generate its choices.
        """
        known = [complete_usage(usage) for usage in usages]
        return sum_usage(known, lambda call: call % self.calls_per_prompt == 0)


@dataclass(slots=True)
class PreparedRequest:
    """The upstream bodies, and the parts of the request that the fold of the replies needs."""

    fan: Fan
    calls: Sequence[Json]
    client_params: frozenset[str]
    """The names of the parameters that the client sent."""

    @property
    def include_usage(self) -> bool:
        """Whether the client wants the usage at the end of its stream."""
        options = self.calls[0].get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter: `prompt[2]` for the third call's `prompt`."""
        if not param:
            return None
        root = param.partition(".")[0].partition("[")[0]
        if root == "prompt":
            return self.fan.prompt_of(call).path
        return param if root in self.client_params else None


def read_fan(body: Json, context: Context) -> Fan:
    """Return how a checked request is divided among calls.

    Raises `InvalidRequest` if the list or the number of choices is wrong or too large, and
    `UnsupportedParameter` for token ids that cannot be turned into text.
    """
    n: int = body.get("n", 1)
    at_once = together(context, n, body.get("temperature"))
    fan = Fan(_sent_prompts(body["prompt"], context), n, n if at_once else 1)
    check_fanout(len(fan.prompts) * n, context, "prompt")
    return fan


def spread(body: Json, fan: Fan, context: Context, report: Report) -> list[Json]:
    """Return the request bodies of all calls. Raises `UnsupportedParameter` for `best_of`."""
    common = {**body, "model": context.model_sent}
    if fan.per_call < fan.n:
        common = _one_by_one(common, fan.n, context, report)
    return [
        {**common, **_seed(common, call, fan, report), "prompt": fan.prompt_of(call).value}
        for call in range(fan.call_count)
    ]


def _sent_prompts(prompt: list[Any], context: Context) -> tuple[SentPrompt, ...]:
    if prompt and context.capabilities.token_prompts and all(type(item) is list for item in prompt):
        return tuple(SentPrompt(item, f"prompt[{i}]") for i, item in enumerate(prompt))
    return tuple(SentPrompt(read.text, read.path) for read in read_prompts(prompt, context))


def _one_by_one(body: Json, n: int, context: Context, report: Report) -> Json:
    """Return the body of a call that generates one choice of `n`."""
    report.emulate("n")
    if body.get("best_of", n) > n:
        unsupported(
            context,
            report,
            "best_of",
            "its completions endpoint generates one choice per call, so none is better.",
        )
    return {key: value for key, value in body.items() if key not in ("n", "best_of")}


def _seed(body: Json, call: int, fan: Fan, report: Report) -> Json:
    """Return the call's `seed`: one seed for all calls would give a prompt equal choices."""
    turn = call % fan.calls_per_prompt
    if "seed" not in body or turn == 0:
        return {}
    report.emulate("seed")
    return {"seed": (body["seed"] + turn - INT64_MIN) % 2**64 + INT64_MIN}
