"""The table of pairs: what a client of one shape sees of a model of another, case by case."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto

from gateway.shapes import Json, Shape


class Case(StrEnum):
    PLAIN = auto()
    TOOLS = auto()
    REFUSAL = auto()
    LENGTH = auto()
    ERROR_BEFORE = auto()
    ERROR_INSIDE = auto()
    TRUNCATED = auto()


@dataclass(frozen=True)
class Impossible:
    """A cell that is a 400 about the client's parameter, or that cannot come about (no param)."""

    reason: str
    param: str | None = None


COMPLETIONS, CHAT, RESPONSES, MESSAGES = Shape
REFUSAL = "I'm sorry, but I can't help with that."
NO_TOOLS_TO_SEND = Impossible("a completions request has no tools", "tools")
NO_TOOLS_TO_SHOW = Impossible("a base model would answer a tool call in free text", "tools")
BASE_MODELS_DO_NOT_REFUSE = Impossible(
    "a completions endpoint has no refusal that is separate from its text"
)
BROKEN = {
    Case.ERROR_BEFORE: "HTTP 429 rate_limit_exceeded",
    Case.ERROR_INSIDE: "says 'You said'; error: server_error",
    Case.TRUNCATED: "says 'You said'; error: upstream_stream_truncated",
}
BROKEN_RESPONSE = {
    Case.ERROR_BEFORE: "HTTP 429 rate_limit_exceeded",
    Case.ERROR_INSIDE: "says 'You said'; finish: failed; error: server_error",
    Case.TRUNCATED: "says 'You said'; finish: failed; error: upstream_stream_truncated",
}
OF_ANTHROPIC = {Case.ERROR_BEFORE: "HTTP 429 None"}
"""Its errors have a type only, rate_limit_error: there is nothing to make a code of."""
BROKEN_MESSAGE = {
    Case.ERROR_BEFORE: "HTTP 429 rate_limit_error",
    Case.ERROR_INSIDE: "says 'You said'; error: api_error",
    Case.TRUNCATED: "says 'You said'; error: api_error",
}

TABLE: Mapping[tuple[Shape, Shape], Mapping[Case, str | Impossible]] = {
    (COMPLETIONS, CHAT): {
        Case.PLAIN: "says 'You said: Hello'; finish: stop",
        Case.TOOLS: NO_TOOLS_TO_SEND,
        Case.REFUSAL: f'says "{REFUSAL}"; finish: stop',
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; finish: length",
        **BROKEN,
    },
    (COMPLETIONS, RESPONSES): {
        Case.PLAIN: "says 'You said: Hello'; finish: stop",
        Case.TOOLS: NO_TOOLS_TO_SEND,
        Case.REFUSAL: f'says "{REFUSAL}"; finish: stop',
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; finish: length",
        **BROKEN,
    },
    (CHAT, COMPLETIONS): {
        Case.PLAIN: "says ' [gpt-3.5-turbo-instruct continues: Hello]'; finish: stop",
        Case.TOOLS: NO_TOOLS_TO_SHOW,
        Case.REFUSAL: BASE_MODELS_DO_NOT_REFUSE,
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; finish: length",
        Case.ERROR_BEFORE: "HTTP 429 rate_limit_exceeded",
        Case.ERROR_INSIDE: "says ' [gpt'; error: server_error",
        Case.TRUNCATED: "says ' [gpt'; error: upstream_stream_truncated",
    },
    (CHAT, RESPONSES): {
        Case.PLAIN: "says 'You said: Hello'; finish: stop",
        Case.TOOLS: 'calls weather {"city": "call weather"}; finish: tool_calls',
        Case.REFUSAL: f'refuses "{REFUSAL}"; finish: stop',
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; finish: length",
        **BROKEN,
    },
    (RESPONSES, CHAT): {
        Case.PLAIN: "says 'You said: Hello'; finish: completed",
        Case.TOOLS: 'calls weather {"city": "call weather"}; finish: completed',
        Case.REFUSAL: f'refuses "{REFUSAL}"; finish: completed',
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; "
        "finish: incomplete (max_output_tokens)",
        **BROKEN_RESPONSE,
    },
    (RESPONSES, COMPLETIONS): {
        Case.PLAIN: "says ' [gpt-3.5-turbo-instruct continues: Hello]'; finish: completed",
        Case.TOOLS: NO_TOOLS_TO_SHOW,
        Case.REFUSAL: BASE_MODELS_DO_NOT_REFUSE,
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; "
        "finish: incomplete (max_output_tokens)",
        Case.ERROR_BEFORE: "HTTP 429 rate_limit_exceeded",
        Case.ERROR_INSIDE: "says ' [gpt'; finish: failed; error: server_error",
        Case.TRUNCATED: "says ' [gpt'; finish: failed; error: upstream_stream_truncated",
    },
    (COMPLETIONS, MESSAGES): {
        Case.PLAIN: "says 'You said: Hello'; finish: stop",
        # A stranger's parameter, which only OpenAI refuses: elsewhere it is left out and reported.
        Case.TOOLS: "says 'You said: call weather'; finish: stop",
        Case.REFUSAL: f'says "{REFUSAL}"; finish: content_filter',
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; finish: length",
        **BROKEN,
        **OF_ANTHROPIC,
    },
    (CHAT, MESSAGES): {
        Case.PLAIN: "says 'You said: Hello'; finish: stop",
        Case.TOOLS: 'calls weather {"city": "call weather"}; finish: tool_calls',
        Case.REFUSAL: f'refuses "{REFUSAL}"; finish: content_filter',
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; finish: length",
        **BROKEN,
        **OF_ANTHROPIC,
    },
    (RESPONSES, MESSAGES): {
        Case.PLAIN: "says 'You said: Hello'; finish: completed",
        Case.TOOLS: 'calls weather {"city": "call weather"}; finish: completed',
        Case.REFUSAL: f'refuses "{REFUSAL}"; finish: incomplete (content_filter)',
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; "
        "finish: incomplete (max_output_tokens)",
        **BROKEN_RESPONSE,
        **OF_ANTHROPIC,
    },
    (MESSAGES, CHAT): {
        Case.PLAIN: "says 'You said: Hello'; finish: end_turn",
        Case.TOOLS: 'calls weather {"city": "call weather"}; finish: tool_use',
        Case.REFUSAL: f'refuses "{REFUSAL}"; finish: refusal',
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; finish: max_tokens",
        **BROKEN_MESSAGE,
    },
    (MESSAGES, RESPONSES): {
        Case.PLAIN: "says 'You said: Hello'; finish: end_turn",
        Case.TOOLS: 'calls weather {"city": "call weather"}; finish: tool_use',
        Case.REFUSAL: f'refuses "{REFUSAL}"; finish: refusal',
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; finish: max_tokens",
        **BROKEN_MESSAGE,
    },
    (MESSAGES, COMPLETIONS): {
        Case.PLAIN: "says ' [gpt-3.5-turbo-instruct continues: Hello]'; finish: end_turn",
        Case.TOOLS: NO_TOOLS_TO_SHOW,
        Case.REFUSAL: BASE_MODELS_DO_NOT_REFUSE,
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; finish: max_tokens",
        Case.ERROR_BEFORE: "HTTP 429 rate_limit_error",
        Case.ERROR_INSIDE: "says ' [gpt'; error: api_error",
        Case.TRUNCATED: "says ' [gpt'; error: api_error",
    },
}
PAIRS = list(TABLE)
CELLS = [(client, home, case) for client, home in TABLE for case in Case]

WORDS: Mapping[Case, str] = {
    Case.PLAIN: "Hello",
    Case.TOOLS: "call weather",
    Case.REFUSAL: "!refuse",
    Case.LENGTH: "!count 99",
    Case.ERROR_BEFORE: "!429",
    Case.ERROR_INSIDE: "!fail-midstream",
    Case.TRUNCATED: "!truncate",
}
LIMIT = 16
"""The least that a responses endpoint takes, and what completions mean without a limit."""
MODELS: Mapping[Shape, str] = {
    COMPLETIONS: "gpt-3.5-turbo-instruct",
    CHAT: "gpt-4o-mini",
    RESPONSES: "gpt-4o-mini",
    MESSAGES: "claude-demo-sonnet-4-5",
}
WEATHER: Json = {
    "name": "weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


def messages_tool(function: Json) -> Json:
    """Return a function as a tool of messages."""
    named = {"parameters": "input_schema"}
    return {named.get(name, name): value for name, value in function.items()}


def request(client: Shape, home: Shape, case: Case) -> Json:
    """The client's request for a case."""
    body: Json = {"model": MODELS[home]}
    said = WORDS[case]
    if client is COMPLETIONS:
        body |= {"prompt": said, "max_tokens": LIMIT if case is Case.LENGTH else 50}
        tool: Json = {"type": "function", "function": WEATHER}
    elif client is CHAT:
        body |= {"messages": [{"role": "user", "content": said}]}
        body |= {"max_completion_tokens": LIMIT} if case is Case.LENGTH else {}
        tool = {"type": "function", "function": WEATHER}
    elif client is MESSAGES:
        body |= {"messages": [{"role": "user", "content": said}]}
        body |= {"max_tokens": LIMIT if case is Case.LENGTH else 50}
        tool = messages_tool(WEATHER)
    else:
        body |= {"input": said}
        body |= {"max_output_tokens": LIMIT} if case is Case.LENGTH else {}
        tool = {"type": "function", **WEATHER}
    return body | ({"tools": [tool]} if case is Case.TOOLS else {})
