"""What the messages of a request must be to one another: roles, calls and results, signatures."""

from collections.abc import Iterator, Sequence

from gateway.demo.generation.answer import Json
from gateway.demo.generation.signing import is_signed
from gateway.demo.messages_models import MessagesModel
from gateway.demo.refusals.messages import invalid

_ENDS_TURNS = ("server_tool_use", "_tool_result")


def blocks_of(message: Json) -> list[Json]:
    """Return the content of a message as blocks."""
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def check_turns(messages: Sequence[Json], model: MessagesModel) -> None:
    """Raise `Refused` for a conversation that Anthropic would not continue on this model."""
    if not messages:
        raise invalid("messages: at least one message is required")
    _check_roles(messages, model)
    _check_contents(messages)
    _check_calls(messages)
    _check_signatures(messages)
    if messages[-1]["role"] == "assistant":
        _check_prefill(messages[-1], model)


def _check_roles(messages: Sequence[Json], model: MessagesModel) -> None:
    roles = [message["role"] for message in messages]
    if "system" in roles and not model.late_system:
        raise invalid(
            'messages: Unexpected role "system". The Messages API accepts a top-level `system`'
            ' parameter, not "system" as an input message role.'
        )
    if roles[0] != "user":
        raise invalid('messages: first message must use the "user" role')
    for place, role in enumerate(roles):
        if role == "system" and not _is_placed(messages, place):
            raise invalid(
                f"messages.{place}: a system message must follow a user message, and be the last"
                " one or be followed by an assistant message"
            )


def _is_placed(messages: Sequence[Json], place: int) -> bool:
    before = messages[place - 1]
    last = blocks_of(before)[-1]["type"] if before["content"] else ""
    follows = before["role"] == "user" or (
        before["role"] == "assistant" and last.endswith(_ENDS_TURNS)
    )
    after = messages[place + 1 : place + 2]
    return follows and (not after or after[0]["role"] == "assistant")


def _check_contents(messages: Sequence[Json]) -> None:
    last = len(messages) - 1
    for place, message in enumerate(messages):
        if not message["content"] and not (place == last and message["role"] == "assistant"):
            raise invalid(
                f"messages.{place}: all messages must have non-empty content except for the"
                " optional final assistant message"
            )


def _turns(messages: Sequence[Json]) -> list[tuple[int, str, list[Json]]]:
    """Return place, role and blocks of each turn; neighbours of one role are one turn."""
    turns: list[tuple[int, str, list[Json]]] = []
    for place, message in enumerate(messages):
        role = message["role"]
        if turns and turns[-1][1] == role:
            turns[-1][2].extend(blocks_of(message))
        elif role != "system":
            turns.append((place, role, [*blocks_of(message)]))
    return turns


def _check_calls(messages: Sequence[Json]) -> None:
    called: list[str] = []
    calling = 0
    for place, role, blocks in _turns(messages):
        if role == "user":
            answered = list(_first_results(blocks))
            _check_answered(calling, called, answered)
            _check_answers(place, called, blocks)
            called = []
        else:
            called = [block["id"] for block in blocks if block["type"] == "tool_use"]
            calling = place
            if len(set(called)) < len(called):
                raise invalid(f"messages.{place}.content: `tool_use` ids must be unique")
    _check_answered(calling, called, [])


def _first_results(blocks: Sequence[Json]) -> Iterator[str]:
    for block in blocks:
        if block["type"] != "tool_result":
            return
        yield block["tool_use_id"]


def _check_answered(place: int, called: Sequence[str], answered: Sequence[str]) -> None:
    missing = [each for each in called if each not in answered]
    if missing:
        raise invalid(
            f"messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately"
            f" after: {', '.join(missing)}. Each `tool_use` block must have a corresponding"
            " `tool_result` block in the next message."
        )


def _check_answers(place: int, called: Sequence[str], blocks: Sequence[Json]) -> None:
    for position, block in enumerate(blocks):
        if block["type"] == "tool_result" and block["tool_use_id"] not in called:
            raise invalid(
                f"messages.{place}.content.{position}: unexpected `tool_use_id` found in"
                f" `tool_result` blocks: {block['tool_use_id']}. Each `tool_result` block must have"
                " a corresponding `tool_use` block in the previous message."
            )


def _check_signatures(messages: Sequence[Json]) -> None:
    for place, message in enumerate(messages):
        for position, block in enumerate(blocks_of(message)):
            path = f"messages.{place}.content.{position}"
            if block["type"] == "thinking" and not is_signed(block["thinking"], block["signature"]):
                raise invalid(f"{path}: Invalid `signature` in `thinking` block")
            if block["type"] == "redacted_thinking" and not is_signed(None, block["data"]):
                raise invalid(f"{path}: Invalid `data` in `redacted_thinking` block")


def _check_prefill(message: Json, model: MessagesModel) -> None:
    blocks = blocks_of(message)
    last = blocks[-1]["type"] if blocks else "text"
    if last.endswith(_ENDS_TURNS):
        return
    if not model.prefill:
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end with"
            " a user message."
        )
    if last == "text" and blocks and blocks[-1]["text"] != blocks[-1]["text"].rstrip():
        raise invalid("messages: final assistant content cannot end with trailing whitespace")


def check_thought(messages: Sequence[Json]) -> None:
    """Refuse calls of the last assistant's turn without the thinking before them.

    That is required where `thinking` is `enabled`.
    """
    turns = [turn for turn in _turns(messages) if turn[1] == "assistant"]
    if not turns:
        return
    place, _, blocks = turns[-1]
    kind = blocks[0]["type"] if blocks else ""
    calls = any(block["type"] == "tool_use" for block in blocks)
    if calls and kind not in ("thinking", "redacted_thinking"):
        raise invalid(
            f"messages.{place}.content.0.type: Expected `thinking` or `redacted_thinking`, but"
            f" found `{kind}`. When `thinking` is enabled, a final `assistant` message must start"
            " with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result`"
            " blocks). We recommend you include thinking blocks from previous turns. To avoid this"
            " requirement, disable `thinking`."
        )
