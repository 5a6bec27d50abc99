"""An upstream's socket behind a client's: sorts what the upstream says by turns."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from gateway.config.settings import TimeoutSettings
from gateway.errors import Reason, TruncatedStream, UpstreamError, UpstreamTimeout
from gateway.exchange.sockets.events import USUAL, Event, read_event
from gateway.exchange.sockets.live_turn import LiveTurn
from gateway.exchange.sockets.relays import Create
from gateway.frames import message_at
from gateway.sockets import MESSAGE_TOO_BIG, POLICY_VIOLATION, UpstreamSocket

MOST_MADE: Final = 1024


_NOT_BY_SOCKET: Final = frozenset({MESSAGE_TOO_BIG, POLICY_VIOLATION})
"""Codes of an upstream that takes by HTTP what it does not take here."""


class Lost(Exception):
    """The upstream's socket has ended before the first event of a turn, whose create was written.

    `is_refused`: its code says that the create was not processed.
    """

    def __init__(self, upstream: str, code: int, *, is_refused: bool) -> None:
        super().__init__()
        self.is_refused = is_refused
        self.error = UpstreamError(
            f"Upstream '{upstream}' closed its WebSocket without an answer (code {code}).",
            reason=Reason.CLOSED,
        )


class Link:
    """One open socket at an upstream called `name`: its `SocketUser`.

    `beside` takes the frames that belong to no turn.
    """

    def __init__(
        self,
        name: str,
        socket: UpstreamSocket,
        timeouts: TimeoutSettings,
        beside: Callable[[bytes], bool],
    ) -> None:
        self.made: dict[str, None] = {}
        """The ids of the last responses that its turns have made: the upstream remembers them."""
        self.begun: dict[str, None] = {}
        """The ids of the last responses that have begun in its turns, whether ended or not."""
        self._name = name
        self._socket = socket
        self._timeouts = timeouts
        self._beside = beside
        self._ended = False
        self._turns: list[LiveTurn] = []
        self._newest: LiveTurn | None = None
        """The turn whose create was written last; None: another message was, since."""
        self._held: list[bytes] = []
        """The beginning of a message."""
        self._loop = asyncio.get_running_loop()
        self._heard = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._scanner = socket.take_frames(pings=False)
        socket.attach(self)

    @property
    def is_open(self) -> bool:
        """Whether a create that is sent now is written."""
        return not self._ended and self._socket.is_open

    def begin(self, create: Create) -> LiveTurn:
        """Send a create, and return its turn. The socket must be open."""
        turn = LiveTurn(create.stream_id, self, self._abandon)
        self._turns.append(turn)
        self._newest = turn
        self._heard = self._loop.time()
        if self._watch is None:
            soonest = min(self._timeouts.first_byte, self._timeouts.stream_idle)
            self._watch = self._loop.call_later(soonest, self._look)
        self._socket.send(create.message)
        return turn

    def send(self, message: bytes) -> None:
        """Send another message of the client."""
        self._newest = None
        self._socket.send(message)

    def close(self) -> None:
        """Close the socket in order; turns that are not over fail."""
        self._socket.close()

    # --- the pace of the turns ----------------------------------------------------------------

    def pause(self) -> None:
        """Read no more for now."""
        self._socket.pause_reading()

    def go_on(self) -> None:
        """Read on, unless a turn is full."""
        self._heard = self._loop.time()
        if not any(turn.is_full for turn in self._turns):
            self._socket.resume_reading()

    # --- called by the socket -----------------------------------------------------------------

    def received(self, message: bytes) -> None:
        """Never called: the socket hands over frames."""

    def drained(self) -> None:
        """Do nothing: creates are few, and none waits."""

    def received_frames(self, data: bytes, *, complete: bool) -> None:  # noqa: ARG002
        """Hand whole messages to their turns."""
        scanner = self._scanner
        self._heard = self._loop.time()
        begins = scanner.begins
        if self._held or scanner.boundary != len(data):
            data, begins = self._whole(data, begins, scanner.boundary)
        turns = self._turns
        if len(turns) == 1 and turns[0].has_begun:
            for begin in begins:
                if not data.startswith(USUAL, begin + (2 if data[begin + 1] < 126 else 4)):
                    break
            else:
                if data:
                    turns[0].take(data)
                return
        self._sort(data, begins)

    def closed(self, code: int, reason: str) -> None:  # noqa: ARG002 - not for clients
        """End the turns that are not over.

        What was written last cannot have been processed by an upstream that refuses a message:
        either it is that message, or it was not read any more.
        """
        self._ended = True
        self.made.clear()
        self.begun.clear()
        if self._watch is not None:
            self._watch.cancel()
        turns, self._turns = self._turns, []
        for turn in turns:
            refused = turn is self._newest and code in _NOT_BY_SOCKET
            lost = Lost(self._name, code, is_refused=refused)
            turn.fail(self._broken() if turn.has_begun else lost)

    # ------------------------------------------------------------------------------------------

    @property
    def _patience(self) -> float:
        """How long the upstream may be silent, in seconds."""
        waits = any(not turn.has_begun for turn in self._turns)
        return self._timeouts.first_byte if waits else self._timeouts.stream_idle

    def _whole(self, data: bytes, begins: list[int], boundary: int) -> tuple[bytes, list[int]]:
        """Return the whole messages that are here, and where they begin; hold the rest back."""
        held = self._held
        if not boundary:
            held.append(data)
            return b"", []
        whole, rest = data[:boundary], data[boundary:]
        begins = [begin for begin in begins if begin < boundary]
        if held:
            size = sum(map(len, held))
            begins = [0, *(size + begin for begin in begins)]
            whole = b"".join((*held, whole))
        self._held = [rest] if rest else []
        return whole, begins

    def _sort(self, data: bytes, begins: list[int]) -> None:
        """Hand messages to their turns, those together that follow one another."""
        start, current = 0, None
        for begin, end in pairwise((*begins, len(data))):
            content = message_at(data, begin)
            event = read_event(content)
            turn = self._turn_of(event)
            if turn is not current:
                self._hand_over(current, data[start:begin])
                start, current = begin, turn
            if turn is not None:
                turn.begin(event)
                _note(self.begun, event)
                if event.ends_turn:
                    self._hand_over(turn, data[start:end])
                    start, current = end, None
                    self._end(turn, event, content)
        self._hand_over(current, data[start:])

    def _hand_over(self, turn: LiveTurn | None, frames: bytes) -> None:
        if not frames:
            return
        if turn is None:
            self._beside(frames)
        else:
            turn.take(frames)

    def _turn_of(self, event: Event) -> LiveTurn | None:
        """Return the turn of an event: an only one has all of them."""
        turns = self._turns
        if len(turns) < 2:
            return turns[0] if turns else None
        return next((turn for turn in turns if turn.stream_id == event.stream_id), turns[0])

    def _end(self, turn: LiveTurn, event: Event, content: bytes) -> None:
        self._turns.remove(turn)
        _note(self.made, event)
        turn.end(content)

    def _abandon(self, turn: LiveTurn) -> None:
        """Drop the socket of a turn that nobody waits for: what it says would be another's."""
        if turn in self._turns:
            self._turns.remove(turn)
            self._socket.abort()

    def _look(self) -> None:
        """Give up an upstream that has been silent for too long."""
        self._watch = None
        if not self._turns:
            return
        if any(turn.is_full for turn in self._turns):
            self._heard = self._loop.time()  # the client is slow, not the upstream
        left = self._heard + self._patience - self._loop.time()
        if left > 0:
            self._watch = self._loop.call_later(left, self._look)
            return
        silence = self._silent()
        turns, self._turns = self._turns, []
        for turn in turns:
            turn.fail(silence)
        self._socket.abort()

    def _broken(self) -> TruncatedStream:
        return TruncatedStream(
            f"Upstream '{self._name}' closed its WebSocket before its response was complete."
        )

    def _silent(self) -> UpstreamTimeout:
        return UpstreamTimeout(
            f"Upstream '{self._name}' sent nothing on its WebSocket for {self._patience:g} s.",
            reason=Reason.IDLE_TIMEOUT,
        )


def _note(ids: dict[str, None], event: Event) -> None:
    """Note the response of an event; the oldest are forgotten."""
    if event.response_id:
        ids[event.response_id] = None
        if len(ids) > MOST_MADE:
            del ids[next(iter(ids))]
