"""Random requests of each shape: valid by the schema, and sensible."""

from collections.abc import Mapping

from hypothesis import strategies as st

from gateway.shapes import Json, Shape
from tests.translate.openai_schema import closed_definitions
from tests.translate.round_trips.generated import (
    BLANK,
    ENDINGS,
    numbered,
    objects,
    valid,
    values_of,
)
from tests.translate.round_trips.sense import made_sensible

SCHEMAS: Mapping[Shape, str] = {
    Shape.COMPLETIONS: "CreateCompletionRequest",
    Shape.CHAT: "CreateChatCompletionRequest",
    Shape.RESPONSES: "CreateResponse",
}

CLIENTS = tuple(SCHEMAS)
"""The shapes of clients whose requests OpenAI describes."""

_CALLS_OF_CHAT = values_of(closed_definitions()["ChatCompletionMessageToolCalls"]["items"])
_MESSAGE = "ChatCompletionRequest{}Message"


@st.composite
def requests(draw: st.DrawFn, shape: Shape, model: str) -> Json:
    """Requests for a model. Each of their texts has a mark of its own."""
    body = {"model": model, **draw(_SAID[shape]), **draw(_PARAMETERS[shape])}
    return made_sensible(shape, numbered(body))


def _parameters(shape: Shape) -> st.SearchStrategy[Json]:
    """Return a few parameters, as requests have them; seldom many."""
    properties = {
        name: values_of(schema, name)
        for name, schema in closed_definitions()[SCHEMAS[shape]]["properties"].items()
        if name not in ("model", "prompt", "messages", "input")
    }
    few = objects(properties, frozenset(), 3)
    return st.one_of(few, few, few, objects(properties, frozenset(), 9))


def _prompt() -> st.SearchStrategy[Json]:
    prompts = closed_definitions()[SCHEMAS[Shape.COMPLETIONS]]["properties"]["prompt"]
    texts = st.sampled_from([BLANK + ending for ending in ENDINGS])
    several = st.lists(texts, min_size=1, max_size=2)
    drawn = st.one_of(texts, texts, several, values_of(prompts))
    return drawn.map(lambda prompt: {"prompt": prompt or BLANK})


def _messages() -> st.SearchStrategy[Json]:
    return _flat(_turn_of_chat()).map(lambda messages: {"messages": messages})


@st.composite
def _turn_of_chat(draw: st.DrawFn) -> list[Json]:
    """One message, or an assistant's calls and what came of them."""
    kind = draw(st.sampled_from(["User", "User", "System", "Developer", "Assistant", "Tool"]))
    if kind != "Tool":
        return [draw(valid(_MESSAGE.format(kind)))]
    asking = draw(valid(_MESSAGE.format("Assistant")))
    if draw(st.integers(0, 4)) == 0:
        asking["function_call"] = {"name": BLANK, "arguments": f'{{"{BLANK}": 1}}'}
        return [asking, draw(valid(_MESSAGE.format("Function")))]
    asking["tool_calls"] = draw(st.lists(_CALLS_OF_CHAT, min_size=1, max_size=2))
    return [asking, *(draw(valid(_MESSAGE.format("Tool"))) for _ in asking["tool_calls"])]


def _input() -> st.SearchStrategy[Json]:
    texts = st.sampled_from([BLANK + ending for ending in ENDINGS])
    return st.one_of(texts, _flat(_items()), _flat(_items())).map(lambda given: {"input": given})


@st.composite
def _items(draw: st.DrawFn) -> list[Json]:
    """One item, or a call and its output."""
    kinds = draw(st.sampled_from(_KINDS_OF_ITEMS))
    return [draw(valid(kind)) for kind in kinds]


_KINDS_OF_ITEMS = (
    ("EasyInputMessage",),
    ("EasyInputMessage",),
    ("InputMessage",),
    ("OutputMessage",),
    ("ReasoningItem",),
    ("ReasoningItem", "FunctionToolCall", "FunctionCallOutputItemParam"),
    ("FunctionToolCall", "FunctionCallOutputItemParam"),
    ("CustomToolCall", "CustomToolCallOutput"),
    ("LocalShellToolCall", "LocalShellToolCallOutput"),
    ("FunctionShellCallItemParam", "FunctionShellCallOutputItemParam"),
    ("ApplyPatchToolCallItemParam", "ApplyPatchToolCallOutputItemParam"),
    ("InputItem",),
)
"""What a conversation is made of; the last is any of 30, hosted tools' own records too."""


def _flat(turn: st.SearchStrategy[list[Json]]) -> st.SearchStrategy[list[Json]]:
    turns = st.lists(turn, min_size=1, max_size=4)
    return turns.map(lambda turns: [each for turn in turns for each in turn])


_SAID: Mapping[Shape, st.SearchStrategy[Json]] = {
    Shape.COMPLETIONS: _prompt(),
    Shape.CHAT: _messages(),
    Shape.RESPONSES: _input(),
}
_PARAMETERS: Mapping[Shape, st.SearchStrategy[Json]] = {
    shape: _parameters(shape) for shape in SCHEMAS
}
