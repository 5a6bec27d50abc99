"""Writes the conversations of agents for messages endpoints.

This does the same as `parts/to_messages/conversation.py` if calls and results alternate: the
results of all calls of a turn begin the next message of the user, in the order of the calls.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from gateway.fast.agents.messages_calls import ToolUse, check_names
from gateway.fast.agents.raw import EMPTY, decoded
from gateway.fast.agents.schemas import form_of, read_schema
from gateway.fast.agents.uncommon import Uncommon
from gateway.fast.alternating import alternate
from gateway.fast.codec import ABSENT, Absent, encode
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.parts.to_messages.files import image_source
from gateway.translate.parts.tools.definitions import NO_PARAMETERS


class TextBlock(msgspec.Struct, tag_field="type", tag="text", gc=False):
    """A text."""

    text: Raw | str


class _Image(msgspec.Struct, tag_field="type", tag="image", gc=False):
    source: Json


Block = TextBlock | _Image | ToolUse | Json
Content = Raw | str | list[Block]
"""A text, or blocks."""


class _Result(msgspec.Struct, tag_field="type", tag="tool_result", gc=False):
    tool_use_id: str
    content: Content


class _Message(msgspec.Struct, gc=False):
    role: str
    content: Raw | str | list[Any]


class Tool(msgspec.Struct, gc=False):
    """A tool of messages."""

    name: str
    description: Raw | Absent
    input_schema: Raw | Json
    strict: bool | Absent


class WrittenTools(NamedTuple):
    """The tools of a request, as they are sent."""

    written: Raw | None
    """The tools as JSON; None if there are none."""
    loosened: Sequence[int]
    """The places of tools that the client has asked to be strict, and that are not sent so."""

    @classmethod
    def of(
        cls, tools: Sequence[Tool], asked: Iterable[bool | None], *, takes_strict: bool
    ) -> "WrittenTools":
        """Return tools; `asked` has for each whether the client has asked for it to be strict.

        Raises `Uncommon` for names that are not sent as they are, and for names that occur twice.
        """
        names = [each.name for each in tools]
        check_names(names)
        if len(set(names)) < len(names):
            raise Uncommon
        loosened = [] if takes_strict else [place for place, each in enumerate(asked) if each]
        return cls(Raw(encode(tools)) if tools else None, loosened)


# Most texts begin with a letter; a bytearray compares fastest.
_LAST_LETTER = bytearray(b'"\x7f').__gt__
_BEHIND_BACKSLASH = bytearray(b'"]').__le__
_beginning = re.compile(rb'"(?: |\\[nrt])*+[!#-\[\]-~]').match
"""Matches the beginning of a text up to its first sign."""


def are_said(values: Iterable[Raw]) -> bool:
    """Whether all values are certainly texts that are not blank."""
    return all(map(_beginning, values))


def is_said(value: Raw) -> bool:
    """Whether a value is certainly a text that is not blank; nearly all such texts are found."""
    # Nothing but a text is before the last letter.
    if not _LAST_LETTER(value):
        return False
    return _BEHIND_BACKSLASH(value) or _beginning(value) is not None


def is_blank(text: Raw | str) -> bool:
    """Whether a text has nothing but spaces, which messages do not take."""
    if isinstance(text, str):
        return not text.strip()
    return not (is_said(text) or decoded(text).strip())


def content_of(blocks: list[Block]) -> Content:
    """Return blocks as content: a single text as a string, others as a list."""
    first = blocks[0] if len(blocks) == 1 else None
    return first.text if type(first) is TextBlock else blocks


def picture(url: Raw, path: str, context: Context) -> Block:
    """Return a picture as a block; raises `UnsupportedParameter` for one that is not taken."""
    return _Image(image_source(decoded(url), path, context))


def schema_of(parameters: Raw) -> Raw | Json:
    """Return the schema of a function's parameters, with the type `object` if it has none."""
    form = form_of(parameters)
    if form.is_empty:
        return NO_SCHEMA
    if form.type is ABSENT:
        return {"type": "object", **read_schema(parameters)}
    return parameters


NO_SCHEMA: Json = dict(NO_PARAMETERS)
"""The schema of a function without parameters."""


def _blocks_of(content: Content) -> list[Block]:
    return content if isinstance(content, list) else [TextBlock(content)]


_NO_CALLS: dict[str, Any] = {}


class MessagesWriter:
    """Writes turn after turn; raises `Uncommon` where calls and results do not alternate."""

    def __init__(self, able: Capabilities) -> None:
        self._joins = not able.roles_in_a_row
        self.system: list[Block] = []
        """The instructions."""
        self.messages: list[_Message] = []
        self.ends_in_calls = False
        """Whether the last turn of the assistant has calls, and does not begin with thinking."""
        self._results: dict[str, _Result | str] = {}
        """The results of the last turn's calls, by the client's ids of the calls; the id as sent
        stands for a result that has not come yet."""
        self._ids: list[str] = []
        """The ids of all calls, as sent."""
        self._waiting = 0
        self._open: list[Any] | None = None
        """The blocks of the last message, if further content of the user is added to it."""

    def instruct(self, blocks: Sequence[Block]) -> None:
        """Add instructions, which come first."""
        if self.messages or self._waiting:
            raise Uncommon
        self.system += blocks

    def user(self, content: Content) -> None:
        """Add content of the user, which is not empty."""
        if self._waiting:
            raise Uncommon
        last = self.messages[-1] if self._joins and self.messages else None
        if self._open is None and last is not None and last.role == "user":
            last.content = self._open = list(_blocks_of(last.content))
        if self._open is None:
            self.messages.append(_Message("user", content))
        else:
            self._open += _blocks_of(content)

    def assistant(
        self, content: Content, calls: dict[str, Any] = _NO_CALLS, *, thinks: bool = False
    ) -> None:
        """Add a turn of the assistant; `calls` has the ids of its calls as sent, by the client's.

        The writer changes `calls` later: it must not be used by the caller any more.
        """
        if self._waiting:
            raise Uncommon
        self.messages.append(_Message("assistant", content))
        self._open = None
        if not calls:
            self.ends_in_calls = False
            return
        self._waiting = len(calls)
        self.ends_in_calls = not thinks
        self._ids += calls.values()
        self._results = calls

    def result(self, call_id: str, content: Content | None) -> None:
        """Add the result of a call; None stands for an empty one."""
        results = self._results
        sent_id = results.get(call_id)
        if not isinstance(sent_id, str):
            raise Uncommon
        results[call_id] = _Result(sent_id, EMPTY if content is None else content)
        self._waiting -= 1
        if not self._waiting:
            self._open = list(results.values())
            self.messages.append(_Message("user", self._open))

    def answered(
        self, content: list[Block], sent_id: str, result: Content | None, *, thinks: bool
    ) -> None:
        """Do what `assistant` and `result` do, for a turn with one call and its result."""
        if self._waiting:
            raise Uncommon
        self._ids.append(sent_id)
        self._open = results = [_Result(sent_id, EMPTY if result is None else result)]
        self.messages += (_Message("assistant", content), _Message("user", results))
        self.ends_in_calls = not thinks

    @property
    def has_calls(self) -> bool:
        """Whether any turn has calls."""
        return bool(self._ids)

    def written(self) -> Json:
        """Return `system`, if there is one, and `messages`."""
        if self._waiting or not self.messages or len(set(self._ids)) < len(self._ids):
            raise Uncommon
        if self._joins and not alternate(self.messages):
            raise Uncommon
        if not self.system:
            return {"messages": self.messages}
        return {"system": content_of(self.system), "messages": self.messages}


def sent_with(conversation: Json, call: Json, tools: Raw | None) -> Json:
    """Return a request with another conversation, and other tools if there are any.

    Raises `Uncommon` for tools with names that are not sent as they are.
    """
    sent: Json = {"model": call["model"], **conversation}
    sent |= {name: value for name, value in call.items() if name not in ("model", "messages")}
    if tools is not None:
        sent["tools"] = tools
    else:
        check_names([tool["name"] for tool in sent.get("tools", ())])
    return sent


STAND_IN: list[Json] = [{"role": "user", "content": "-"}]
"""The chat messages that stand for a conversation while the parameters are written."""

STAND_IN_CALL: list[Json] = [
    *STAND_IN,
    {
        "role": "assistant",
        "tool_calls": [
            {"id": "-", "type": "function", "function": {"name": "-", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "-", "content": "-"},
]
"""Stands for a conversation that ends in calls, after which a model may not be able to think."""
