"""The chat messages of a responses request, in the order that chat requires."""

from collections.abc import Sequence

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.tools.call_faults import without_output
from gateway.translate.responses_via_chat.input.joined_users import joined_users
from gateway.translate.responses_via_chat.input.reader import Reader
from gateway.translate.responses_via_chat.input.turn import (
    SYSTEM_ROLES,
    Attachments,
    Origin,
    Turn,
)
from gateway.translate.responses_via_chat.tools.definitions import ToolNames


def input_turns(
    client: Json, names: ToolNames, context: Context, report: Report
) -> list[tuple[Json, Origin]]:
    """Return the chat messages of a checked request, each with its origin.

    Raises `InvalidRequest` where calls and outputs do not match, and
    `UnsupportedParameter` for items that chat cannot express, both naming `input[i]`.
    """
    reader = Reader(names, context, report)
    if client.get("instructions"):
        reader.instruct(client["instructions"])
    given = client["input"]
    if isinstance(given, str):
        reader.turns.append(Turn({"role": "user", "content": given}, "input"))
    else:
        for position, item in enumerate(given):
            reader.read(item, f"input[{position}]")
    turns = reader.finish()
    if not context.capabilities.multi_system:
        turns = _one_leading_system(turns)
    if not turns:
        raise InvalidRequest(
            "Invalid 'input': it has no messages. Send at least one message.",
            param="input",
            code="empty_array",
        )
    messages = _with_outputs(turns)
    return messages if context.capabilities.roles_in_a_row else joined_users(messages)


def _one_leading_system(turns: list[Turn]) -> list[Turn]:
    """Return the turns with all system messages before the first user message merged into one.

    Many chat templates allow only one, at the beginning (llama.cpp#20215, vllm#43590). Later ones
    stay in place: moving them to the front would change their meaning.
    """
    users = [i for i, turn in enumerate(turns) if turn.message["role"] == "user"]
    first_user = users[0] if users else len(turns)
    leading = [t for t in turns[:first_user] if t.message["role"] in SYSTEM_ROLES]
    if not leading or leading == turns[:1]:
        return turns
    others = [t for t in turns[:first_user] if t.message["role"] not in SYSTEM_ROLES]
    text = "\n\n".join(_text_of(turn.message["content"]) for turn in leading)
    first = leading[0]
    message = {"role": first.message["role"], "content": text}
    merged = Turn(message, first.path, text_path=first.text_path)
    return [merged, *others, *turns[first_user:]]


def _text_of(content: str | list[Json]) -> str:
    return content if isinstance(content, str) else "\n".join(part["text"] for part in content)


def _with_outputs(turns: Sequence[Turn]) -> list[tuple[Json, Origin]]:
    """Return the messages, each followed directly by the outputs of its calls."""
    messages: list[tuple[Json, Origin]] = []
    for turn in turns:
        messages.append((turn.message, turn))
        attachments: list[tuple[Json, str]] = []
        for call in turn.calls:
            if call.output is None:
                raise without_output(call.tool_call["id"], call.path)
            messages.append((call.output, call))
            attachments += call.attachments
        if attachments:
            content = [part for part, _ in attachments]
            origin = Attachments([path for _, path in attachments])
            messages.append(({"role": "user", "content": content}, origin))
    return messages
