"""The text of one response as blocks, cut at stop sequences."""

from collections.abc import Sequence

from gateway.translate.chat_via_responses.output.tracking import OutputItem
from gateway.translate.messages_via_responses.output.blocks import PartBlock
from gateway.translate.stream.messages.messages_frame import MessagesFrame
from gateway.translate.stream.stops import StopScanner

_Place = tuple[OutputItem, int | None, bool]
"""An item, the index of its part, and whether the part is a refusal."""


class Texts:
    """The parts of all messages of a response, each as a block."""

    def __init__(self, stops: Sequence[str], frame: MessagesFrame) -> None:
        self._stops = stops
        self._frame = frame
        self._scanner = StopScanner(stops)
        self._place: _Place | None = None
        """The place of the last text, shown or held back."""
        self._blocks: dict[_Place, PartBlock] = {}
        self._refusal: list[str] = []

    @property
    def found(self) -> str | None:
        """The stop sequence that was found; no text is shown after it."""
        return self._scanner.found

    @property
    def refusal(self) -> str:
        """The text of all refusals."""
        return "".join(self._refusal)

    @property
    def last_item(self) -> OutputItem | None:
        """The message of the last text."""
        return None if self._place is None else self._place[0]

    def add_text(self, item: OutputItem, part: int | None, text: str) -> None:
        """Add text of a part, which is not empty."""
        place = (item, part, False)
        if place != self._place:
            self._move(place)
        shown = self._scanner.feed(text)
        if shown:
            self._show(place, shown)

    def refuse(self, item: OutputItem, part: int | None, text: str) -> None:
        """Add text of a refusal, which is not empty; none comes after a stop sequence."""
        if self.found is not None:
            return
        place = (item, part, True)
        if place != self._place:
            self._move(place)
        self._refusal.append(text)
        self._show(place, text)

    def interrupt(self) -> None:
        """Show the text that was held back: other content ends a possible stop sequence."""
        if self.found is not None or self._place is None:
            return
        held = self._scanner.flush()
        if held:
            self._show(self._place, held)
            self._scanner = StopScanner(self._stops)

    def _move(self, place: _Place) -> None:
        """Go on at another place; in the same message, the part before it is then over."""
        self.interrupt()
        before = None if self._place is None else self._blocks.get(self._place)
        if before is not None and before.item is place[0]:
            before.is_over = True
        self._place = place

    def _show(self, place: _Place, text: str) -> None:
        block = self._blocks.get(place)
        if block is None or block.ended:
            block = self._blocks[place] = self._frame.add(PartBlock(place[0]))
        block.add(text)
