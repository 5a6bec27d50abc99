"""What some servers demand of earlier messages, and others refuse: mostly fields with reasoning.

Reasoning models demand their reasoning, or its signature, back with each call. If a client has lost
it, or another model has made the call, there is a documented value to send instead. Models without
such fields may refuse those of others. Mistral demands ids and answers of its own form
(`earlier_calls`), and Claude that the user speaks last.

Sources: DeepSeek ("The `reasoning_content` in the thinking mode must be passed back to the API",
crush#2754), Moonshot (vscode#306695; both accept `NO_REASONING`); Google, "Thought signatures":
calls that come from another model get a dummy signature. Moonshot also refuses empty messages
(kimi-code#1985, AstrBot#7200). Claude from 4.6 on refuses to continue a last message of the
assistant (deepagents#1585), which OpenAI's models do.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from gateway.resolve.refusals.history.alternating_roles import with_alternating_roles
from gateway.resolve.refusals.history.chat_system import (
    TAKES_NONE,
    with_one_system,
)
from gateway.resolve.refusals.history.developer_role import (
    BY_SCHEMA,
    developers_field,
    without_developers,
)
from gateway.resolve.refusals.history.earlier_blocks import (
    TEXTS,
    USE_ID,
    refused_block,
    with_safe_ids,
    without_blank_texts,
)
from gateway.resolve.refusals.history.earlier_calls import (
    with_answers,
    with_short_ids,
    with_single_calls,
    with_valid_arguments,
)
from gateway.resolve.refusals.history.earlier_thinking import (
    ASKED,
    BINDING,
    BUDGET,
    ITEMS,
    THINKING,
    ask_to_leave_out,
    demanded_thinking,
    leave_out,
    think_no_more,
    think_within,
    without_reasoning,
)
from gateway.resolve.refusals.history.hints import CACHE, strip_hint
from gateway.resolve.refusals.history.lost_fields import (
    REASONING,
    SIGNATURE,
    with_reasoning,
    with_signatures,
    without_empty,
)
from gateway.resolve.refusals.history.marks import without_marks
from gateway.resolve.refusals.history.prompts_as_users import (
    ITEMS_ROLES,
    without_any_system,
    without_instructions,
)
from gateway.resolve.refusals.history.responses_system import INSTRUCTIONS, with_one_instruction
from gateway.resolve.refusals.history.responses_turns import TURNS, with_alternating_messages
from gateway.resolve.refusals.history.single_uses import (
    ITEMS_CALLS,
    with_single_items,
    with_single_uses,
)
from gateway.resolve.refusals.history.system_turns import ONLY_FIRST
from gateway.resolve.refusals.history.template_words import ALTERNATING, BEFORE, ONE_CALL
from gateway.shapes import Json, Shape

CALL_ID = "tool_call_id"
ANSWER = "messages"
CONTENT = "content"
LAST = "messages[-1]"
ARGUMENTS = "arguments"
CALLS = "tool_calls"
ROLE = "role"
ROLES = "roles"
ROW = "messages[role]"
"""These names: what fixes and the report call what earlier messages lack."""

JOINED = "joined=roles"
"""The entry in `sent` for a body whose roles alternate already. If it is refused for its roles, the
system message is one too many: the first templates of Mistral and others say so in these words."""

FILLED_WITH: Mapping[str, tuple[str, str]] = {
    REASONING: ("none", "blank"),
    SIGNATURE: ("none", "dummy"),
    CALL_ID: ("given", "hash"),
    ANSWER: ("tool+user", "tool+assistant+user"),
    CONTENT: ("empty", "left out"),
    LAST: ("assistant", "assistant+user"),
    ARGUMENTS: ("text", "object"),
    CALLS: ("parallel", "single"),
    ASKED: ("enabled", "disabled"),
    BINDING: ("none", "drop_block"),
    ROLE: ("system", "system+user"),
    ROLES: ("system", "user"),
    ROW: ("repeated", "joined"),
    INSTRUCTIONS: ("system", "system+user"),
    ITEMS_ROLES: ("system", "user"),
    ITEMS_CALLS: ("parallel", "single"),
    TURNS: ("repeated", "joined"),
    BUDGET: ("adaptive", "max_tokens"),
    USE_ID: ("given", "hash"),
    TEXTS: ("blank", "left out"),
    **dict.fromkeys(BY_SCHEMA, ("developer", "system")),
}
"""What there was, and what is sent instead, each in a word."""

_GO_ON: Json = {"role": "user", "content": "Continue."}

_ALTERNATE = re.compile(rf"{BEFORE}{ALTERNATING}", re.IGNORECASE)
_ONE_CALL = re.compile(rf"{BEFORE}{ONE_CALL}", re.IGNORECASE)
_TEXTS = (
    (
        REASONING,
        re.compile(
            r"The [`'\"]?reasoning_content[`'\"]? in the thinking mode must be passed back|"
            r"thinking is enabled but reasoning_content is missing|"
            r"(?i:missing) [`'\"]?reasoning_content[`'\"]? (?:field )?in the assistant message"
        ),
    ),
    (
        SIGNATURE,
        re.compile(r"Function call (?:[^\n]{1,200} )?is missing a [`'\"]?thought_signature"),
    ),
    (
        CALL_ID,
        re.compile(r"Tool call id was [^\n]{0,1000}?but must be a-z, A-Z, 0-9, with a length of 9"),
    ),
    (
        CONTENT,
        re.compile(
            r"(?:Invalid request: )?[Tt]he message at position \d{1,6} with role "
            r"'(?:assistant|system)' must not be empty"
        ),
    ),
    (
        ARGUMENTS,
        re.compile(
            # MiniMax; then texts of Python's JSON decoder, from templates at vLLM and SGLang
            r"invalid params, invalid function arguments json string|"
            r"messages\.\d{1,6}\.tool_calls\.\d{1,6}\.function\.arguments: arguments must be|"
            r"(?:Unterminated string starting at|Invalid (?:control character at|\\escape)|"
            r"Extra data|"
            r"Expecting (?:value|property name enclosed in double quotes|'[,:]' delimiter))"
            r": line \d{1,9} column \d{1,9} \(char \d{1,9}\)"
        ),
    ),
    (ANSWER, re.compile(r"Unexpected role [`'\"]?user[`'\"]? after role [`'\"]?tool[`'\"]?")),
    (CALLS, _ONE_CALL),
    (ROLE, ONLY_FIRST),
    (ROLES, TAKES_NONE),
    (ROW, _ALTERNATE),
)
_OF_TEMPLATES_AT_MESSAGES = ((ROW, _ALTERNATE), (ROLES, TAKES_NONE), (CALLS, _ONE_CALL))
_OF_TEMPLATES_AT_RESPONSES = (
    (INSTRUCTIONS, ONLY_FIRST),
    (TURNS, _ALTERNATE),
    (ITEMS_ROLES, TAKES_NONE),
    (ITEMS_CALLS, _ONE_CALL),
)

_PREFILL = re.compile(
    r"This model does not support assistant message prefill|"
    r"messages: final assistant content cannot end with trailing whitespace"
)


def demanded_field(message: str, called: Shape, sent: Collection[str] = ()) -> str | None:
    """Return the name of what an error's text demands of earlier messages, if anything.

    `messages`: an answer of the assistant after results; `content`: no empty messages; `arguments`:
    JSON objects as arguments of calls. With its name at responses in brackets, `tool_calls`: single
    calls (`input[function_call]`); `role`: one system message, at the beginning (`input[role]`);
    `roles`: no system message (`input[roles]`); `messages[role]`: alternating roles
    (`input[message]`); `messages[developer]`: no developer messages (`input[developer]`).
    `tool_use.id`, `content[text]`: Anthropic's demands in `earlier_blocks`, at chat by relays to
    it; `messages[-1]`: the user's message at the end; `thinking.type`: the thinking before earlier
    calls; `thinking.budget_tokens`: a budget in place of adaptive thinking. Other names are fields.
    `called` is the endpoint that refused, `sent` the names in the refused body.
    """
    of_blocks = demanded_thinking(message, called, sent) or refused_block(message)
    if JOINED in sent and _ALTERNATE.match(message):
        return ITEMS_ROLES if called is Shape.RESPONSES else ROLES
    if (developers := developers_field(message, called, sent)) is not None:
        return developers
    if called is Shape.MESSAGES:
        named = of_blocks or _named_in(_OF_TEMPLATES_AT_MESSAGES, message)
        if named == ROLES and "system" not in sent:
            named = None  # it is about a message within the conversation
        return LAST if _PREFILL.match(message) else named
    if called is Shape.RESPONSES:
        return _named_in(_OF_TEMPLATES_AT_RESPONSES, message)
    if called is not Shape.CHAT:
        return None
    if of_blocks is not None:
        return CALL_ID if of_blocks == USE_ID else of_blocks
    return _named_in(_TEXTS, message)


def _named_in(texts: Iterable[tuple[str, re.Pattern[str]]], message: str) -> str | None:
    return next((name for name, text in texts if text.match(message)), None)


_STRIPPED: Mapping[str, Callable[[Json], None]] = {
    CACHE: without_marks,
    ITEMS: without_reasoning,
    THINKING: leave_out,
}
"""How to strip what is not a field of messages, or not only one."""


def strip(body: Json, name: str) -> None:
    """Remove a field from the messages of a chat body. The given messages stay unchanged.

    Some names mean more: `cache_control`, the marks of a chat body in parts and tools, too;
    `content[thinking]`, the thinking blocks of a messages body; `input[reasoning]`, the reasoning
    items of a responses body; and names of hints, these hints wherever a messages body has them.
    """
    if name in _STRIPPED:
        _STRIPPED[name](body)
        return
    if strip_hint(body, name):
        return
    given = body.get("messages")
    if isinstance(given, list):
        body["messages"] = [
            {key: value for key, value in message.items() if key != name}
            if isinstance(message, dict)
            else message
            for message in given
        ]


def fill(body: Json, name: str) -> None:
    """Give a body what its earlier messages lack; `name` is one of `FILLED_WITH`.

    The given messages stay unchanged.
    """
    if name in _FILLED_BODIES:
        _FILLED_BODIES[name](body)
        return
    given = body.get("messages")
    if isinstance(given, list):
        body["messages"] = list(_FILLED[name](given))


def _with_users_last(messages: list[object]) -> Iterator[object]:
    """Yield the messages of a messages body; if the last is the assistant's, add a user's."""
    yield from messages
    last = messages[-1] if messages else None
    if isinstance(last, dict) and last.get("role") == "assistant":
        yield dict(_GO_ON)


def _with_single_calls(messages: list[object]) -> Iterator[object]:
    """Yield the messages of a chat or messages body with each call in a message of its own."""
    return with_single_uses(list(with_single_calls(messages)))


_FILLED: Mapping[str, Callable[[list[object]], Iterator[object]]] = {
    ANSWER: with_answers,
    ARGUMENTS: with_valid_arguments,
    CALLS: _with_single_calls,
    CALL_ID: with_short_ids,
    CONTENT: without_empty,
    LAST: _with_users_last,
    REASONING: with_reasoning,
    ROLE: with_one_system,
    ROW: with_alternating_roles,
    SIGNATURE: with_signatures,
    USE_ID: with_safe_ids,
}
_FILLED_BODIES: Mapping[str, Callable[[Json], None]] = {
    ASKED: think_no_more,
    BUDGET: think_within,
    BINDING: ask_to_leave_out,
    INSTRUCTIONS: with_one_instruction,
    ITEMS_CALLS: with_single_items,
    ITEMS_ROLES: without_instructions,
    ROLES: without_any_system,
    **dict.fromkeys(BY_SCHEMA, without_developers),
    TURNS: with_alternating_messages,
    TEXTS: without_blank_texts,
}
"""What changes more of a body than its messages."""
