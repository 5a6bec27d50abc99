"""What a chat model does with a conversation; chat and responses write the same turn differently.

The model repeats what the user said last. It calls a tool when the user's text contains
`call NAME` and NAME is one of the tools, or asks a question with all words of its name that have
four letters or more (`get_weather`: "What is the weather?"), and reports what a tool returned.
"""

import json
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from gateway.demo.generation.scenarios import Behaviour, Scenario
from gateway.demo.generation.structured import example
from gateway.demo.generation.tokens import Candidate, generate
from gateway.demo.models import DemoModel, Quirk

REFUSAL = "I'm sorry, but I can't help with that."
REASONING_TOKENS = 8
"""What reasoning costs, whatever the effort."""
_WANTED = re.compile(r"\bcall ([A-Za-z0-9_-]+)")
_WORD = re.compile(r"[a-z]{4,}")


class Kind(Enum):
    """What a turn consists of."""

    TEXT = auto()
    REFUSAL = auto()
    CALLS = auto()


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation, as far as the answer depends on it.

    `tools` maps names to parameter schemas, `free` are those of them that take a text instead, with
    which they get what the user said; `tool_choice` is `auto`, `none`, `required` or a
    tool's name after `=`. `format` is `{"type": "text"}`, `{"type": "json_object"}` or
    `{"type": "json_schema", "schema": …}`.
    """

    text: str
    tool_output: str | None = None
    tools: Mapping[str, Any] = field(default_factory=dict)
    free: Container[str] = ()
    tool_choice: str = "auto"
    parallel: bool = True
    format: Mapping[str, Any] = field(default_factory=lambda: {"type": "text"})
    limit: int | None = None
    stops: Sequence[str] = ()
    seed: int = 0
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call: its arguments, as generated, are JSON unless a limit cut them.

    Those of a tool that takes a text (`is_free`) are that text.
    """

    name: str
    arguments: Candidate
    is_free: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model did: it wrote or refused (`candidate`), or called tools."""

    kind: Kind
    candidate: Candidate
    calls: tuple[ToolCall, ...] = ()

    @property
    def finish(self) -> str:
        """Why the turn ended: stop, length, content_filter or tool_calls."""
        if self.kind is not Kind.CALLS:
            return self.candidate.finish
        cut = any(call.arguments.finish == "length" for call in self.calls)
        return "length" if cut else "tool_calls"

    @property
    def spent(self) -> int:
        """Tokens generated, reasoning included."""
        arguments = sum(len(call.arguments.tokens) for call in self.calls)
        return len(self.candidate.tokens) + arguments + self.candidate.hidden


def reasoning_tokens(model: DemoModel, effort: str | None) -> int:
    """Return what the model spends on reasoning at this effort (None: the model's default)."""
    if Quirk.REASONING not in model.quirks:
        return 0
    if effort is None:
        effort = "medium" if Quirk.ALWAYS_REASONS in model.quirks else "none"
    return 0 if effort == "none" else REASONING_TOKENS


def take_turn(conversation: Conversation, scenario: Scenario, choice: int) -> Turn:
    """Return the model's turn for choice number `choice`."""
    variant = conversation.seed + choice
    names = _called(conversation)
    if names:
        return _calling(conversation, names, variant)
    if scenario.behaviour is Behaviour.REFUSE:
        return Turn(Kind.REFUSAL, _generated(conversation, scenario, REFUSAL, variant))
    text = scenario.text(_usual_text(conversation, variant))
    return Turn(Kind.TEXT, _generated(conversation, scenario, text, variant))


def _generated(
    conversation: Conversation, scenario: Scenario, text: str, variant: int
) -> Candidate:
    return generate(
        text,
        limit=scenario.limit(conversation.limit),
        stops=conversation.stops,
        finish=scenario.finish,
        variant=variant,
        hidden=conversation.hidden,
    )


def _usual_text(conversation: Conversation, variant: int) -> str:
    kind = conversation.format["type"]
    if kind == "json_schema":
        return _json(example(conversation.format.get("schema"), conversation.text))
    if kind == "json_object":
        document: dict[str, object] = {"you_said": conversation.text}
        document |= {"take": variant + 1} if variant else {}
        return _json(document)
    number = f" (take {variant + 1})" if variant else ""
    if conversation.tool_output is not None:
        return f"The tool said: {conversation.tool_output}{number}"
    return f"You said: {conversation.text}{number}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _called(conversation: Conversation) -> list[str]:
    if conversation.tool_choice.startswith("="):
        return [conversation.tool_choice[1:]]
    required = conversation.tool_choice == "required"
    if conversation.tool_choice == "none":
        return []
    if conversation.tool_output is not None and not required:
        return []
    wanted = [name for name in _WANTED.findall(conversation.text) if name in conversation.tools]
    if not wanted and conversation.text.rstrip().endswith("?"):
        wanted = _answering(conversation.text, conversation.tools)
    if not wanted and required:
        wanted = list(conversation.tools)[:1]
    return wanted if conversation.parallel else wanted[:1]


def _answering(question: str, tools: Iterable[str]) -> list[str]:
    words = set(_WORD.findall(question.lower()))
    named = ((name, set(_WORD.findall(name.lower()))) for name in tools)
    return [name for name, meant in named if meant and meant <= words]


def _calling(conversation: Conversation, names: list[str], variant: int) -> Turn:
    left = conversation.limit
    reasoning = generate("", limit=left, hidden=conversation.hidden, variant=variant)
    spent = reasoning.hidden
    calls: list[ToolCall] = []
    for name in names:
        is_free, text = name in conversation.free, conversation.text
        if not is_free:
            text = _json(example(conversation.tools[name], text))
        limit = None if left is None else left - spent
        arguments = generate(text, limit=limit, variant=variant)
        calls.append(ToolCall(name, arguments, is_free))
        spent += len(arguments.tokens)
        if arguments.finish == "length":
            break
    return Turn(Kind.CALLS, reasoning, tuple(calls))
