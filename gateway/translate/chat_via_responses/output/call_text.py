"""The arguments of one call, from all the places where servers put them.

They should come in deltas, and whole in `arguments.done`, `output_item.done` and
`response.completed`. Some servers put them into `output_item.added`, whole (GoModel#200) or as `{}`
(pi#917), and leave any of the other places empty (openclaw#90585) or `{}`. So an empty value does
not count while another may follow, and any other value counts once.
"""

from gateway.errors import UpstreamError
from gateway.translate.parts.tools.arguments import (
    BETWEEN,
    ArgumentText,
    is_empty_object,
    is_json,
    opens_json,
    same_json,
)
from gateway.translate.parts.tools.further_calls import further_calls


class CallText:
    """The arguments of a function, or the input of a custom tool, which is free text."""

    def __init__(self) -> None:
        self.is_free = False
        """Whether the text is a custom tool's input, and not JSON."""
        self._opening = ""
        self._held = False
        """Whether it is still unknown if the deltas continue the opening text or repeat it."""
        self._empty = ""
        """The text that the upstream has sent for absent arguments, such as `{}`; empty: none
        yet."""
        self._arguments = ArgumentText()
        self._shown: list[str] = []
        self._unshown: list[str] = []
        self._beyond: list[str] = []
        self.settled = False
        """Whether the whole text is known."""

    @property
    def text(self) -> str:
        """The text so far."""
        return self._arguments.text or self._opening

    @property
    def is_whole(self) -> bool:
        """Whether the text is JSON from its first bracket to its last."""
        return self._arguments.whole

    @property
    def is_empty(self) -> bool:
        """Whether the text is still empty, or an empty object, which may be a placeholder."""
        return self.is_placeholder(self.text)

    def open(self, text: str) -> None:
        """Take the text of `output_item.added`: all of it, its beginning, or a placeholder."""
        if self._arguments.is_blank and not self.settled:
            self._opening = text if self.is_free or text.strip() else ""
            self._held = not self.is_placeholder(text) and (self.is_free or not is_json(text))

    def go_on(self, text: str) -> None:
        """Take a delta."""
        if self.settled or not text:
            return
        if not self.is_free and self._arguments.is_blank and not text.strip():
            return
        if self.is_free:
            self._arguments.append(text)
            self._unshown.append(text)
            return
        self._take(self._arguments.news_in(text))

    def complete(self, whole: str, *, item_is_done: bool) -> None:
        """Take a text that should be whole; it may be empty if another event has the text.

        Raises `UpstreamError` if it contradicts the text that the client has.
        """
        if self.settled and not self._is_cut_off_in(whole):
            return
        if not self.is_placeholder(whole):
            self._settle(whole)
            return
        self._take(self._arguments.flush())
        self._empty = whole
        agrees = item_is_done and bool(whole) and self.is_placeholder(self._opening)
        if (
            self._arguments.whole
            and not self._held
            and (agrees or not self._arguments.is_placeholder)
        ):
            self._settle_as_it_is()

    def end(self, *, truncated: bool) -> None:
        """Take the end of the response; `truncated`: it was cut short."""
        if self.settled:
            return
        self._take(self._arguments.flush())
        text = self._arguments.text + "".join(self._beyond)
        if self._held:
            self._settle(_joined(self._opening, text))
        elif self._opening and self.is_placeholder(text):
            self._settle(self._opening)
        elif not text and self._empty.strip():
            self._settle(self._empty)
        elif not truncated and not self.is_free and not text:
            self._settle("{}")
        else:
            self._settle_as_it_is()

    def next_text(self) -> str:
        """Return the new text that can be shown."""
        placeholder = not self.is_free and self._arguments.is_placeholder
        if not self.settled and (placeholder or self._held):
            return ""
        shown, self._unshown = self._unshown, []
        self._shown += shown
        return "".join(shown)

    def other_calls(self, *, truncated: bool) -> list[str]:
        """Return the arguments of other calls that follow these, once; to be called when settled.

        Raises `UpstreamError` as `further_calls` does.
        """
        rest, self._beyond = "".join(self._beyond), []
        return further_calls(rest, self.text, truncated=truncated)

    def is_placeholder(self, text: str) -> bool:
        """Whether a text is empty, or an empty object."""
        if self.is_free:
            return not text
        return not text.strip() or is_empty_object(text)

    def _is_cut_off_in(self, whole: str) -> bool:
        """Whether a text goes on after the one that was taken to be whole."""
        text = self._arguments.text
        is_open = self.is_free or not self._arguments.ended
        return is_open and len(whole) > len(text) and whole.startswith(text)

    def _take(self, text: str) -> None:
        """Take the part of a delta that does not repeat earlier ones."""
        rest = self._arguments.add(text)
        if rest and self._arguments.is_placeholder and opens_json(rest):
            self._arguments = ArgumentText()
            self._unshown = []
            self._take(rest.lstrip(BETWEEN))
            return
        self._unshown.append(text[: len(text) - len(rest)])
        self._beyond += [rest] if rest else []

    def _settle(self, whole: str) -> None:
        arguments = ArgumentText()
        rest = ""
        if self.is_free:
            arguments.append(whole)
        else:
            rest = arguments.add(whole)
            if arguments.is_placeholder and opens_json(rest):
                arguments = ArgumentText()
                rest = arguments.add(rest.lstrip(BETWEEN))
        shown = "".join(self._shown)
        if arguments.text.startswith(shown):
            self._arguments, self._unshown = arguments, [arguments.text[len(shown) :]]
        elif arguments.whole and not (
            self._arguments.whole and same_json(arguments.text, self._arguments.text)
        ):
            raise UpstreamError(
                "The upstream's response contradicts itself: the arguments of a tool call differ "
                "from those that its stream began with. Retry the request."
            )
        self._beyond = [rest]
        self._settle_as_it_is()

    def _settle_as_it_is(self) -> None:
        """Settle the text as it is, with text after its JSON that is not another call."""
        self.settled = True
        rest = "".join(self._beyond)
        if rest.strip(BETWEEN) and not opens_json(rest):
            self._arguments.append(rest)
            self._unshown.append(rest)


def _joined(opening: str, deltas: str) -> str:
    """Return the text that an opening and deltas make: these continue it, or start again."""
    if deltas.startswith(opening):
        return deltas
    return opening if opening.startswith(deltas) else opening + deltas
