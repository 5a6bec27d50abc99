"""Messages as one prompt, for a model that is served at the completions endpoint.

A model does not reveal the convention that it was trained on: the operator names a template, or
`select` guesses by the model's name. Base models continue a transcript; instruct models take the
bare text; OpenAI's first fine-tunes need the separator of their data; ChatML and Jinja templates
are for chat models whose server has no chat endpoint.
"""

import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import lru_cache

from gateway.config.translation_settings import TemplateSettings
from gateway.errors import UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.prompt.conversation import (
    ASSISTANT,
    USER,
    Turn,
    escape_special,
    late_system,
    read_turns,
    split_system,
)

__all__ = ["LeadingStripper", "RenderedPrompt", "render", "select"]

_FINE_TUNE_STOP = " END"
"""The end of a completion that OpenAI's data preparation tool suggests first for free text."""

_FINE_TUNE = re.compile(
    r"ft:(babbage|davinci)-002\b|(babbage|davinci)-002\.ft-|(ada|babbage|curie|davinci):ft-"
)
_FINE_TUNE_BASE = re.compile(r"(babbage|davinci)-002|ada|babbage|curie|davinci")
_INSTRUCT = re.compile(r"gpt-3\.5-turbo-instruct|gpt-35-turbo-instruct|text-[a-z]+-\d{3}$")


@dataclass(slots=True)
class RenderedPrompt:
    """A prompt, and the consequences of its template for request and reply."""

    text: str
    stops: tuple[str, ...]
    """Stop sequences at the end of the model's turn; to be sent after the client's own."""
    strip_leading: bool
    """Whether leading spaces and newlines of the reply belong to the template, not to the text."""
    starts_with_bos: bool = False
    """Whether the text begins with the token that some servers add to every prompt."""
    named: AbstractSet[int] = field(default=frozenset(), compare=False)
    """The positions of the messages whose `name`, if they have one, is in the text."""
    moved: AbstractSet[int] = field(default=frozenset(), compare=False)
    """The positions of system messages that the text has before messages that precede them."""


class LeadingStripper:
    """Strips leading spaces and newlines of a text that arrives in pieces."""

    def __init__(self) -> None:
        self._started = False

    def feed(self, text: str) -> str:
        """Return the next piece, stripped as long as no other text has come."""
        if not self._started:
            text = text.lstrip(" \r\n")
            self._started = bool(text)
        return text


def select(context: Context) -> TemplateSettings:
    """Return the configured template, or the one that the model's or its base's name suggests."""
    if context.template is not None:
        return context.template
    return _suggested(context.model_sent, context.base_model)


@lru_cache(maxsize=1024)
def _suggested(model: str, base: str | None) -> TemplateSettings:
    names = [name for name in (model, base) if name]
    if any(_FINE_TUNE.match(name) for name in names) or _derives_from_base(model, base):
        return TemplateSettings(name="finetune", stop=(_FINE_TUNE_STOP,))
    if any(_INSTRUCT.match(name) or name.endswith("-instruct") for name in names):
        return TemplateSettings(name="raw")
    return TemplateSettings(name="transcript")


def _derives_from_base(model: str, base: str | None) -> bool:
    return base is not None and base != model and _FINE_TUNE_BASE.fullmatch(base) is not None


def render(
    template: TemplateSettings,
    messages: Sequence[Json],
    context: Context,
    *,
    tools: Sequence[Json] = (),
    continue_final_message: bool = False,
) -> RenderedPrompt:
    """Return the prompt for chat `messages`.

    `tools` (in chat's form) are for `jinja` templates, which alone can render them and the turns
    that use them. `continue_final_message` (vLLM's extension) leaves the last message open, to be
    continued, instead of beginning the assistant's next one.

    Raises `InvalidRequest` or `UnsupportedParameter` naming `messages[i]` or a path below it;
    `ValueError` for a template that the configuration should have refused.
    """
    turns = read_turns(messages)
    if template.name == "jinja":
        return _jinja(template, turns, context, tools, continue_final_message)
    renderer = _RENDERERS.get(template.name)
    if renderer is None:
        raise ValueError(f"unknown prompt template {template.name!r}")
    for turn in turns:
        if turn.has_tools:
            raise UnsupportedParameter(
                f"'{turn.param}' is part of a tool call, which the prompt template "
                f"'{template.name}' of model '{context.model_asked}' cannot express. Remove it, "
                "or ask the gateway's operator for a 'jinja' template that renders tools.",
                param=turn.param,
            )
    rendered = renderer(_Task(template, turns, context, continue_final_message))
    rendered.stops = tuple(dict.fromkeys(rendered.stops + template.stop))
    if template.name not in _IN_PLACE:
        rendered.moved = late_system(turns)
    return rendered


def _jinja(
    template: TemplateSettings,
    turns: Sequence[Turn],
    context: Context,
    tools: Sequence[Json],
    open_ended: bool,
) -> RenderedPrompt:
    # Jinja is large, and most gateways have no Jinja template: the first one loads it.
    from gateway.translate.prompt.templates import render_conversation

    text, in_place = render_conversation(template, turns, context, tools, open_ended=open_ended)
    # An upstream that ends at this token by itself never sends it as text.
    stops = (*template.stop, template.eos_token) if template.eos_token else template.stop
    bos = template.bos_token
    named = frozenset(turn.position for turn in turns if turn.name and turn.name in text)
    starts_with_bos = bool(bos) and text.startswith(bos)
    moved = frozenset() if in_place else late_system(turns)
    return RenderedPrompt(
        text, tuple(dict.fromkeys(stops)), False, starts_with_bos, named=named, moved=moved
    )


def _preface(system: str) -> str:
    return f"{system}\n\n" if system else ""


@dataclass(slots=True)
class _Task:
    """The input of built-in templates; `open_ended`: continue the last message."""

    template: TemplateSettings
    turns: Sequence[Turn]
    context: Context
    open_ended: bool


def _raw(task: _Task) -> RenderedPrompt:
    system, others = split_system(task.turns)
    if [turn.role for turn in others] != [USER]:
        return _transcript(task)
    return RenderedPrompt(_preface(system) + others[0].text, (), strip_leading=False)


def _transcript(task: _Task) -> RenderedPrompt:
    return _dialogue_prompt(task, "User", "Assistant", ("User", "System"))


def _human_ai(task: _Task) -> RenderedPrompt:
    return _dialogue_prompt(task, "Human", "AI", ("Human", "AI"))


def _dialogue_prompt(
    task: _Task, user: str, assistant: str, speakers: Sequence[str]
) -> RenderedPrompt:
    _, others = split_system(task.turns)
    names = [turn.name for turn in others if turn.name]
    stops = tuple(f"\n{name}:" for name in (*speakers, *names))
    text = _dialogue(task, user, assistant)
    return RenderedPrompt(text, stops, strip_leading=not task.open_ended, named=_positions(others))


def _positions(turns: Sequence[Turn]) -> AbstractSet[int]:
    return frozenset(turn.position for turn in turns)


def _dialogue(task: _Task, user: str, assistant: str) -> str:
    """Return a transcript that ends where the assistant's turn begins.

    No space follows the last colon: it would be a token of its own, which the model's training
    texts do not have there.
    """
    system, others = split_system(task.turns)
    lines: list[str] = []
    for turn in others:
        speaker = turn.name or (assistant if turn.role == ASSISTANT else user)
        text = turn.text
        if task.context.settings.transcript_indent and turn.role == USER:
            text = text.replace("\n", "\n  ")
        lines.append(f"{speaker}: {text}")
    if not (task.open_ended and others):
        lines.append(f"{assistant}:")
    return _preface(system) + "\n".join(lines)


def _finetune(task: _Task) -> RenderedPrompt:
    template, turns, begun = task.template, list(task.turns), ""
    if task.open_ended and turns[-1].role == ASSISTANT:
        # Training data begin each completion with a space.
        begun = " " + turns.pop().text.lstrip(" ")
    system, others = split_system(turns)
    named: AbstractSet[int] = frozenset()
    if len(others) > 1:
        text = _dialogue(replace(task, turns=turns, open_ended=True), "User", "Assistant")
        named = _positions(others)
    else:
        text = _preface(system) + others[0].text if others else system
    prompt = f"{template.prefix}{text}{template.separator}{begun}"
    stops = () if template.stop else (_FINE_TUNE_STOP,)
    return RenderedPrompt(prompt, stops, strip_leading=not begun, named=named)


def _chatml(task: _Task) -> RenderedPrompt:
    pieces: list[str] = []
    for turn in task.turns:
        name = f" name={turn.name}" if turn.name else ""
        text = escape_special(turn.text, task.template, task.context)
        pieces.append(f"<|im_start|>{turn.role}{name}\n{text}<|im_end|>\n")
    if task.open_ended:
        pieces[-1] = pieces[-1].removesuffix("<|im_end|>\n")
    else:
        pieces.append("<|im_start|>assistant\n")
    return RenderedPrompt(
        "".join(pieces),
        ("<|im_end|>", "<|im_start|>"),
        strip_leading=False,
        named=_positions(task.turns),
    )


_RENDERERS: dict[str, Callable[[_Task], RenderedPrompt]] = {
    "raw": _raw,
    "transcript": _transcript,
    "human_ai": _human_ai,
    "finetune": _finetune,
    "chatml": _chatml,
}

_IN_PLACE = frozenset({"chatml"})
"""The templates that keep system messages in their places; the others put one system text first."""
