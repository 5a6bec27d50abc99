"""Sends an answer, whole or as a stream, and injects the behaviour that its scenario asks for."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from gateway.demo.call import Call
from gateway.demo.generation.answer import Answer, Phase, encoded
from gateway.demo.generation.barrier import Barrier
from gateway.demo.generation.scenarios import Behaviour

_EVENT_STREAM = "text/event-stream; charset=utf-8"
_ENDLESS_PACE = 0.01
_DELTAS_BEFORE_BEHAVIOUR: dict[Behaviour | None, int | None] = {
    Behaviour.FAIL_MIDSTREAM: 2,
    Behaviour.TRUNCATE: 2,
    Behaviour.UNFINISHED: None,
    Behaviour.SLOW: 1,
}
"""How many deltas precede an injected behaviour, at most: None is all, up to the closing events."""


class Ending(Enum):
    """How the events of an answer have ended."""

    COMPLETE = auto()
    FAILED = auto()
    UNFINISHED = auto()
    CUT = auto()
    """The connection is to break."""


_ENDINGS = {
    Behaviour.FAIL_MIDSTREAM: Ending.FAILED,
    Behaviour.TRUNCATE: Ending.CUT,
    Behaviour.UNFINISHED: Ending.UNFINISHED,
}


async def deliver(
    call: Call, answer: Answer, *, stream: bool, barrier: Barrier, pace: float
) -> None:
    """Send `answer`; raises `ClientLeft` if the client disconnects before the end.

    `pace` is the time between two events of a stream, in seconds.
    """
    if stream:
        await call.while_connected(_stream(call, answer, barrier, pace))
    else:
        await call.while_connected(_whole(call, answer, barrier))


async def _whole(call: Call, answer: Answer, barrier: Barrier) -> None:
    behaviour = answer.scenario.behaviour
    if behaviour in (Behaviour.SLOW, Behaviour.ENDLESS):
        await barrier.wait()
    if behaviour is Behaviour.TRUNCATE:
        body = encoded(answer.whole())
        await call.start("application/json", headers=(("content-length", str(len(body))),))
        await call.write(body[: len(body) // 2])
        return
    await call.reply_json(answer.whole())


async def _stream(call: Call, answer: Answer, barrier: Barrier, pace: float) -> None:
    await call.start(_EVENT_STREAM, headers=(("cache-control", "no-cache"),))
    if await write_events(call.write, answer, barrier, pace) is not Ending.CUT:
        await call.end()


async def write_events(
    write: Callable[[bytes], Awaitable[None]], answer: Answer, barrier: Barrier, pace: float
) -> Ending:
    """Write the events of `answer`, each `pace` seconds after the last; return how they ended."""
    behaviour = answer.scenario.behaviour
    if behaviour is Behaviour.ENDLESS:
        pace = max(pace, _ENDLESS_PACE)
    pending = behaviour in _DELTAS_BEFORE_BEHAVIOUR
    deltas = 0
    for sent, event in enumerate(answer.events()):
        due = event.phase is Phase.CLOSING or deltas == _DELTAS_BEFORE_BEHAVIOUR.get(behaviour)
        if pending and due:
            pending = False
            if behaviour is Behaviour.FAIL_MIDSTREAM:
                for data in answer.failure(sent):
                    await write(data)
            if behaviour in _ENDINGS:
                return _ENDINGS[behaviour]
            await barrier.wait()
        await write(event.data)
        deltas += event.phase is Phase.DELTA
        await asyncio.sleep(pace)
        if barrier.lifted:
            return Ending.CUT
    return Ending.COMPLETE
