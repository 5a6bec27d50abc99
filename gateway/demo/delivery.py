"""Sends an answer, whole or as a stream, and plays the tricks that its scenario asks for."""

import asyncio

from gateway.demo.answer import Answer, Phase, encoded
from gateway.demo.call import Call
from gateway.demo.gate import Gate
from gateway.demo.scenarios import Trick

_EVENT_STREAM = "text/event-stream; charset=utf-8"
_ENDLESS_PACE = 0.01
_DELTAS_BEFORE_TRICK: dict[Trick | None, int | None] = {
    Trick.FAIL_MIDSTREAM: 2,
    Trick.TRUNCATE: 2,
    Trick.UNFINISHED: None,
    Trick.SLOW: 1,
}
"""How many deltas go before a trick is played, at most: it comes before the stream closes."""


async def deliver(call: Call, answer: Answer, *, stream: bool, gate: Gate, pace: float) -> None:
    """Send `answer`; raises `ClientLeft` if the client goes before the end.

    `pace` is the time between two events of a stream, in seconds.
    """
    if stream:
        if answer.scenario.trick is Trick.ENDLESS:
            pace = max(pace, _ENDLESS_PACE)
        await call.while_connected(_stream(call, answer, gate, pace))
    else:
        await call.while_connected(_whole(call, answer, gate))


async def _whole(call: Call, answer: Answer, gate: Gate) -> None:
    trick = answer.scenario.trick
    if trick in (Trick.SLOW, Trick.ENDLESS):
        await gate.wait()
    if trick is Trick.TRUNCATE:
        body = encoded(answer.whole())
        await call.start("application/json", headers=(("content-length", str(len(body))),))
        await call.write(body[: len(body) // 2])
        return
    await call.reply_json(answer.whole())


async def _stream(call: Call, answer: Answer, gate: Gate, pace: float) -> None:
    await call.start(_EVENT_STREAM, headers=(("cache-control", "no-cache"),))
    trick = answer.scenario.trick
    pending = trick in _DELTAS_BEFORE_TRICK
    deltas = 0
    for sent, event in enumerate(answer.events()):
        due = event.phase is Phase.CLOSING or deltas == _DELTAS_BEFORE_TRICK.get(trick)
        if pending and due:
            pending = False
            if not await _play(call, answer, gate, sent):
                return
        await call.write(event.data)
        deltas += event.phase is Phase.DELTA
        await asyncio.sleep(pace)
        if gate.is_open:
            return
    await call.end()


async def _play(call: Call, answer: Answer, gate: Gate, sent: int) -> bool:
    """Play the trick after `sent` events; tell whether the stream goes on."""
    trick = answer.scenario.trick
    if trick is Trick.SLOW:
        await gate.wait()
        return True
    if trick is Trick.FAIL_MIDSTREAM:
        for data in answer.failure(sent):
            await call.write(data)
    if trick is not Trick.TRUNCATE:
        await call.end()
    return False
