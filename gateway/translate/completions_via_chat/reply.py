"""Whole chat replies as one completions reply."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.shapes import Json, Shape
from gateway.translate.completions_via_chat.extra_fields import extra_fields, report_calls
from gateway.translate.completions_via_chat.request import Plan, PreparedRequest
from gateway.translate.contract import Context, Report
from gateway.translate.fanout import choice_index, rank
from gateway.translate.parts.content.sources import sources_of, sources_within
from gateway.translate.parts.content.texts import refusal_in, text_of
from gateway.translate.parts.fields import created, fingerprint, model_name, swap_id
from gateway.translate.parts.finish_reasons import finish_reason, native_word, with_native
from gateway.translate.parts.tokens.logprobs import LegacyLogprobs, chat_logprobs, truncate_entries
from gateway.translate.parts.tokens.usage_sums import complete_usage, sum_usage
from gateway.translate.parts.tokens.visible_tokens import visible_entries
from gateway.translate.parts.upstream_errors import malformed_chat, without_error
from gateway.translate.stream.reply_choices import choices_of, in_order, message_of
from gateway.translate.stream.stops import cut

MAX_ALTERNATIVES = 20
"""The most alternatives per token that any endpoint gives."""


@dataclass(slots=True)
class Candidate:
    """One generated text, already cut at a stop sequence."""

    text: str
    finish_reason: str
    entries: list[Json] | None
    """Chat's logprobs entries of the text; None: the upstream gave no logprobs."""
    refused: bool = False
    """Whether the text is a refusal, for which servers give no logprobs."""
    more: Json = field(default_factory=dict)
    """Further fields of the choice; see `extra_fields`."""


def fold_replies(replies: Sequence[object], request: PreparedRequest, context: Context) -> Json:
    """Return one completions reply made from the chat replies to all calls, in call order.

    Raises `UpstreamReplied` for a reply that is an error, and `UpstreamError` for one that is not a
    chat completion or lacks some of the requested choices.
    """
    plan = request.plan
    if len(replies) != plan.call_count:
        raise malformed_chat(f"{len(replies)} of {plan.call_count} calls were answered")
    bodies = [_chat_completion(call, reply, request) for call, reply in enumerate(replies)]
    first, is_only = bodies[0], len(bodies) == 1
    reply: Json = {
        "id": swap_id(first.get("id") if is_only else None, Shape.COMPLETIONS, context),
        "object": "text_completion",
        "created": created(first.get("created") or None, context),
        "model": model_name(first.get("model") or None, context),
        "choices": [
            _choice(candidate, plan, prompt, choice_index(prompt, position, plan.n), context)
            for prompt, candidates in enumerate(_generated(bodies, request))
            for position, candidate in enumerate(_best(candidates, plan))
        ],
    }
    usage = total_usage(plan, [body.get("usage") for body in bodies])
    if usage is not None:
        reply["usage"] = usage
    known = fingerprint(bodies)
    if known is not None:
        reply["system_fingerprint"] = known
    return {**reply, **sources_of(first)} if is_only else reply


def _generated(bodies: Sequence[Json], request: PreparedRequest) -> list[list[Candidate]]:
    """Return the candidates that were generated for each prompt."""
    plan = request.plan
    generated: list[list[Candidate]] = [[] for _ in plan.prompts]
    for call, body in enumerate(bodies):
        beside = sources_of(body) if len(bodies) > 1 else {}
        for candidate in _candidates(body, plan, request.report):
            candidate.more |= beside
            generated[plan.prompt_of(call)].append(candidate)
    return generated


def fold_nothing(plan: Plan, context: Context) -> Json:
    """Return the reply to `max_tokens: 0`, which generates nothing.

    Chat has no request for zero tokens, so the gateway answers. The usage is known only for
    prompts of token ids. A streaming client gets the reply as a chunk, with `usage` (null if
    unknown) only on request.
    """
    empty = Candidate("", "length", [])
    reply: Json = {
        "id": swap_id(None, Shape.COMPLETIONS, context),
        "object": "text_completion",
        "created": context.now,
        "model": model_name(None, context),
        "choices": [
            _choice(empty, plan, prompt, choice_index(prompt, position, plan.n), context)
            for prompt in range(len(plan.prompts))
            for position in range(plan.n)
        ],
    }
    counts = [prompt.tokens for prompt in plan.prompts if prompt.tokens is not None]
    usage = None
    if len(counts) == len(plan.prompts):
        total = sum(counts)
        usage = {"prompt_tokens": total, "completion_tokens": 0, "total_tokens": total}
    if plan.include_usage or (usage is not None and not plan.stream):
        reply["usage"] = usage
    return reply


def _chat_completion(call: int, reply: object, request: PreparedRequest) -> Json:
    body = without_error(call, reply, request)
    if not isinstance(body.get("choices"), list):
        raise malformed_chat("it has no list 'choices'")
    return body


def _candidates(body: Json, plan: Plan, report: Report) -> list[Candidate]:
    """Return the candidates of one call, in index order."""
    choices = in_order(choices_of(body))
    if len(choices) < plan.per_call:
        raise malformed_chat(f"it has {len(choices)} of {plan.per_call} choices")
    return [_candidate(choice, plan, report) for choice in choices[: plan.per_call]]


def _candidate(choice: Json, plan: Plan, report: Report) -> Candidate:
    message = message_of(choice)
    if message is None:
        raise malformed_chat("a choice has no 'message'")
    report_calls(message, report)
    text = visible_text(message)
    entries = _entries(choice, message, text, plan)
    has_content = bool(content_of(message))
    before, found = cut(text, plan.stops)
    more = extra_fields(message, has_content=has_content) | sources_within(choice)
    if found is not None:
        kept = None if entries is None else truncate_entries(entries, before)
        return Candidate(before, "stop", kept, not has_content, more)
    has_something = bool(text or more)
    reason = client_finish_reason(choice.get("finish_reason"), report, has_text=has_something)
    shown = with_native(more, native_word(choice))
    return Candidate(text, reason, entries, not has_content, shown)


def _entries(choice: Json, message: Json, text: str, plan: Plan) -> list[Json] | None:
    """Return the logprobs of a text, if it has any and they are needed."""
    if plan.logprobs is None and plan.candidates == plan.n:
        return None
    entries = logprob_entries(choice)
    return None if entries is None else visible_entries(message, text, entries)


def visible_text(message: Json) -> str:
    """Return the text of a chat message: its content, its refusal, or its audio's transcript.

    Raises `UpstreamError` if the text is not a string.
    """
    text = content_of(message) or refusal_in(message) or transcript_of(message) or ""
    if not isinstance(text, str):
        raise malformed_chat("a message's content is not text")
    return text


def content_of(message: Json) -> str:
    """Return the content of a chat message, or of a delta, as text.

    In a content of parts (Mistral's reasoning models) only text counts: completions clients never
    get reasoning. Raises `UpstreamError` for anything else.
    """
    content = message.get("content")
    if isinstance(content, list):
        content = text_of(content)
    text: object = content or ""
    if not isinstance(text, str):
        raise malformed_chat("a message's content is not text")
    return text


def transcript_of(message: Json) -> object:
    """Return the transcript of the audio of a message or a delta, if there is one."""
    audio = message.get("audio")
    return audio.get("transcript") if isinstance(audio, dict) else None


def logprob_entries(choice: Json) -> list[Any] | None:
    """Return the logprobs entries of a chat choice; None if it has no logprobs.

    Conversion checks the entries themselves. Raises `UpstreamError`.
    """
    logprobs = choice.get("logprobs")
    if not logprobs:
        return None
    if not isinstance(logprobs, dict):
        raise malformed_chat("a choice's 'logprobs' is not an object")
    if "content" not in logprobs and "tokens" in logprobs:
        # Some servers use completions' form at chat, too (llama-cpp-python#1787, vllm#3179).
        return chat_logprobs(logprobs, top=MAX_ALTERNATIVES)
    entries: object = logprobs.get("content") or logprobs.get("refusal")
    if entries is not None and not isinstance(entries, list):
        raise malformed_chat("a choice's 'logprobs.content' is not a list")
    return entries


def client_finish_reason(word: object, report: Report, *, has_text: bool) -> str:
    """Return the completions word for a chat choice's `finish_reason`; raises `UpstreamError`.

    Completions have no word for tool calls: they become `stop`, and are reported.
    """
    reason = finish_reason(word, has_text=has_text)
    if not has_text and word in ("tool_calls", "function_call"):
        report.change("finish_reason", word, reason)
    return reason


def _best(candidates: list[Candidate], plan: Plan) -> list[Candidate]:
    """Return the candidates that the client gets, in its order; raises `UnsupportedParameter`."""
    if plan.candidates == plan.n:
        return candidates
    chat_choices: list[Json] = [
        {
            "message": {"refusal" if c.refused else "content": c.text},
            "logprobs": {"content": c.entries},
        }
        for c in candidates
    ]
    return [candidates[position] for position in rank(chat_choices)[: plan.n]]


def legacy_logprobs(plan: Plan, prompt: int, context: Context) -> LegacyLogprobs | None:
    """Return the converter of one choice's logprobs; None if the client requested none.

    OpenAI counts `text_offset` from the start of the prompt, vLLM from the start of the reply's
    text: the setting `text_offset_base` decides. An echoed prompt has no logprobs (refused).
    """
    if plan.logprobs is None:
        return None
    from_prompt = context.settings.text_offset_base == "prompt"
    offset = len(plan.prompts[prompt].text) if from_prompt else 0
    return LegacyLogprobs(offset=offset, top=plan.logprobs)


def _choice(candidate: Candidate, plan: Plan, prompt: int, index: int, context: Context) -> Json:
    converter = legacy_logprobs(plan, prompt, context)
    converted = None
    if converter is not None and candidate.entries is not None:
        converted = converter.convert(candidate.entries)
    echoed = plan.prompts[prompt].text if plan.echo else ""
    return {
        "index": index,
        "text": echoed + candidate.text,
        "logprobs": converted,
        "finish_reason": candidate.finish_reason,
        **candidate.more,
    }


def total_usage(plan: Plan, usages: Sequence[object]) -> Json | None:
    """Return the usage of all calls; None unless every call's is known.

    A prompt's tokens count once, even if several calls generate its choices.
    """
    return sum_usage([complete_usage(usage) for usage in usages], plan.opens_prompt)
