"""What a chat model does with a conversation; chat and responses write the same turn differently.

The model says back what the user said last. It calls a tool when the user's text contains
`call NAME` and NAME is one of the tools, or asks a question with all words of its name that have
four letters or more (`get_weather`: "What is the weather?"), and reports what a tool returned.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from gateway.demo.generation import Candidate, generate
from gateway.demo.models import DemoModel, Quirk
from gateway.demo.scenarios import Scenario, Trick
from gateway.demo.structured import example

REFUSAL = "I'm sorry, but I can't help with that."
REASONING_TOKENS = 8
"""What thinking costs, whatever the effort."""
_WANTED = re.compile(r"\bcall ([A-Za-z0-9_-]+)")
_WORD = re.compile(r"[a-z]{4,}")


class Kind(Enum):
    """What a turn consists of."""

    TEXT = auto()
    REFUSAL = auto()
    CALLS = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """A conversation, as far as the answer depends on it.

    `tools` maps names to parameter schemas; `tool_choice` is `auto`, `none`, `required` or a
    tool's name after `=`. `format` is `{"type": "text"}`, `{"type": "json_object"}` or
    `{"type": "json_schema", "schema": …}`.
    """

    text: str
    tool_output: str | None = None
    tools: Mapping[str, Any] = field(default_factory=dict)
    tool_choice: str = "auto"
    parallel: bool = True
    format: Mapping[str, Any] = field(default_factory=lambda: {"type": "text"})
    limit: int | None = None
    stops: Sequence[str] = ()
    seed: int = 0
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function call: its arguments, as generated, are JSON unless a limit cut them."""

    name: str
    arguments: Candidate


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model did: said or refused (`said`), or called tools."""

    kind: Kind
    said: Candidate
    calls: tuple[ToolCall, ...] = ()

    @property
    def finish(self) -> str:
        """Why the turn ended: stop, length, content_filter or tool_calls."""
        if self.kind is not Kind.CALLS:
            return self.said.finish
        cut = any(call.arguments.finish == "length" for call in self.calls)
        return "length" if cut else "tool_calls"

    @property
    def spent(self) -> int:
        """Tokens generated, reasoning included."""
        visible = len(self.said.tokens) + sum(len(call.arguments.tokens) for call in self.calls)
        return visible + self.said.hidden


def reasoning_tokens(model: DemoModel, effort: str | None) -> int:
    """Return what the model spends on thinking at this effort (null: the model's default)."""
    if Quirk.REASONING not in model.quirks:
        return 0
    if effort is None:
        effort = "medium" if Quirk.ALWAYS_REASONS in model.quirks else "none"
    return 0 if effort == "none" else REASONING_TOKENS


def take(asked: Asked, scenario: Scenario, choice: int) -> Turn:
    """Return the model's turn number `choice`."""
    variant = asked.seed + choice
    names = _called(asked)
    if names:
        return _calling(asked, names, variant)
    if scenario.trick is Trick.REFUSE:
        return Turn(Kind.REFUSAL, _generated(asked, scenario, REFUSAL, variant))
    plain = scenario.words(_plain(asked, variant))
    return Turn(Kind.TEXT, _generated(asked, scenario, plain, variant))


def _generated(asked: Asked, scenario: Scenario, text: str, variant: int) -> Candidate:
    return generate(
        text,
        limit=scenario.limit(asked.limit),
        stops=asked.stops,
        finish=scenario.finish,
        variant=variant,
        hidden=asked.hidden,
    )


def _plain(asked: Asked, variant: int) -> str:
    kind = asked.format["type"]
    if kind == "json_schema":
        return json.dumps(example(asked.format.get("schema"), asked.text), ensure_ascii=False)
    if kind == "json_object":
        said: dict[str, object] = {"you_said": asked.text}
        return json.dumps(said | ({"take": variant + 1} if variant else {}), ensure_ascii=False)
    number = f" (take {variant + 1})" if variant else ""
    if asked.tool_output is not None:
        return f"The tool said: {asked.tool_output}{number}"
    return f"You said: {asked.text}{number}"


def _called(asked: Asked) -> list[str]:
    if asked.tool_choice.startswith("="):
        return [asked.tool_choice[1:]]
    if asked.tool_choice == "none" or asked.tool_output is not None:
        return []
    wanted = [name for name in _WANTED.findall(asked.text) if name in asked.tools]
    if not wanted and asked.text.rstrip().endswith("?"):
        wanted = _answering(asked.text, asked.tools)
    if not wanted and asked.tool_choice == "required":
        wanted = list(asked.tools)[:1]
    return wanted if asked.parallel else wanted[:1]


def _answering(question: str, tools: Iterable[str]) -> list[str]:
    words = set(_WORD.findall(question.lower()))
    named = ((name, set(_WORD.findall(name.lower()))) for name in tools)
    return [name for name, meant in named if meant and meant <= words]


def _calling(asked: Asked, names: list[str], variant: int) -> Turn:
    left = asked.limit
    thought = generate("", limit=left, hidden=asked.hidden, variant=variant)
    spent = thought.hidden
    calls: list[ToolCall] = []
    for name in names:
        arguments = json.dumps(example(asked.tools[name], asked.text), ensure_ascii=False)
        made = generate(arguments, limit=None if left is None else left - spent, variant=variant)
        calls.append(ToolCall(name, made))
        spent += len(made.tokens)
        if made.finish == "length":
            break
    return Turn(Kind.CALLS, thought, tuple(calls))
