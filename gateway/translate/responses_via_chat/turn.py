"""The chat messages that a responses request becomes, in the order that chat demands."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report

SYSTEM_ROLES = ("system", "developer")


@dataclass(slots=True)
class Call:
    """One call in an assistant's message, and its output once that has come."""

    tool_call: Json
    path: str
    output: Json | None = None
    output_path: str = ""
    attachments: list[Json] = field(default_factory=list)
    """Chat parts of the output that a tool's message cannot hold."""


@dataclass(slots=True)
class Turn:
    """One chat message, with the client's path of what it came from."""

    message: Json
    path: str
    calls: list[Call] = field(default_factory=list)


def says_something(turn: Turn) -> bool:
    """Whether the turn holds more than reasoning."""
    return bool(turn.calls) or turn.message["content"] is not None or "refusal" in turn.message


def system_text(content: str | list[Json], path: str, report: Report) -> str | list[Json]:
    """Return the content of a system message, which in chat is text only."""
    beyond = report.target is not Shape.CHAT
    if not isinstance(content, str):
        for position, part in enumerate(content):
            if part["type"] != "text":
                raise UnsupportedParameter(
                    f"'{path}[{position}]' is not text, but the model is served through the "
                    f"{report.target} endpoint, which takes text only"
                    f"{'' if beyond else ' in system messages'}. "
                    f"{'Remove it' if beyond else 'Send it in a message of the user'}.",
                    param=f"{path}[{position}]",
                )
    return content


def one_leading_system(turns: list[Turn]) -> list[Turn]:
    """Return the turns with the system messages before any user's message merged into the first.

    Many chat templates know only one, at the beginning (llama.cpp#20215, vllm#43590). Later ones
    stay where they are: hoisting would change what they say.
    """
    users = [i for i, turn in enumerate(turns) if turn.message["role"] == "user"]
    first_user = users[0] if users else len(turns)
    leading = [t for t in turns[:first_user] if t.message["role"] in SYSTEM_ROLES]
    if not leading or leading == turns[:1]:
        return turns
    others = [t for t in turns[:first_user] if t.message["role"] not in SYSTEM_ROLES]
    text = "\n\n".join(_text_of(turn.message["content"]) for turn in leading)
    merged = Turn({"role": leading[0].message["role"], "content": text}, leading[0].path)
    return [merged, *others, *turns[first_user:]]


def _text_of(content: str | list[Json]) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def with_outputs(turns: Sequence[Turn]) -> list[tuple[Json, Turn | Call | None]]:
    """Return the messages with the outputs of calls directly after the message with the calls."""
    messages: list[tuple[Json, Turn | Call | None]] = []
    for turn in turns:
        messages.append((turn.message, turn))
        attachments: list[Json] = []
        for call in turn.calls:
            if call.output is None:
                raise InvalidRequest(
                    f"No tool output found for function call {call.tool_call['id'][:100]}. "
                    "Send an item with its output, or remove the call.",
                    param=call.path,
                    code="invalid_value",
                )
            messages.append((call.output, call))
            attachments += call.attachments
        if attachments:
            messages.append(({"role": "user", "content": attachments}, None))
    return messages
