"""The items of agents' responses requests, as turns of messages."""

from collections.abc import Iterator, Sequence

from msgspec import Raw

from gateway.fast.agents.from_responses.responses_items import (
    AnyText,
    CustomCall,
    CustomOutput,
    FunctionCall,
    FunctionOutput,
    Image,
    InputText,
    Message,
    OutputText,
    Part,
    Reasoning,
    TypedItem,
    read_parts,
)
from gateway.fast.agents.messages_calls import ToolUse, custom_tool_use, tool_uses
from gateway.fast.agents.messages_writer import (
    Block,
    Content,
    MessagesWriter,
    TextBlock,
    are_said,
    content_of,
    is_blank,
    is_said,
    picture,
)
from gateway.fast.agents.raw import is_text, text
from gateway.fast.agents.uncommon import Uncommon
from gateway.translate.contract import Context, Report
from gateway.translate.parts.messages.signatures import open_sealed

_THINKING = ("thinking", "redacted_thinking")
_TEXTS = frozenset({InputText, OutputText, AnyText})


class ItemsAsTurns:
    """Writes items as turns; raises one of `UNCOMMON`."""

    def __init__(self, context: Context, report: Report) -> None:
        self.writer = MessagesWriter(context.capabilities)
        self._context = context
        self._report = report
        self._blocks: list[Block] = []
        """The blocks of the open turn of the assistant."""
        self._thinking: list[str] = []
        """The paths of thinking in the open turn."""
        self._calls: dict[str, str] = {}
        """The ids of the open turn's calls as sent, by the client's ids."""
        self._thinks_first = False
        self._alone: list[str] = []
        """The paths of thinking in turns that have nothing else."""

    def write(self, given: str | Sequence[TypedItem]) -> None:
        """Write the input."""
        if not isinstance(given, str):
            self._write_items(given)
        elif not is_blank(given):
            self.writer.user(given)

    def _write_items(self, items: Sequence[TypedItem]) -> None:
        uses = _uses_in(items)
        are_texts = are_said([item.output for item in items if type(item) is FunctionOutput])
        for position, item in enumerate(items):
            if type(item) is FunctionCall:
                self._call(item, next(uses))
            elif type(item) is FunctionOutput:
                output = item.output
                self._answer(item, output if are_texts else self._output(output, position))
            elif type(item) is Message:
                self._message(item, position)
            elif type(item) is Reasoning:
                self._reasoning(item, f"input[{position}]")
            elif type(item) is CustomCall:
                self._call(item, custom_tool_use(item.call_id, item.name, item.input))
            elif type(item) is CustomOutput:
                self._answer(item, self._output(item.output, position))
            else:
                raise Uncommon
        self._close()
        for path in self._alone:
            self._report.drop(path)

    def _message(self, item: Message, position: int) -> None:
        role = item.role
        if item.phase is not None:
            self._report.drop(f"input[{position}].phase")
        blocks = self._said(item.content, position, "content", takes_images=role == "user")
        if role == "assistant":
            self._blocks += blocks
            return
        self._close()
        if not blocks:
            return
        if role == "user":
            self.writer.user(content_of(blocks))
        else:
            self.writer.instruct(blocks)

    def _reasoning(self, item: Reasoning, path: str) -> None:
        """Add thinking that this gateway has sealed for the server; drop other reasoning."""
        _check_reasoning(item)
        sealed = item.encrypted_content
        block = open_sealed(sealed, "", self._context) if sealed else None
        if block is None or block.get("type") not in _THINKING:
            self._report.drop(path)
            return
        self._thinks_first = self._thinks_first or not self._blocks
        self._blocks.append(block)
        self._thinking.append(path)

    def _call(self, item: FunctionCall | CustomCall, use: ToolUse) -> None:
        self._calls[item.call_id] = use.id
        self._blocks.append(use)

    def _answer(self, item: FunctionOutput | CustomOutput, content: Content | None) -> None:
        """Add a result; if the open turn has one call, and this is its result, the turn ends."""
        calls, blocks = self._calls, self._blocks
        if len(calls) != 1 or item.call_id not in calls:
            self._close()
            self.writer.result(item.call_id, content)
            return
        self.writer.answered(blocks, calls[item.call_id], content, thinks=self._thinks_first)
        self._blocks, self._calls = [], {}
        if self._thinking:
            self._forget_thinking()

    def _output(self, given: Raw, position: int) -> Content | None:
        """Return an output as the content of a result; None if it is empty."""
        if is_said(given):
            return given
        if is_text(given):
            return None if is_blank(given) else given
        blocks = self._said(read_parts(given), position, "output", takes_images=True)
        return content_of(blocks) if blocks else None

    def _said(
        self, content: str | Sequence[Part], position: int, name: str, *, takes_images: bool
    ) -> list[Block]:
        if isinstance(content, str):
            return [] if is_blank(content) else [TextBlock(content)]
        blocks: list[Block] = []
        for index, part in enumerate(content):
            if type(part) is Image and takes_images:
                path = f"input[{position}].{name}[{index}]"
                if part.detail not in (None, "auto"):
                    self._report.drop(f"{path}.detail")
                blocks.append(picture(text(part.image_url), f"{path}.image_url", self._context))
            elif type(part) in _TEXTS and not isinstance(part, Image):
                said = part.text
                if is_said(said) or not is_blank(text(said)):
                    blocks.append(TextBlock(said))
            else:
                raise Uncommon
        return blocks

    def _close(self) -> None:
        """End the assistant's turn; a turn of nothing but thinking is left out."""
        blocks = self._blocks
        if not blocks:
            return
        if len(blocks) == len(self._thinking):
            self._alone += self._thinking
        else:
            self.writer.assistant(content_of(blocks), self._calls, thinks=self._thinks_first)
        self._blocks, self._calls = [], {}
        if self._thinking:
            self._forget_thinking()

    def _forget_thinking(self) -> None:
        self._thinking = []
        self._thinks_first = False


def _uses_in(items: Sequence[TypedItem]) -> Iterator[ToolUse]:
    """Return the calls of functions as blocks; raises one of `UNCOMMON`."""
    calls = [item for item in items if type(item) is FunctionCall]
    known: list[FunctionCall | CustomCall] = [*calls]
    known += [item for item in items if type(item) is CustomCall]
    ids = [call.call_id for call in known if call.namespace is None]
    if len(set(ids)) < len(known):
        raise Uncommon
    return tool_uses(
        ids[: len(calls)], [call.name for call in calls], [call.arguments for call in calls]
    )


def _check_reasoning(item: Reasoning) -> None:
    """Raise `Uncommon` unless the parts of reasoning are texts."""
    for part in (*(item.content or ()), *(item.summary or ())):
        if isinstance(part, Image):
            raise Uncommon
        text(part.text)
