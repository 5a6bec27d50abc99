"""Finds the calls to which fields belong that reasoning items bring back."""

from collections.abc import Sequence

from gateway.shapes import Json
from gateway.translate.responses_via_chat.deltas.reasoning_fields import merge
from gateway.translate.responses_via_chat.input.returned import ReturnedReasoning
from gateway.translate.responses_via_chat.input.turn import Call, Turn


class Signatures:
    """Gives calls the fields that were brought back, whichever of the two comes first.

    Calls are identified by the client's ids, which may be reused once a call has its output.
    """

    def __init__(self) -> None:
        self._early: dict[str, tuple[Json, str]] = {}
        """The fields for calls that have not come yet, with the path of the reasoning item."""
        self._unsigned: dict[str, tuple[Turn, Call]] = {}
        """Calls that have neither an output nor fields yet."""
        self._ids: dict[int, str] = {}
        """The key of each of these calls, by its `id()`: calls live as long as the request."""

    @property
    def left_over(self) -> Sequence[str]:
        """The paths of reasoning items with fields for calls that never came."""
        return [path for _, path in self._early.values()]

    def turn_of(self, back: ReturnedReasoning) -> Turn | None:
        """Return the turn of a reasoning item, if that came after one of the turn's calls."""
        late = next((each for each in back.calls if each in self._unsigned), None)
        return None if late is None else self._unsigned[late][0]

    def take(self, back: ReturnedReasoning, path: str) -> None:
        """Take the fields of calls that the reasoning item at `path` brought back."""
        for call_id, fields in back.calls.items():
            if fields and call_id in self._unsigned:
                merge(self._unsigned.pop(call_id)[1].tool_call, fields)
            elif fields:
                self._early[call_id] = (fields, path)

    def sign(self, call_id: str, turn: Turn, call: Call) -> None:
        """Give a call its fields, now or once they come."""
        if self._early and call_id in self._early:
            fields, _ = self._early.pop(call_id)
            merge(call.tool_call, fields)
        else:
            self._unsigned[call_id] = (turn, call)
            self._ids[id(call)] = call_id

    def close(self, answered: Call) -> None:
        """Stop waiting for fields of a call that has its output."""
        call_id = self._ids.pop(id(answered), None)
        if call_id in self._unsigned and self._unsigned[call_id][1] is answered:
            del self._unsigned[call_id]
