"""The arguments of one call, from all the places where servers say them.

They should come in deltas, and whole in `arguments.done`, `output_item.done` and
`response.completed`. Servers exist that have them in `output_item.added` already, whole
(GoModel#200) or as `{}` (pi#917), that leave any of the others empty (openclaw#90585) or say `{}`
there. So what is empty says nothing as long as something else may follow, and what says something
is taken once.
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
from gateway.translate.parts.tools.call_faults import two_in_one


class CallText:
    """The arguments of a function, or the input of a custom tool: free text."""

    def __init__(self) -> None:
        self.is_free = False
        """Whether it is no JSON but a custom tool's input."""
        self._opening = ""
        self._held = False
        """Whether it is open if the deltas go on with what came before them, or repeat it."""
        self._empty = ""
        """How the upstream says that there are none, if it does."""
        self._said = ArgumentText()
        self._shown: list[str] = []
        self._unshown: list[str] = []
        self._beyond: list[str] = []
        self.settled = False
        """Whether all of it is known."""

    @property
    def text(self) -> str:
        """All of it, as far as it is known."""
        return self._said.text or self._opening

    @property
    def is_whole(self) -> bool:
        """Whether it is JSON from its first bracket to its last one."""
        return self._said.whole

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been said yet, or an empty object, which may mean nothing."""
        return self.says_nothing(self.text)

    def open(self, text: str) -> None:
        """Take what `output_item.added` has: all of it, its beginning, or a placeholder."""
        if self._said.is_blank and not self.settled:
            self._opening = text
            self._held = not self.says_nothing(text) and (self.is_free or not is_json(text))

    def go_on(self, text: str) -> None:
        """Take a delta."""
        if self.settled or not text:
            return
        if not self.is_free and self._said.is_blank and not text.strip():
            return
        if self.is_free:
            self._said.append(text)
            self._unshown.append(text)
            return
        self._take(self._said.news_in(text))

    def hear(self, whole: str, *, item_is_done: bool) -> None:
        """Take what should be all of it; it may be nothing, where another event has it.

        Raises `UpstreamError` if it contradicts what the client has been shown.
        """
        if self.settled and not self._is_cut_off_in(whole):
            return
        if not self.says_nothing(whole):
            self._settle(whole)
            return
        self._take(self._said.rest())
        self._empty = whole
        agrees = item_is_done and bool(whole) and self.says_nothing(self._opening)
        if self._said.whole and not self._held and (agrees or not self._said.is_placeholder):
            self._settle_as_said()

    def end(self, *, naturally: bool) -> None:
        """Take the end of the response; `naturally`: nothing cut it short."""
        if self.settled:
            return
        self._take(self._said.rest())
        said = self._said.text + "".join(self._beyond)
        if self._held:
            self._settle(_joined(self._opening, said))
        elif self._opening and self.says_nothing(said):
            self._settle(self._opening)
        elif not said and self._empty.strip():
            self._settle(self._empty)
        elif naturally and not self.is_free and not said:
            self._settle("{}")
        else:
            self._settle_as_said()

    def next_text(self) -> str:
        """Return what can be shown now and was not yet."""
        placeholder = not self.is_free and self._said.is_placeholder
        if not self.settled and (placeholder or self._held):
            return ""
        shown, self._unshown = self._unshown, []
        self._shown += shown
        return "".join(shown)

    def other_calls(self, *, naturally: bool) -> list[str]:
        """Return, once it is settled, the arguments of other calls that came behind these.

        What only repeats these is left out. Raises `UpstreamError` where they are cut off, and
        nothing cut the response short.
        """
        others: list[str] = []
        rest, self._beyond = "".join(self._beyond), []
        while opens_json(rest):
            other = ArgumentText()
            rest = other.add(rest.lstrip(BETWEEN))
            if naturally and not other.ended:
                raise two_in_one()
            if not same_json(other.text, self.text):
                others.append(other.text)
        if others and rest.strip(BETWEEN):
            # What a model writes behind its JSON is for the client to judge.
            others[-1] += rest
        return others

    def says_nothing(self, text: str) -> bool:
        """Whether a text is none, or an empty object."""
        if self.is_free:
            return not text
        return not text.strip() or is_empty_object(text)

    def _is_cut_off_in(self, whole: str) -> bool:
        """Whether a whole text has more of it than was taken for all."""
        said = self._said.text
        is_open = self.is_free or not self._said.ended
        return is_open and len(whole) > len(said) and whole.startswith(said)

    def _take(self, text: str) -> None:
        """Take what is new of the arguments in a delta."""
        rest = self._said.add(text)
        if rest and self._said.is_placeholder and opens_json(rest):
            self._said = ArgumentText()
            self._unshown = []
            self._take(rest.lstrip(BETWEEN))
            return
        self._unshown.append(text[: len(text) - len(rest)])
        self._beyond += [rest] if rest else []

    def _settle(self, whole: str) -> None:
        said = ArgumentText()
        rest = ""
        if self.is_free:
            said.append(whole)
        else:
            rest = said.add(whole)
        shown = "".join(self._shown)
        if said.text.startswith(shown):
            self._said, self._unshown = said, [said.text[len(shown) :]]
        elif said.whole and not (self._said.whole and same_json(said.text, self._said.text)):
            raise UpstreamError(
                "The upstream's response contradicts itself: the arguments of a tool call are not "
                "those that its stream began with. Retry the request."
            )
        self._beyond = [rest]
        self._settle_as_said()

    def _settle_as_said(self) -> None:
        """Keep what was said. What a model writes behind its JSON is for the client to judge."""
        self.settled = True
        rest = "".join(self._beyond)
        if rest.strip(BETWEEN) and not opens_json(rest):
            self._said.append(rest)
            self._unshown.append(rest)


def _joined(opening: str, deltas: str) -> str:
    """Return the text of an opening and of deltas that go on with it or begin anew."""
    if deltas.startswith(opening):
        return deltas
    return opening if opening.startswith(deltas) else opening + deltas
