"""Finds the tool call of a chat stream that a fragment belongs to.

OpenAI numbers the calls: `index` identifies a fragment's call, whose id and name come once. Other
servers give all calls the same index or none (gcli2api#406), no id (hermes-agent#62937), the same
id (hass_local_openai_llm#92), a name only to the first call (lens#49), or repeat id and name with
each fragment. So index, id, name and the completeness of the arguments are all considered.
Ambiguous fragments are an error; two texts never become one call.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeVar

from gateway.errors import UpstreamError
from gateway.translate.parts.tools.arguments import ArgumentText, is_json, same_json
from gateway.translate.parts.tools.call_faults import two_in_one
from gateway.translate.parts.tools.names import joined
from gateway.translate.responses_via_chat.deltas.call_in_pieces import CallInPieces
from gateway.translate.responses_via_chat.deltas.delta import CallFragment

_Place = int | None
"""An index; None: among all calls, whatever their index."""

Call = TypeVar("Call", bound=CallInPieces)


class CallTracker(Generic[Call]):
    """The calls of one reply; `tools` are the names of the declared tools.

    `begin` makes a new call. It is a parameter of each method, because storing it would make a
    reference cycle.
    """

    def __init__(self, tools: Collection[str]) -> None:
        self._tools = tools
        self.begun: list[Call] = []
        """The calls so far, in order of their beginnings."""
        self._last: dict[_Place, Call] = {}
        self._with_id: dict[tuple[_Place, str], Call] = {}
        self._with_name: dict[tuple[_Place, str], Call] = {}
        self._unplaced: set[Call] = set()
        self._overlapping: defaultdict[_Place, list[Call]] = defaultdict(list)
        """Calls at one place, of which a later one began before the earlier one was complete."""
        self._rests: dict[Call, tuple[_Place, ArgumentText]] = {}
        """Incomplete JSON texts that began after the arguments of a call, each with its place."""

    def __bool__(self) -> bool:
        """Whether there are any calls."""
        return bool(self.begun)

    def take(self, fragment: CallFragment, begin: Callable[[], Call]) -> Call:
        """Add a piece of a call, and return the call.

        Raises `UpstreamError` for text that cannot belong to a call.
        """
        index = fragment.index
        item = self._known(fragment) or self._new(index, begin)
        if index is not None:
            self._unplaced.discard(item)
        name, text = fragment.name, fragment.text
        whole_name = self._whole_name(item, fragment)
        if whole_name is not None:
            item.name = name = whole_name
        if item not in self._rests:
            text = item.add(fragment.call_id, name, text, custom=fragment.custom)
        for place in {index, None}:
            self._last[place] = item
            if fragment.call_id:
                self._with_id[place, fragment.call_id] = item
            if name:
                self._with_name[place, name] = item
        self._go_beyond(item, index, text, begin)
        return item

    def go_on(self, index: int, text: str, begin: Callable[[], Call]) -> None:
        """Add the next piece of arguments, right after another piece with the same index.

        The effect, and the errors, are those of `take` for a piece without an id and a name.
        """
        item = self._last[index]
        if item not in self._rests:
            text = item.add("", "", text, custom=False)
        self._go_beyond(item, index, text, begin)

    def take_whole(
        self, fragments: Sequence[CallFragment], begin: Callable[[], Call]
    ) -> list[Call]:
        """Add all calls of the reply, each as a whole, and return them.

        Known parts of a call are not added again. Raises `UpstreamError` for a call that
        contradicts its pieces.
        """
        left = list(self.begun)
        calls: list[Call] = []
        for fragment in fragments:
            item = _same(fragment, left)
            if item is None:
                item = self._new(None, begin)
            else:
                left.remove(item)
            fields = (fragment.call_id, fragment.name, fragment.text)
            rest = item.add_whole(*fields, custom=fragment.custom)
            self._go_beyond(item, None, rest, begin)
            calls.append(item)
        return calls

    def take_all(
        self, fragments: Sequence[CallFragment], begin: Callable[[], Call], *, whole: bool
    ) -> list[Call]:
        """Add the calls of one delta, or of a `whole` message; return the call of each fragment.

        Raises `UpstreamError` as `take` and `take_whole` do.
        """
        if whole:
            return self.take_whole(fragments, begin)
        return [self.take(fragment, begin) for fragment in fragments]

    def finish(self, begin: Callable[[], Call], *, truncated: bool) -> None:
        """Take the end of the stream; `truncated`: the reply was cut off.

        Raises `UpstreamError` for calls with incomplete arguments that share an index or a text.
        """
        for item in list(self.begun):
            self._go_beyond(item, None, item.settle(), begin)
        for item, (index, text) in list(self._rests.items()):
            if not truncated and not text.ended:
                raise two_in_one()
            self._follow(item, index, text, begin)
        for items in self._overlapping.values():
            if not truncated and any(item.is_cut_off for item in items):
                raise _mixed_up()

    def _known(self, fragment: CallFragment) -> Call | None:
        """Return the call that a fragment continues; None: it begins another."""
        index, call_id, name = fragment.index, fragment.call_id, fragment.name
        if call_id:
            item = self._found(self._with_id, index, call_id)
            if item is not None and (not name or item.name in ("", name)):
                return item
            if item is not None and self._whole_name(item, fragment) is not None:
                return item
        if name:
            item = self._found(self._with_name, index, name)
            same_id = item is not None and (not call_id or item.call_id in ("", call_id))
            if item is not None and same_id and not item.has_ended:
                return item
        last = self._last.get(index) or self._last_unplaced()
        if last is not None and self._whole_name(last, fragment) is not None:
            return last
        return None if last is None or _begins_another(fragment, last) else last

    def _whole_name(self, item: Call, fragment: CallFragment) -> str | None:
        """Return the name of a call extended by a fragment; None: it is not extended by it."""
        other_id = fragment.call_id and item.call_id not in ("", fragment.call_id)
        if item.has_begun or other_id:
            return None
        return joined(item.name, fragment.name, self._tools)

    def _found(self, known: dict[tuple[_Place, str], Call], index: _Place, key: str) -> Call | None:
        item = known.get((index, key)) or known.get((None, key))
        at_place = (index, key) in known or item in self._unplaced
        return item if at_place else None

    def _last_unplaced(self) -> Call | None:
        last = self._last.get(None)
        return last if last in self._unplaced else None

    def _new(self, index: _Place, begin: Callable[[], Call]) -> Call:
        before = self._last.get(index)
        if before is not None:
            self._go_beyond(before, index, before.settle(), begin)
        item = begin()
        self.begun.append(item)
        if before is not None:
            item.likely_name = before.name or before.likely_name
            if not before.has_ended:
                self._overlapping[index] += (before, item)
        if index is None:
            self._unplaced.add(item)
        return item

    def _go_beyond(self, item: Call, index: _Place, text: str, begin: Callable[[], Call]) -> None:
        """Take another JSON text after the arguments of a call, without an id or name of its own.

        It is the next call, of the same function, unless it repeats the arguments.
        """
        while text:
            _, waiting = self._rests.setdefault(item, (index, ArgumentText()))
            text = waiting.add(text)
            if not waiting.ended:
                return
            if same_json(waiting.text, item.text):
                del self._rests[item]
            else:
                item = self._follow(item, index, waiting, begin)
            text = item.add("", "", text, custom=False)

    def _follow(
        self, item: Call, index: _Place, text: ArgumentText, begin: Callable[[], Call]
    ) -> Call:
        del self._rests[item]
        if not all(each.has_ended for each in self._overlapping[index]):
            raise _mixed_up()
        following = self._new(index, begin)
        for place in (index, None):
            self._last[place] = following
            self._with_id[place, item.call_id] = self._with_name[place, item.name] = following
        following.add("", item.name, text.text.lstrip(), custom=False)
        return following


def _mixed_up() -> UpstreamError:
    return UpstreamError(
        "The upstream's stream gives several tool calls the same index, and their arguments "
        "cannot be separated. Retry the request, with parallel tool calls switched off."
    )


def _same(fragment: CallFragment, known: Sequence[Call]) -> Call | None:
    """Return the known call that a whole call equals or completes, if there is one."""
    named = [each for each in known if not fragment.name or each.name in ("", fragment.name)]
    by_text = [each for each in named if each.has_begun and same_json(each.text, fragment.text)]
    by_id = [each for each in named if fragment.call_id and each.call_id == fragment.call_id]
    found = [each for each in by_text if each in by_id] or by_text
    found = found or [each for each in by_id if _continues(fragment, each)]
    if not found and by_id and is_json(fragment.text):
        raise UpstreamError(
            "The upstream's stream contradicts itself: the arguments of a tool call differ from "
            "those of its pieces. Retry the request."
        )
    found = found or by_id or [each for each in named if _continues(fragment, each)]
    return found[0] if found else None


def _continues(fragment: CallFragment, call: CallInPieces) -> bool:
    return not call.has_begun or not fragment.text or fragment.text.startswith(call.text)


def _begins_another(fragment: CallFragment, last: CallInPieces) -> bool:
    """Whether a fragment at the place of a call begins another call.

    An id alone may change with every fragment, so it counts only once the arguments are complete.
    """
    if fragment.name and last.name and fragment.name != last.name:
        return True
    new_id = bool(fragment.call_id and last.call_id and fragment.call_id != last.call_id)
    if fragment.name and new_id:
        return True
    if not last.has_ended:
        return False
    same_id = fragment.call_id != "" and fragment.call_id == last.call_id
    named_again = bool(fragment.name and last.name) and not same_id
    return named_again or (new_id and bool(fragment.text.strip()))
