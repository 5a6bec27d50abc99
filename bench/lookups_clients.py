"""The clients of the look-up bench whose requests need look-ups, until they are told to end.

    python -m bench.lookups_clients PORT missing|hung|known

In the end (SIGTERM) they print one JSON object: how many replies of which status they got.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count

from bench.lookups_upstream import FORM
from bench.wire import Wire

_BETWEEN = {"missing": 0.05, "hung": 0.02, "known": 0.1}
"""Seconds from one request to the next, if the last one has been answered."""
_TOGETHER = 256
"""So many requests at most may wait for their look-ups."""

_Statuses = Counter[int]


async def _ask(port: int, model: str, key: str) -> int:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hi"}]}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    wire = await Wire.open(port)
    try:
        await wire.write(head.encode() + body)
        return (await wire.reply()).status
    finally:
        await wire.leave()


async def _missing(port: int, statuses: _Statuses) -> None:
    """Ask for names that are not there: a slip, then the same slip again, as clients repeat it."""
    for number in count():
        slip = FORM.format(number // 2 % 1_000).replace("support", "suport")
        statuses[await _ask(port, slip, "sk-one")] += 1
        await asyncio.sleep(_BETWEEN["missing"])


async def _known(port: int, statuses: _Statuses) -> None:
    """Ask for a listed name; where lists live shortly, they are renewed meanwhile."""
    while True:
        statuses[await _ask(port, FORM.format(0), "sk-one")] += 1
        await asyncio.sleep(_BETWEEN["known"])


async def _hung(port: int, statuses: _Statuses) -> None:
    """Ask with a new key each time, whose list is not here yet."""
    places = asyncio.Semaphore(_TOGETHER)

    async def ask(number: int) -> None:
        async with places:
            statuses[await _ask(port, "slow-1-new", f"sk-{number}")] += 1

    async with asyncio.TaskGroup() as group:
        for number in count():
            group.create_task(ask(number))
            await asyncio.sleep(_BETWEEN["hung"])


_CLIENTS: dict[str, Callable[[int, _Statuses], Awaitable[None]]] = {
    "missing": _missing,
    "hung": _hung,
    "known": _known,
}


async def main(port: int, which: str) -> None:
    statuses: _Statuses = Counter()
    task = asyncio.ensure_future(_CLIENTS[which](port, statuses))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    print(json.dumps(statuses))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
