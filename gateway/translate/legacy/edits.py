"""Clients of /v1/edits on models that chat.

OpenAI shut the endpoint down in January 2024 and recommends chat instead. An edit has an input text
and an instruction, but no conversation, limit or stream; its reply has neither `id` nor `model`
(openai-openapi 1.3.0, `CreateEditRequest` and `CreateEditResponse`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.errors import InvalidRequest, UpstreamError
from gateway.shapes import Json
from gateway.translate.completions_via_chat.reply import visible_text
from gateway.translate.contract import Context
from gateway.translate.parts.fields import created
from gateway.translate.parts.finish_reasons import finish_reason
from gateway.translate.parts.tokens.counts import token_count
from gateway.translate.parts.tokens.usage_sums import numbers, sum_usage
from gateway.translate.parts.upstream_errors import in_clients_words, upstream_error
from gateway.translate.schema.checks import Check, Integer, Number, String, check, extensions
from gateway.translate.schema.errors import missing
from gateway.translate.stream.reply_choices import choices_of, in_order, message_of

MAX_CHOICES = 20

MODELS = frozenset({"text-davinci-edit-001", "code-davinci-edit-001"})
"""The models of the endpoint. They were shut down, so each needs an alias."""

SUGGESTED_MODEL = "gpt-5.4-mini"
"""The model suggested as an alias of `MODELS`; any model that follows instructions works."""

TABLE: Mapping[str, Check] = {
    "model": String(),
    "input": String(),
    "instruction": String(),
    "n": Integer(1, MAX_CHOICES),
    "temperature": Number(0, 2),
    "top_p": Number(0, 1),
}
"""Every parameter of the endpoint."""

_OF_THE_LIBRARY = ("timeout",)
"""Fields that openai-python 0.28 sends in the body although they are options of the library."""

_SYSTEM = (
    "You edit text. Apply the instruction to the input and reply with the complete edited text "
    "only: no explanations, no quotation marks, no code fences. Change nothing the instruction "
    "does not ask for; keep line breaks, indentation and letter case. If there is no input, write "
    "the text that the instruction asks for."
)
_FENCE = "```"
_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


@dataclass(frozen=True, slots=True)
class Edit:
    """The parts of an edit request that its reply needs."""

    input: str
    instruction: str
    n: int
    marker: str
    """The line before and after the input; random, so that no input can contain it."""


def request_to_chat(body: Json, context: Context) -> tuple[Json, Edit]:
    """Return the chat request for an edit request, and the parts that its reply needs.

    Of the context, `model_sent`, `new_id` and `reasoning_effort` are used. Raises `InvalidRequest`
    naming the client's parameter; parameters that the endpoint did not have are refused.
    """
    checked = check(body, TABLE)
    for name in ("model", "instruction"):
        if name not in checked:
            raise missing(name)
    _refuse_unknown(checked)
    edit = Edit(
        input=checked.get("input", ""),
        instruction=checked["instruction"],
        n=checked.get("n", 1),
        marker=f"<<<{context.new_id()[:8]}>>>",
    )
    chat: Json = {"model": context.model_sent, "messages": _messages(edit)}
    chat |= {name: checked[name] for name in ("temperature", "top_p") if name in checked}
    if edit.n > 1:
        chat["n"] = edit.n
    if context.reasoning_effort is not None:
        chat["reasoning_effort"] = context.reasoning_effort
    return chat, edit


def request_for_rest(chat: Json, count: int) -> Json:
    """Return the chat request for `count` more choices: some servers ignore `n`."""
    rest = {name: value for name, value in chat.items() if name != "n"}
    return {**rest, "n": count} if count > 1 else rest


def choices_from_chat(reply: object, edit: Edit) -> list[Json]:
    """Return the choices of one chat reply as choices of an edit, in index order; at least one.

    Raises `UpstreamReplied` for an error and `UpstreamError` for anything else that is not a chat
    completion.
    """
    error = upstream_error(reply)
    if error is not None:
        raise in_clients_words(error, client_param(error.param, edit))
    choices = in_order(choices_of(reply)) if isinstance(reply, dict) else []
    if not choices:
        raise _malformed("it has no choices")
    return [_choice(choice, edit) for choice in choices]


def reply_from_chat(
    choices: Sequence[Json], replies: Sequence[Json], edit: Edit, context: Context
) -> Json:
    """Return the reply of an edit: its choices, and the usage of all chat replies.

    The tokens of the prompt count once, however many replies there are. `usage` is required, so
    tokens that no reply counts are 0. Raises `UpstreamError` for fewer choices than `n`.
    """
    if len(choices) < edit.n:
        raise _malformed(f"it has {len(choices)} of {edit.n} choices")
    usage = sum_usage([reply["usage"] for reply in replies if numbers(reply.get("usage"))])
    return {
        "object": "edit",
        "created": created(replies[0].get("created") or None, context),
        "choices": [{**choice, "index": i} for i, choice in enumerate(choices[: edit.n])],
        "usage": {name: _count(usage, name) for name in _COUNTS},
    }


def client_param(param: str | None, edit: Edit) -> str | None:
    """Return the client's name of a chat parameter; None if an edit does not have it.

    The user message stands for the input, if there is one; the rest stands for the instruction.
    """
    if not param:
        return None
    root = re.split(r"[.\[]", param, maxsplit=1)[0]
    if root == "messages" and param.startswith("messages[1]") and edit.input:
        return "input"
    if root == "messages" or root.startswith("max_"):
        return "instruction"
    return root if root in TABLE else None


def _refuse_unknown(body: Json) -> None:
    for name in extensions(body, TABLE, known_extensions=_OF_THE_LIBRARY):
        if name == "stream" and body[name] is False:
            continue
        raise InvalidRequest(
            f"Unrecognized request argument supplied: {name[:100]}. /v1/edits takes "
            f"only {', '.join(TABLE)}. Remove it, or call /v1/chat/completions.",
            param=name[:100],
            code="unknown_parameter",
        )


def _messages(edit: Edit) -> list[Json]:
    prompt = f"Instruction: {edit.instruction}"
    if edit.input:
        prompt += (
            f"\n\nInput (between the two marker lines):\n{edit.marker}\n{edit.input}\n{edit.marker}"
        )
    return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": prompt}]


def _choice(choice: Json, edit: Edit) -> Json:
    message = message_of(choice)
    if message is None:
        raise _malformed("a choice has no message")
    text = visible_text(message)
    reason = finish_reason(choice.get("finish_reason"), has_text=bool(text))
    edited: Json = {"text": edited_text(text, edit), "index": 0}
    # Documented, but never in old replies: included only if the text is incomplete.
    return edited if reason == "stop" else {**edited, "finish_reason": reason}


def edited_text(text: str, edit: Edit) -> str:
    """Return the model's text without markers or a fence that the model has put around it.

    The markers are the marker lines of the prompt. One code fence around everything is removed if
    neither input nor instruction has one. All other text stays as it is.
    """
    return _without_fence(_without_markers(text, edit.marker), edit)


def _without_markers(text: str, marker: str) -> str:
    if marker not in text:
        return text
    quoted = re.escape(marker)
    text = re.sub(rf"\A\s*{quoted}[ \t\r]*(?:\n|\Z)", "", text)
    text = re.sub(rf"\n[ \t]*{quoted}\s*\Z", "", text)
    return re.sub(rf"^[ \t]*{quoted}[ \t\r]*(?:\n|\Z)", "", text, flags=re.MULTILINE)


def _without_fence(text: str, edit: Edit) -> str:
    wrapped = text.strip()
    fenced = wrapped.startswith(_FENCE) and wrapped.endswith(_FENCE) and "\n" in wrapped
    if not fenced or wrapped.count(_FENCE) != 2 or _FENCE in edit.input + edit.instruction:
        return text
    return wrapped[wrapped.index("\n") + 1 : -len(_FENCE)].removesuffix("\n")


def _count(usage: Json | None, name: str) -> int:
    return token_count((usage or {}).get(name)) or 0


def _malformed(what: str) -> UpstreamError:
    return UpstreamError(f"The upstream's chat reply cannot be used for an edit: {what}.")
