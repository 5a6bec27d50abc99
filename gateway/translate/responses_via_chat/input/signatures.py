"""Which calls the fields belong to that reasoning items bring back for calls."""

from collections.abc import Sequence

from gateway.shapes import Json
from gateway.translate.responses_via_chat.deltas.carried import merge
from gateway.translate.responses_via_chat.input.returned import Returned
from gateway.translate.responses_via_chat.input.turn import Call, Turn


class Signatures:
    """Joins calls with what is brought back of them, whichever of the two comes first.

    Calls go by the client's ids, which may come again once a call has its output.
    """

    def __init__(self) -> None:
        self._early: dict[str, tuple[Json, str]] = {}
        """Fields of calls that are still to come, with the path of the reasoning."""
        self._unsigned: dict[str, tuple[Turn, Call]] = {}
        """Calls without output of which nothing was brought back yet."""

    @property
    def left_over(self) -> Sequence[str]:
        """The paths of reasoning whose calls have not come."""
        return [path for _, path in self._early.values()]

    def turn_of(self, back: Returned) -> Turn | None:
        """Return the turn that reasoning belongs to which comes after a call of it."""
        late = next((each for each in back.calls if each in self._unsigned), None)
        return None if late is None else self._unsigned[late][0]

    def take(self, back: Returned, path: str) -> None:
        """Take what the reasoning at `path` has brought back of calls."""
        for call_id, fields in back.calls.items():
            if fields and call_id in self._unsigned:
                merge(self._unsigned.pop(call_id)[1].tool_call, fields)
            elif fields:
                self._early[call_id] = (fields, path)

    def sign(self, call_id: str, turn: Turn, call: Call) -> None:
        """Give a call its fields, now or when they come."""
        if call_id in self._early:
            fields, _ = self._early.pop(call_id)
            merge(call.tool_call, fields)
        else:
            self._unsigned[call_id] = (turn, call)

    def close(self, answered: Call) -> None:
        """Take note of the output of a call: nothing more comes of it."""
        for call_id, (_, call) in self._unsigned.items():
            if call is answered:
                del self._unsigned[call_id]
                return
