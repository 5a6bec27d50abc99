"""The chat request bodies of a completions request, and the parameters that they leave out.

The rules for every chat endpoint: a neutral value is never refused; a parameter that asks for
something is refused, or dropped if the operator allows that; a tuning parameter or a hint is
dropped. What is dropped is reported.
"""

from gateway.shapes import Json
from gateway.translate.completions_via_chat.prompt_forms import Prompt
from gateway.translate.completions_via_chat.request import (
    TABLE,
    Plan,
    not_by_model,
    stop_sequences,
)
from gateway.translate.contract import Context, Report, unsupported
from gateway.translate.parts.sampling import sampling_parameters
from gateway.translate.schema.checks import INT64_MIN, Record, String, extensions
from gateway.translate.schema.extra_params import extras_to_send

_NEVER_CROSS = frozenset(
    {
        # Means something else in chat: vLLM's default is true in completions, false in chat.
        "add_special_tokens",
        # Chat parameters that would override or contradict what the translation sends.
        "audio",
        "function_call",
        "functions",
        "max_completion_tokens",
        "messages",
        "modalities",
        "parallel_tool_calls",
        "tool_choice",
        "tools",
        "top_logprobs",
    }
)
_KNOWN_EVERYWHERE = frozenset({"response_format"})
"""vLLM's completions have this parameter, in the form of chat's own."""


def upstream_bodies(body: Json, plan: Plan, context: Context, report: Report) -> list[Json]:
    """Return the chat request bodies of a checked request, in call order.

    Empty if nothing is to be generated. Raises `UnsupportedParameter` (`InvalidRequest` for unknown
    parameters) if a parameter can neither be sent nor dropped.
    """
    common: Json = {}
    _limit(common, plan, context, report)
    if "user" in body:
        common["user"] = body["user"]
    common |= sampling_parameters(body, context, report, not_by_model(report))
    _choices(common, body, plan, context)
    _streaming(common, body, plan, context, report)
    _extensions(common, body, context, report)
    if context.reasoning_effort is not None and context.capabilities.reasoning_effort:
        common.setdefault("reasoning_effort", context.reasoning_effort)
    seeds = _seeds(body, plan, context, report)
    return [
        {
            "model": context.model_sent,
            "messages": _messages(plan.prompts[plan.prompt_of(call)], context),
            **common,
            **seeds[call % plan.calls_per_prompt],
        }
        for call in range(plan.call_count)
    ]


def _messages(prompt: Prompt, context: Context) -> list[Json]:
    user = {"role": "user", "content": prompt.text}
    system = context.settings.completion_system_prompt
    return [user] if system is None else [{"role": "system", "content": system}, user]


def _limit(sent: Json, plan: Plan, context: Context, report: Report) -> None:
    limit = plan.max_tokens
    if context.capabilities.reasoning and limit:
        # Reasoning counts against chat's limit, but completions clients limit the text.
        limit += context.settings.reasoning_headroom_tokens
    if limit != plan.max_tokens:
        report.change("max_tokens", plan.max_tokens, limit)
    sent[context.capabilities.max_tokens_field] = limit


def _choices(sent: Json, body: Json, plan: Plan, context: Context) -> None:
    """Send the parameters of choices: number, stop sequences, logprobs."""
    if plan.per_call > 1:
        sent["n"] = plan.per_call
    able = context.capabilities
    stops = stop_sequences(body)[: able.max_stops] if able.stop else []
    if stops:
        sent["stop"] = body["stop"] if isinstance(body["stop"], str) else stops
    if plan.logprobs is not None or plan.candidates > plan.n:
        sent["logprobs"] = True
        # llama.cpp reads 0 as "no logprobs", and an absent value as 20.
        sent["top_logprobs"] = max(plan.logprobs or 0, 1)


def _streaming(sent: Json, body: Json, plan: Plan, context: Context, report: Report) -> None:
    if not plan.stream:
        if context.capabilities.may_stream_unasked:
            sent["stream"] = False
        if body.get("stream_options"):
            report.drop("stream_options")
        return
    wanted: Json = dict(body.get("stream_options", {}))
    options: Json = {}
    if context.capabilities.stream_usage:
        # Asked for in every case: the gateway's own metrics count tokens.
        options["include_usage"] = True
    elif plan.include_usage:
        report.drop("stream_options.include_usage")
    if "include_obfuscation" in wanted and context.capabilities.strict_params:
        options["include_obfuscation"] = wanted.pop("include_obfuscation")
    wanted.pop("include_usage", None)
    for name in wanted:
        report.drop(f"stream_options.{name}")
    sent["stream"] = True
    if options:
        sent["stream_options"] = options


def _seeds(body: Json, plan: Plan, context: Context, report: Report) -> list[Json]:
    """Return the `seed` of each call of a prompt: equal seeds would give equal choices."""
    if "seed" not in body:
        return [{}] * plan.calls_per_prompt
    if not context.capabilities.seed:
        report.drop("seed")
        return [{}] * plan.calls_per_prompt
    if plan.calls_per_prompt > 1:
        report.emulate("seed")
    return [{"seed": _int64(body["seed"] + choice)} for choice in range(plan.calls_per_prompt)]


def _int64(number: int) -> int:
    return (number - INT64_MIN) % 2**64 + INT64_MIN


def _extensions(sent: Json, body: Json, context: Context, report: Report) -> None:
    """Send the parameters that OpenAI does not have, as far as the policy allows."""
    unknown = extensions(body, TABLE)
    for name in extras_to_send(
        unknown, body, context, report, dropped=_NEVER_CROSS, known_everywhere=_KNOWN_EVERYWHERE
    ):
        if name == "response_format":
            _response_format(sent, body[name], context, report)
        else:
            sent[name] = body[name]


def _response_format(sent: Json, value: object, context: Context, report: Report) -> None:
    form = Record({"type": String()}, required=("type",)).accept(value, "response_format")
    able = {
        "text": True,
        "json_object": context.capabilities.json_object,
        "json_schema": context.capabilities.json_schema,
    }
    if not able.get(form["type"], True):
        unsupported(context, report, "response_format", not_by_model(report))
    elif form["type"] != "text":
        sent["response_format"] = form
