"""A tool call whose id, name and arguments a chat endpoint sends in pieces."""

from gateway.errors import UpstreamError
from gateway.translate.parts.tools.arguments import BETWEEN, ArgumentText, opens_json


class CallInPieces:
    """The known parts of a call: its id, its name, and its arguments or a custom tool's input."""

    def __init__(self) -> None:
        self._text = ArgumentText()
        self._unwritten: list[str] = []
        """The pieces of the text that the client does not have yet."""
        self._custom = False
        self.call_id = ""
        """The upstream's id of the call; empty if unknown (so far)."""
        self.name = ""
        """The upstream's name of the tool; empty if unknown (so far)."""
        self.likely_name = ""
        """The name to use if the upstream never sends one."""

    @property
    def is_closed(self) -> bool:
        """Whether the client has the whole call."""
        return False

    @property
    def is_free_text(self) -> bool:
        """Whether the text is the input of a custom tool, which need not be JSON."""
        return self._custom

    @property
    def has_ended(self) -> bool:
        """Whether the text is complete, or may be."""
        return not self._text.is_blank if self.is_free_text else self._text.ended

    @property
    def has_begun(self) -> bool:
        """Whether there are arguments; a placeholder does not count."""
        return not self._text.is_blank and not self._is_placeholder()

    @property
    def is_cut_off(self) -> bool:
        """Whether the call's arguments have begun, but are not whole JSON."""
        return not (self.is_free_text or self._text.is_blank or self._text.whole)

    @property
    def text(self) -> str:
        """The arguments, or the input, so far."""
        return self._text.text

    def add(self, call_id: str, name: str, text: str, *, custom: bool) -> str:
        """Add a piece of the call: an id, a name and a piece of the arguments, each may be empty.

        Returns the text after the end of the arguments, which belongs to another call. Raises
        `UpstreamError` for other text after the call was closed.
        """
        self.call_id = self.call_id or call_id
        self.name = self.name or name
        self._custom = self._custom or custom
        return self._take(text if self.is_free_text else self._text.news_in(text))

    def add_whole(self, call_id: str, name: str, whole: str, *, custom: bool) -> str:
        """Add the whole call; its known parts are not added again.

        Returns and raises as `add` does.
        """
        self._text.flush()
        known = self._text.text if self.has_begun else ""
        rest = whole[len(known) :] if whole.startswith(known) else ""
        return self.add(call_id, name, rest, custom=custom)

    def settle(self) -> str:
        """Take the end of all pieces; returns as `add` does."""
        return self._take(self._text.flush())

    def _take(self, text: str) -> str:
        """Add the next text to the arguments; return the part after their end."""
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
                "The upstream's stream continues the arguments of a tool call that were complete. "
                "Retry the request."
            )
        self._text.append(rest)
        self._unwritten.append(rest)
        return ""

    def _is_placeholder(self) -> bool:
        """Whether the arguments are an empty object that was not sent to the client."""
        return self._text.is_placeholder and "".join(self._unwritten) == self._text.text

    def _replace(self, text: str) -> None:
        self._text = ArgumentText()
        self._text.add(text)
        self._unwritten = [text] if text else []
