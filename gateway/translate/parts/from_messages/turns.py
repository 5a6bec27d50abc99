"""The messages of a request as turns: a turn is what one side says until the other one speaks."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.schema.messages_blocks import MESSAGE, SYSTEM_CONFIG, SYSTEM_MESSAGE
from gateway.translate.schema.unknown_fields import carry_unknown

Role = Literal["user", "assistant", "system"]

_ROLES: tuple[Role, ...] = ("user", "assistant", "system")
_INSTRUCTING = ("system", "developer")


class Block(msgspec.Struct, gc=False):
    """A checked content block, and the client's path of it; a string is a text block."""

    json: Json
    path: str


class Turn(msgspec.Struct, gc=False):
    """Messages of one role in a row, which the API treats as one."""

    role: Role
    path: str
    """The path of the first message."""
    blocks: list[Block]
    results: Sequence[Block] = ()
    """The results of calls, which precede all else in a turn of the user."""

    @property
    def messages(self) -> Sequence[str]:
        """The paths of the messages that have blocks."""
        return list(dict.fromkeys(block.path.partition(".")[0] for block in self.blocks))

    @property
    def others(self) -> list[Block]:
        """The blocks that are not results."""
        if not self.results:
            return self.blocks
        return [block for block in self.blocks if block.json["type"] != "tool_result"]


def turns_of(messages: Sequence[Json], context: Context, report: Report) -> list[Turn]:
    """Return the turns of checked messages, with results directly after their calls.

    A system message that counts only until the user's next message is left out once that has come.
    A message of an unknown role counts as the user's (Claude Code's `ctx`, `msg`).
    """
    turns: list[Turn] = []
    turn: Turn | None = None
    roles = [message["role"] for message in messages]
    last_user = len(roles) - 1 - roles[::-1].index("user") if "user" in roles else 0
    for position, message in enumerate(messages):
        path, role = f"messages[{position}]", roles[position]
        if role not in _ROLES:
            report.change(f"{path}.role", role, "user")
            role = "user"
        if not MESSAGE.names.issuperset(message):
            _report_fields(message, role, path, context, report)
            if message.get("clear_at") == "next_user_message" and position < last_user:
                report.emulate(f"{path}.clear_at")
                continue
        blocks = _blocks(message["content"], path)
        if not blocks:
            continue
        if turn is not None and turn.role == role:
            turn.blocks += blocks
        else:
            turn = Turn(role, path, blocks)
            turns.append(turn)
    return _with_results_behind_calls(turns, report)


def _report_fields(message: Json, role: Role, path: str, context: Context, report: Report) -> None:
    known = SYSTEM_MESSAGE if role == "system" else MESSAGE
    carry_unknown(message, known, path, context, report)
    config = message.get("output_config", {})
    carry_unknown(config, SYSTEM_CONFIG, f"{path}.output_config", context, report)


def _blocks(content: str | list[Json], path: str) -> list[Block]:
    """Return the blocks of a content without empty texts, which other endpoints refuse."""
    if isinstance(content, str):
        return [Block({"type": "text", "text": content}, f"{path}.content")] if content else []
    return [
        Block(block, f"{path}.content[{index}]")
        for index, block in enumerate(content)
        if block["type"] != "text" or block["text"]
    ]


def _with_results_behind_calls(turns: Sequence[Turn], report: Report) -> list[Turn]:
    """Return the turns with all that was said between calls and results after the results."""
    ordered: list[Turn] = []
    for turn in turns:
        results = _results(turn.blocks) if turn.role == "user" else []
        if not results:
            ordered.append(turn)
            continue
        turn.results = results
        if turn.blocks[: len(results)] != results:
            report.change(f"{turn.path}.content", "text first", "results first")
        if ordered and ordered[-1].role == "system":
            between = ordered.pop()
            report.change(between.path, "before results", "behind them")
            ordered += [Turn("user", turn.path, results, results), between]
            if turn.others:
                ordered.append(Turn("user", turn.path, turn.others))
        else:
            ordered.append(turn)
    return ordered


def _results(blocks: Sequence[Block]) -> list[Block]:
    return [block for block in blocks if block.json["type"] == "tool_result"]


def hoisted(turns: Sequence[Turn], report: Report) -> list[Turn]:
    """Return the turns with all system messages in a first one."""
    by_system = [turn for turn in turns if turn.role == "system"]
    later = [turn for turn in turns[1:] if turn.role == "system"]
    if not later:
        return list(turns)
    for turn in later:
        report.change(turn.path, "in its place", "first")
    blocks = [block for turn in by_system for block in turn.blocks]
    first = Turn("system", by_system[0].path, blocks)
    return [first, *(turn for turn in turns if turn.role != "system")]


def check_left(client: Json, sent: Sequence[Json]) -> None:
    """Raise `InvalidRequest` if nothing of the conversation is sent but instructions.

    `sent` are the upstream's messages or items. It can be that the endpoint takes none of the
    content.
    """
    if any(each.get("role") not in _INSTRUCTING for each in sent):
        return
    if all(message["role"] == "system" for message in client["messages"]):
        return
    raise InvalidRequest(
        "Invalid 'messages': nothing is left of them, as the model's endpoint does not take what "
        "they have. Send at least one message of the user with text.",
        param="messages",
        code="invalid_value",
    )
