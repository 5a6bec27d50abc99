"""A conversation as `system` and `messages`, written for a messages endpoint.

The endpoint's rules: each call is answered in the next user message, which begins with the results
of all calls of the assistant's message; no two calls have the same id (Switchyard#502); system
messages keep their place only after a user message, and only if the assistant's message or nothing
follows; texts are not empty. Sources: the types of Anthropic's SDK, its "Mid-conversation system
messages" (quoted in bifrost#3945), and its skills' `claude-api`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.texts import in_system_tags
from gateway.translate.contract import Context, Report
from gateway.translate.parts.tools.calls import call_id_from

_MESSAGE = re.compile(r"(?:messages\[([0-9]{1,6})\]|system)(?:\.content)?(?:\[([0-9]{1,6})\])?(.*)")
_INNER = re.compile(r"\.content\[([0-9]{1,6})\](.*)")
_FIELD = re.compile(r"\.(\w+)")
_TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")


def safe_tool_id(call_id: str) -> str:
    """Return a call id that Anthropic takes: an id with other characters is replaced by its hash.

    The same id gives the same hash, so a call and its result still find each other.
    """
    return call_id if _TOOL_ID.fullmatch(call_id) else call_id_from(call_id)


def repeated_id(safe_id: str, time: int) -> str:
    """Return an id for a call whose id is not its own; `time` is 2 for the second call with it."""
    return call_id_from(f"{safe_id} {time}")


class Block(msgspec.Struct, gc=False):
    """One content block, and the client's path of the value that it was made from."""

    sent: Json
    path: str
    fields: Mapping[str, str] = MappingProxyType({})
    """The client's path, below `path`, of each field of the block."""
    inner: Sequence["Block"] = ()
    """The blocks within a tool's result."""

    def client_path(self, rest: str) -> str:
        """Return the client's path for the upstream's path of this block followed by `rest`.

        Anthropic's paths have the block's type after its index.
        """
        tag = f".{self.sent['type']}"
        if rest.startswith(f"{tag}."):
            rest = rest.removeprefix(tag)
        within = _INNER.match(rest)
        if within is not None and int(within[1]) < len(self.inner):
            return self.inner[int(within[1])].client_path(within[2])
        named = _FIELD.match(rest)
        known = None if named is None else self.fields.get(named[1])
        return self.path if known is None else f"{self.path}.{known}"


class Call(msgspec.Struct, gc=False):
    """One call of a tool."""

    block: Block
    output: Block | None = None
    """The result of the call, once it has come."""


class Turn(msgspec.Struct, gc=False):
    """One message of the client, or several that make one message of the assistant."""

    role: str
    path: str
    blocks: list[Block] = []
    calls: list[Call] = []

    def call(self, block: Block) -> Call:
        """Add a call of a tool."""
        called = Call(block)
        self.blocks.append(block)
        self.calls.append(called)
        return called


class _Message(msgspec.Struct, gc=False):
    role: str
    path: str
    blocks: list[Block]

    def sent(self) -> Json:
        return {"role": self.role, "content": content_of(self.blocks)}


def content_of(blocks: Sequence[Block]) -> str | list[Json]:
    """Return blocks as content; a single text without other fields becomes a string."""
    if len(blocks) == 1 and len(blocks[0].sent) == 2 and "text" in blocks[0].sent:
        text: str = blocks[0].sent["text"]
        return text
    return [block.sent for block in blocks]


@dataclass(slots=True)
class Written:
    """A conversation as it is sent, and the client's paths of its parts."""

    system: Sequence[Block]
    messages: Sequence[_Message]
    root: str
    """The client's parameter with the conversation: `messages`, `input`."""

    def fields(self) -> Json:
        """Return `system`, if there is one, and `messages`."""
        messages = [message.sent() for message in self.messages]
        if not self.system:
            return {"messages": messages}
        return {"system": content_of(self.system), "messages": messages}

    @property
    def ends_in_calls_without_thinking(self) -> bool:
        """Whether the assistant's last message has calls and does not begin with thinking."""
        turns = [message for message in self.messages if message.role == "assistant"]
        kinds = [block.sent["type"] for block in turns[-1].blocks] if turns else []
        return "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking")

    def client_path(self, param: str) -> str | None:
        """Return the client's path of a parameter; None: it is not part of the conversation."""
        found = _MESSAGE.fullmatch(param)
        if found is None:
            return self.root if param.startswith("messages") else None
        blocks, path = self.system, self.root
        if found[1] is not None:
            if int(found[1]) >= len(self.messages):
                return self.root
            message = self.messages[int(found[1])]
            blocks, path = message.blocks, message.path
        if found[2] is None:
            # A single text is sent as a string.
            return blocks[0].path if len(blocks) == 1 else path
        position = int(found[2])
        return blocks[position].client_path(found[3]) if position < len(blocks) else path


def written(turns: Sequence[Turn], root: str, context: Context, report: Report) -> Written:
    """Return the conversation that turns make; `root` is the client's parameter that has it.

    Turns have the role `system`, `user` or `assistant`; those without blocks are left out. Raises
    `InvalidRequest` if none is left.
    """
    given = [turn for turn in turns if turn.blocks]
    if context.late_system == "hoist":
        given = _hoisted(given, report)
    front = next((i for i, turn in enumerate(given) if turn.role != "system"), len(given))
    system, later = given[:front], given[front:]
    if system and not later:
        # A conversation has at least one message.
        system, later = system[:-1], [_as_users(system[-1], report)]
    if not later:
        raise InvalidRequest(
            f"Invalid '{root}': it has no text. Send at least one message with text.",
            param=root,
            code="invalid_value",
        )
    _distinguish(later)
    messages = _messages(later)
    keeps = context.late_system == "keep"
    for position, message in enumerate(messages):
        if message.role == "system" and not (keeps and _has_place(messages, position)):
            messages[position] = _in_tags(message, report)
    if not context.capabilities.roles_in_a_row:
        messages = _alternating(messages)
    return Written([block for turn in system for block in turn.blocks], messages, root)


def _hoisted(turns: Sequence[Turn], report: Report) -> list[Turn]:
    """Return the turns, those of the system first."""
    front = next((i for i, turn in enumerate(turns) if turn.role != "system"), len(turns))
    for turn in turns[front:]:
        if turn.role == "system":
            report.change(turn.path, "in its place", "first")
    return sorted(turns, key=lambda turn: turn.role != "system")


def _as_users(turn: Turn, report: Report) -> Turn:
    report.change(f"{turn.path}.role" if "[" in turn.path else turn.path, "system", "user")
    return Turn("user", turn.path, turn.blocks)


def _distinguish(turns: Sequence[Turn]) -> None:
    """Give a call whose id an earlier call has another id: some servers repeat theirs.

    The new id is the same in every turn of the conversation.
    """
    seen: dict[str, int] = {}
    for turn in turns:
        for call in turn.calls:
            call_id: str = call.block.sent["id"]
            seen[call_id] = seen.get(call_id, 0) + 1
            if seen[call_id] > 1:
                call.block.sent["id"] = own = repeated_id(call_id, seen[call_id])
                if call.output is not None:
                    call.output.sent["tool_use_id"] = own


def _messages(turns: Sequence[Turn]) -> list[_Message]:
    """Return the messages of turns: results after their calls, system messages joined."""
    messages: list[_Message] = []
    opens_with_results = False
    for turn in turns:
        last = messages[-1] if messages else None
        is_next = last is not None and last.role == turn.role
        if last is not None and is_next and (opens_with_results or turn.role == "system"):
            last.blocks += turn.blocks
        else:
            messages.append(_Message(turn.role, turn.path, list(turn.blocks)))
        results = [call.output for call in turn.calls if call.output is not None]
        opens_with_results = bool(results) or (opens_with_results and is_next)
        if results:
            messages.append(_Message("user", results[0].path, results))
    return messages


def _alternating(messages: Sequence[_Message]) -> list[_Message]:
    """Return messages with those of one role in a row joined, as Anthropic's API takes them.

    vLLM, SGLang and llama.cpp give them to the model's template one by one. Text beside results
    stays there: few templates refuse it (`refusals.history.alternating_roles`).
    """
    joined: list[_Message] = []
    for message in messages:
        if joined and joined[-1].role == message.role:
            joined[-1].blocks += message.blocks
        else:
            joined.append(message)
    return joined


def _has_place(messages: Sequence[_Message], position: int) -> bool:
    """Whether a system message may stay in its place."""
    follows = position > 0 and messages[position - 1].role == "user"
    is_last = position + 1 == len(messages)
    return follows and (is_last or messages[position + 1].role == "assistant")


def _in_tags(message: _Message, report: Report) -> _Message:
    path = message.path
    report.change(f"{path}.role", "system", "user")
    blocks = [
        Block({**block.sent, "text": in_system_tags(block.sent["text"])}, block.path, block.fields)
        for block in message.blocks
    ]
    return _Message("user", path, blocks)
