"""An upstream's socket behind a client's: sorts the upstream's messages by turns."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from gateway.config.settings import TimeoutSettings
from gateway.errors import UpstreamError
from gateway.exchange.sockets.ended_responses import EndedResponses
from gateway.exchange.sockets.events import USUAL, Event, read_event, with_documented_end
from gateway.exchange.sockets.link_errors import Lost, broken, silent
from gateway.exchange.sockets.live_turn import LiveTurn
from gateway.exchange.sockets.relays import Create
from gateway.exchange.sockets.whole_messages import WholeMessages
from gateway.frames import message_at, text_frame
from gateway.sockets import MESSAGE_TOO_BIG, POLICY_VIOLATION, UpstreamSocket
from gateway.translate.stream.response_ends import OTHER_END

EventJudge = Callable[[Event, bytes, LiveTurn | None], UpstreamError | None]
"""Returns the error that replaces an event for the client, given its content; None: no error does.

If the event belongs to no turn, the client does not get the error either.
"""

MOST_MADE: Final = 1024
_SOON: Final = 0.25
"""Seconds until the next look at whether a message is whole."""
_NOT_BY_SOCKET: Final = frozenset({MESSAGE_TOO_BIG, POLICY_VIOLATION})
"""Close codes of upstreams that take over HTTP what they do not take on a socket."""


class Link:
    """One open socket at an upstream called `name`: its `SocketUser`.

    `beside` takes the frames that belong to no turn; `judge` says which errors it keeps back.
    """

    def __init__(
        self,
        name: str,
        socket: UpstreamSocket,
        beside: Callable[[bytes], bool],
        judge: EventJudge = lambda *_: None,
    ) -> None:
        self.made: dict[str, None] = {}
        """The ids of the last responses made on this link, which the upstream remembers."""
        self.begun: dict[str, None] = {}
        """The ids of the last responses that have begun on this link, whether ended or not."""
        self.has_answered = False
        """Whether a turn has had an event."""
        self._name = name
        self._socket = socket
        self._beside = beside
        self._judge = judge
        self._ended_responses = EndedResponses()
        self._ended = False
        self._turns: list[LiveTurn] = []
        self._newest: LiveTurn | None = None
        """The turn whose create was written last; None if another message was written since."""
        self._last: LiveTurn | None = None
        """The last turn to end, while its frames wait; None once they were taken."""
        self._messages = WholeMessages()
        self._loop = asyncio.get_running_loop()
        self._heard = 0.0
        """When the upstream last sent anything, in the event loop's seconds."""
        self._is_paused = False
        self._is_leaving = False
        """Whether a turn was given up: its stream may go on, and must not count as another's."""
        self._watch: asyncio.TimerHandle | None = None
        self._scanner = socket.take_frames(pings=False)
        socket.attach(self)

    @property
    def is_open(self) -> bool:
        """Whether a create can be sent now."""
        return not (self._ended or self._is_leaving) and self._socket.is_open

    def begin(self, create: Create, timeouts: TimeoutSettings) -> LiveTurn:
        """Send a create, and return its turn. The socket must be open."""
        turn = LiveTurn(create.stream_id, timeouts, self, self._abandon)
        self._turns.append(turn)
        self._newest = turn
        self._look_in(_soonest(turn))
        self._socket.send(create.message)
        return turn

    def send(self, message: bytes, response_id: str) -> None:
        """Send a message of the client for a response that has begun (`response.steer`)."""
        self._newest = None
        for turn in self._turns:
            turn.is_steered = turn.is_steered or turn.response_id == response_id
        self._socket.send(message)

    def close(self) -> None:
        """Close the socket in order; turns that are not over fail."""
        self._socket.close()

    # --- the pace of the turns ----------------------------------------------------------------

    def pause(self) -> None:
        """Read no more for now."""
        self._is_paused = True
        self._socket.pause_reading()

    def go_on(self) -> None:
        """Read on, unless a turn is full."""
        if self._last is not None and not self._last.waits:
            self._last = None
        if self._is_paused and not any(turn.is_full for turn in self._turns):
            self._is_paused = False
            self._excuse()
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
        data, begins = self._messages.take(data, scanner.begins, scanner.boundary)
        turns = self._turns
        if len(turns) == 1:
            turns[0].heard = self._heard
        if len(turns) == 1 and turns[0].has_begun:
            for begin in begins:
                if not data.startswith(USUAL, begin + (2 if data[begin + 1] < 126 else 4)):
                    break
            else:
                if data:
                    turns[0].take(data)
                return
        self._sort(data, begins)

    def closed(self, code: int, reason: str) -> None:
        """End the turns that are not over; an upstream's own reason is not for clients.

        An upstream that closes because it refuses a message has not processed the create that was
        written last: that is the refused message, or it was not read any more.
        """
        self._ended = True
        self.made.clear()
        self.begun.clear()
        if self._watch is not None:
            self._watch.cancel()
        turns, self._turns = self._turns, []
        for turn in turns:
            refused = turn is self._newest and code in _NOT_BY_SOCKET
            error = broken(self._name, code, reason, has_begun=turn.has_begun)
            turn.fail(error if turn.has_begun else Lost(error, is_refused=refused))

    # ------------------------------------------------------------------------------------------

    def _sort(self, data: bytes, begins: list[int]) -> None:
        """Hand messages to their turns; successive ones of a turn are handed over together."""
        start, current = 0, None
        for begin, end in pairwise((*begins, len(data))):
            content = message_at(data, begin)
            event = read_event(content)
            turn = self._turn_of(event)
            error = self._judge(event, content, turn) if event.is_error else None
            if turn is not current or error is not None:
                self._hand_over(current, data[start:begin])
                start, current = begin, turn
            if error is not None:
                start, current = end, None
            if turn is not None:
                turn.heard = self._heard
                turn.note(event)
                self.has_answered = True
                _note(self.begun, event)
                if event.ends_turn or error is not None:
                    frames = data[start:end]
                    if event.type == OTHER_END:
                        frames = data[start:begin] + text_frame(with_documented_end(content))
                    self._hand_over(turn, frames)
                    start, current = end, None
                    self._end(turn, event, content, error)
        self._hand_over(current, data[start:])

    def _hand_over(self, turn: LiveTurn | None, frames: bytes) -> None:
        if not frames:
            return
        if turn is not None:
            turn.take(frames)
            return
        if self._is_leaving:
            return  # it may be of a turn that was given up
        last = self._last
        if last is not None and last.waits:
            last.follow(frames)
        else:
            self._beside(frames)

    def _turn_of(self, event: Event) -> LiveTurn | None:
        """Return the turn of an event; None if there is none.

        A single turn gets every event. An event that names no turn belongs to the first that has
        not ended; an error, to the first that has not begun, if there is any: most errors refuse a
        request.
        """
        turns = self._turns
        if self._ended_responses.tells_again(event) and all(
            turn.response_id != event.response_id for turn in turns
        ):
            return None
        if len(turns) < 2:
            return turns[0] if turns else None
        named = (turn for turn in turns if turn.stream_id == event.stream_id)
        refuses = event.type == "error"
        return next(named, None) or min(
            turns, key=lambda turn: (turn.has_ended, refuses and turn.has_begun)
        )

    def _end(
        self, turn: LiveTurn, event: Event, content: bytes, error: UpstreamError | None
    ) -> None:
        self._turns.remove(turn)
        self._ended_responses.note(turn.response_id, event)
        _note(self.made, event)
        if error is not None:
            turn.fail(error)
        elif not turn.has_ended:
            turn.end(content)
        if turn.waits:
            self._last = turn
        self._leave()

    def _abandon(self, turn: LiveTurn) -> None:
        """Close the socket of an abandoned turn: its late frames would count as another turn's."""
        if turn in self._turns:
            self._turns.remove(turn)
            self._socket.abort()

    def _leave(self) -> None:
        """Drop the socket once no turn is left, if one was given up."""
        if self._is_leaving and all(turn.has_ended for turn in self._turns):
            self._socket.abort()

    def _excuse(self) -> None:
        """Count the silence of all turns from now on: the client was slow, not the upstream."""
        now = self._loop.time()
        for turn in self._turns:
            turn.heard = now

    def _look_in(self, seconds: float) -> None:
        at = self._loop.time() + seconds
        if self._watch is not None:
            if self._watch.when() <= at:
                return
            self._watch.cancel()
        self._watch = self._loop.call_at(at, self._look)

    def _look(self) -> None:
        """Give up the turns that were silent for too long; the others continue."""
        self._watch = None
        if any(turn.is_full for turn in self._turns):
            self._excuse()
        for turn in self._turns:
            if not turn.has_ended and self._left(turn) <= 0:
                turn.fail(silent(self._name, turn.patience, has_begun=turn.has_begun))
                self._is_leaving = True
        self._leave()
        live = [turn for turn in self._turns if not turn.has_ended]
        if live:
            self._look_in(min(min(self._left(turn), _soonest(turn)) for turn in live))

    def _left(self, turn: LiveTurn) -> float:
        """Return for how many seconds more a turn may be silent.

        While a message is arriving, the turn is not given up: only the whole message shows whether
        it is the turn's.
        """
        now = self._loop.time()
        left = turn.heard + turn.patience - now
        is_coming = self._messages.waits and self._heard + turn.patience > now
        return max(left, min(_SOON, turn.patience)) if is_coming else left


def _soonest(turn: LiveTurn) -> float:
    """Return the shortest silence, in seconds, that can end a turn at any stage."""
    return min(turn.timeouts.first_byte, turn.timeouts.stream_idle)


def _note(ids: dict[str, None], event: Event) -> None:
    """Note the response of an event; the oldest are forgotten."""
    if event.response_id:
        ids[event.response_id] = None
        if len(ids) > MOST_MADE:
            del ids[next(iter(ids))]
