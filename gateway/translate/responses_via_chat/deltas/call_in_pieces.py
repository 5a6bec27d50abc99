"""A tool call as it comes in pieces from a chat endpoint, whatever is made of it."""

from gateway.errors import UpstreamError
from gateway.translate.parts.tools.arguments import BETWEEN, ArgumentText, opens_json


class CallInPieces:
    """What is known of a call: its id, its name and its arguments, or a custom tool's input."""

    def __init__(self) -> None:
        self._text = ArgumentText()
        self._unwritten: list[str] = []
        """Of the text, what the client has not seen."""
        self._custom = False
        self.call_id = ""
        """The upstream's id of the call; empty: not known (yet)."""
        self.name = ""
        """The name that the upstream calls it by; empty: not known (yet)."""
        self.likely_name = ""
        """The name it has if the upstream never says one."""

    @property
    def is_closed(self) -> bool:
        """Whether the client has all of it."""
        return False

    @property
    def is_free_text(self) -> bool:
        """Whether its text is a custom tool's input, which can be anything."""
        return self._custom

    @property
    def has_ended(self) -> bool:
        """Whether it has all that one call can have, or may have it."""
        return not self._text.is_blank if self.is_free_text else self._text.ended

    @property
    def has_begun(self) -> bool:
        """Whether there is anything of its arguments, placeholders apart."""
        return not self._text.is_blank and not self._is_placeholder()

    @property
    def is_cut_off(self) -> bool:
        """Whether its arguments have begun, but are not whole JSON."""
        return not (self.is_free_text or self._text.is_blank or self._text.whole)

    @property
    def text(self) -> str:
        """The arguments so far, or the input."""
        return self._text.text

    def add(self, call_id: str, name: str, text: str, *, custom: bool) -> str:
        """Go on with the call: what is given of its id, its name and its arguments.

        Returns what of the text follows the end of the arguments, which is another call's. Raises
        `UpstreamError` for what can be neither: text after the call was closed.
        """
        self.call_id = self.call_id or call_id
        self.name = self.name or name
        self._custom = self._custom or custom
        return self._take(text if self.is_free_text else self._text.news_in(text))

    def hear(self, call_id: str, name: str, whole: str, *, custom: bool) -> str:
        """Take what should be all of the call; what is known of it is not taken again.

        Returns and raises what `add` does.
        """
        self._text.rest()
        said = self._text.text if self.has_begun else ""
        rest = whole[len(said) :] if whole.startswith(said) else ""
        return self.add(call_id, name, rest, custom=custom)

    def settle(self) -> str:
        """Take the end of all pieces; returns what `add` does."""
        return self._take(self._text.rest())

    def _take(self, text: str) -> str:
        """Take the next text of the arguments; return what is not theirs."""
        if self._text.is_blank and not (text if self.is_free_text else text.strip()):
            return ""
        if self.is_free_text:
            self._text.append(text)
            self._unwritten.append(text)
            return ""
        rest = self._text.add(text)
        taken = text[: len(text) - len(rest)]
        if taken:
            self._unwritten.append(taken)
        if not rest.strip(BETWEEN):
            return ""
        if opens_json(rest):
            rest = rest.lstrip(BETWEEN)
            if self._is_placeholder():
                self._replace("")
                return self._take(rest)
            return rest
        if self.is_closed:
            raise UpstreamError(
                "The upstream's stream goes on with the arguments of a tool call that were "
                "complete. Retry the request."
            )
        self._text.append(rest)
        self._unwritten.append(rest)
        return ""

    def _is_placeholder(self) -> bool:
        """Whether the arguments are an empty object that the client has not seen."""
        return self._text.is_placeholder and "".join(self._unwritten) == self._text.text

    def _replace(self, text: str) -> None:
        self._text = ArgumentText()
        self._text.add(text)
        self._unwritten = [text] if text else []
