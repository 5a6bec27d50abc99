"""The conversation of a messages request of an agent, turn by turn."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import is_
from typing import Any

import msgspec

from gateway.fast.agents.exchanges import Form, Written
from gateway.fast.agents.from_messages.messages_blocks import (
    Place,
    in_turns,
    path_of,
    path_of_message,
)
from gateway.fast.agents.from_messages.messages_requests import (
    Assistant,
    Image,
    Message,
    ResultText,
    System,
    Text,
    ToolResult,
    ToolUse,
    User,
    read_parts,
)
from gateway.fast.agents.from_messages.sent_calls import (
    LONGEST,
    ids_in,
    sent_id,
    sent_tool,
)
from gateway.fast.agents.numbers import encode
from gateway.fast.agents.raw import decoded, is_text
from gateway.fast.agents.uncommon import Uncommon
from gateway.shapes import Json
from gateway.texts import in_system_tags
from gateway.translate.contract import Context, Report
from gateway.translate.parts.from_messages.blocks.forms import PartForms
from gateway.translate.parts.from_messages.blocks.results import as_failure
from gateway.translate.report_entries import note

Result = msgspec.Raw | str | list[Json]
"""The content of a result: a text, as it is written or decoded, or parts."""


class Conversation(ABC):
    """Writes a conversation for another endpoint; all of its methods raise one of `UNCOMMON`.

    The user and the assistant take turns; every call has its result in the next turn.
    """

    forms: PartForms
    exchange: Form
    takes_exchanges = True
    """Whether a message that is a call is sent without anything else in it."""

    def __init__(self, context: Context, report: Report) -> None:
        self.sent: list[Written] = []
        """The written conversation in pieces, as `joined` takes them."""
        self.call_ids: Sequence[str] = ()
        """The client's ids of all calls, once the whole conversation is written."""
        self._named: list[msgspec.Raw] = []
        """The ids and names of all calls, alternating; the end checks whether they are texts."""
        self.is_marked = False
        """Whether a block is marked for a cache."""
        self._context = context
        self._report = report
        self._attached: list[Json] = []
        """Parts of results that results cannot hold at this endpoint."""
        self._reordered: list[str] = []
        """The paths of content with results behind other blocks."""
        self._waiting: set[bytes] = set()
        """The ids of calls that have no result yet."""

    def write(self, messages: Sequence[Message]) -> None:
        """Write the messages."""
        noted, kinds = len(self._report.changed), list(map(type, messages))
        turns: Iterable[tuple[Place, Message]] = enumerate(messages)
        if any(map(is_, kinds, islice(kinds, 1, None))):
            joined = list(in_turns(messages))
            turns, kinds = joined, [type(message) for _, message in joined]
        if kinds[0] is System or kinds[-1] is Assistant or User not in kinds:
            raise Uncommon
        following = iter(turns)
        for place, message in following:
            if type(message) is not Assistant:
                self._add_turn(message, place)
                continue
            if self._waiting:
                raise Uncommon
            # The last turn is never the assistant's, so there is a next one.
            place_of_answer, answer = next(following)
            if not (self.takes_exchanges and self._exchange(message.content, answer.content)):
                self._assistant(message, place)
                self._add_turn(answer, place_of_answer)
        if self._waiting:
            raise Uncommon
        if self._reordered:
            self._report_order(noted)
        self.call_ids = ids_in(self._named)

    def _report_order(self, noted: int) -> None:
        """Report the order of turns before all else of theirs, as the generic path does."""
        changed = self._report.changed
        later = changed[noted:]
        del changed[noted:]
        for path in self._reordered:
            self._report.change(path, "text first", "results first")
        for entry in later:
            note(changed, entry)

    def _exchange(self, asked: Sequence[Any], answered: Sequence[Any]) -> bool:
        """Add a call and its result if the result is a text, as most are; return whether it is.

        Content of the user beside the result is added, too.
        """
        if len(asked) != 1:
            return False
        use, result = asked[0], answered[0]
        if type(use) is not ToolUse or type(result) is not ToolResult:
            return False
        call_id, name, content = use.id, use.name, result.content
        if result.is_error or result.tool_use_id != call_id or not is_text(content):
            return False
        if len(call_id) > LONGEST or len(name) > LONGEST:
            return False
        others = answered[1:] if len(answered) > 1 else None
        if others and ToolResult in map(type, others):
            return False
        arguments = encode(encode(use.input).decode())
        a, b, c, d, e, f = self.exchange
        self.sent += (a, call_id, b, name, c, arguments, d, call_id, e, content, f)
        self._named += (call_id, name)
        if use.cache_control or result.cache_control:
            self.is_marked = True
        if others:
            self._note_marks(others)
            self._say_others(others)
        return True

    def _add(self, item: object) -> None:
        """Add a message or an item."""
        self.sent += (b",", encode(item))

    def _add_turn(self, message: Message, place: Place) -> None:
        """Add a turn of anyone but the assistant."""
        if type(message) is User:
            self._user(message, place)
        elif type(message) is Assistant or self._waiting:
            raise Uncommon
        else:
            self._system(message, place)

    @abstractmethod
    def _say_string(self, content: str, message: User) -> None:
        """Add a message of the user whose content is a string."""

    @abstractmethod
    def _say(self, role: str, content: str | list[Json]) -> None:
        """Add a message of the user or of the system."""

    @abstractmethod
    def _add_result(
        self, call_id: msgspec.Raw, content: Result, *, has_images: bool = False
    ) -> None:
        """Add the result of a call."""

    @abstractmethod
    def _assistant(self, message: Assistant, place: Place) -> None:
        """Add a turn of the assistant."""

    def _user(self, message: User, place: Place) -> None:
        content = message.content
        if isinstance(content, str):
            self._say_string(content, message)
            return
        if len(content) == 1 and self._is_only_text(content[0]):
            return
        others: list[Text | Image] = []
        is_late = False
        self._note_marks(content)
        for index, block in enumerate(content):
            if type(block) is ToolResult:
                if others:
                    is_late = True
                self._result(block, place, index)
            else:
                others.append(block)
        if is_late:
            self._reordered.append(f"{path_of_message(place)}.content")
        if others or self._attached:
            self._say_others(others)

    def _is_only_text(self, block: Text | ToolResult | Image) -> bool:
        """Add a block if it is a result of a text, as most are; return whether it was added."""
        if type(block) is not ToolResult or block.is_error or block.cache_control:
            return False
        given, content = block.tool_use_id, block.content
        call_id = bytes(given)
        if call_id not in self._waiting or not is_text(content):
            return False
        self._waiting.remove(call_id)
        self._add_result(sent_id(given), content)
        return True

    def _note_marks(self, blocks: Sequence[Text | ToolResult | Image]) -> None:
        self.is_marked = self.is_marked or any(block.cache_control for block in blocks)

    def _say_others(self, others: Sequence[Text | Image]) -> None:
        """Add content of the user beside results."""
        attached, self._attached = self._attached, []
        first = others[0] if len(others) == 1 and not attached else None
        if type(first) is Text:
            self._say("user", first.text)
        else:
            self._say("user", attached + list(map(self._part, others)))

    def _part(self, block: Text | ResultText | Image) -> Json:
        forms = self.forms
        return forms.image(block.url) if type(block) is Image else forms.text(block.text)

    def _result(self, block: ToolResult, place: Place, index: int) -> None:
        """Add a result; its text says whether it is a failure, which OpenAI's have no mark for."""
        given, content, failed = sent_id(block.tool_use_id), block.content, block.is_error
        call_id = bytes(block.tool_use_id)
        if call_id not in self._waiting:
            raise Uncommon
        self._waiting.remove(call_id)
        if failed:
            self._report.emulate(f"{path_of(place, index)}.is_error")
        if not is_text(content):
            self._add_parts(given, read_parts(content), failed=failed)
        elif failed:
            said = decoded(content)
            self._add_result(given, as_failure(said))
        else:
            self._add_result(given, content)

    def _add_parts(
        self, call_id: msgspec.Raw, content: Sequence[ResultText | Image], *, failed: bool
    ) -> None:
        has_images = False
        for each in content:
            if each.cache_control:
                self.is_marked = True
            if type(each) is Image:
                has_images = True
        said = [each for each in content if type(each) is Image or each.text]
        if len(said) == 1 and not failed:
            only = said[0]
            if type(only) is ResultText:
                self._add_result(call_id, only.text)
                return
        parts = list(map(self._part, said))
        if failed:
            first = parts[0].get("text") if parts else None
            if first is None:
                parts.insert(0, self.forms.text(as_failure("")))
            else:
                parts[0] = self.forms.text(as_failure(first))
        self._add_result(call_id, parts, has_images=has_images)

    def _call(self, use: ToolUse) -> tuple[msgspec.Raw, msgspec.Raw, str]:
        """Note a call; return its id, its name and its arguments as they are sent."""
        call_id = bytes(use.id)
        if call_id in self._waiting:
            raise Uncommon
        self._waiting.add(call_id)
        self._named += (use.id, use.name)
        if use.cache_control:
            self.is_marked = True
        return sent_id(use.id), sent_tool(use.name), encode(use.input).decode()

    def _pass_over(self) -> None:
        """Note that nothing of a turn of the assistant is sent."""
        if not self._context.capabilities.roles_in_a_row:
            # The user's messages before and after the turn would have to be joined.
            raise Uncommon

    def _system(self, message: System, place: Place) -> None:
        mode, able = self._context.late_system, self._context.capabilities
        given = message.content
        texts = [given] if isinstance(given, str) else [block.text for block in given]
        if not isinstance(given, str):
            self.is_marked = self.is_marked or any(block.cache_control for block in given)
        if mode == "hoist" or not able.roles_in_a_row:
            raise Uncommon
        if mode == "user":
            self._report.change(f"{path_of_message(place)}.role", "system", "user")
            self._say("user", in_system_tags("\n\n".join(texts)))
        else:
            self._instruct(texts)

    @abstractmethod
    def _instruct(self, texts: list[str]) -> None:
        """Add a system message to the conversation."""
