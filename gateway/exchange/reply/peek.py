"""Looks at the beginning of a reply before any of it is passed on, and loses nothing of it."""

import asyncio
from typing import Protocol

from gateway.shapes import UpstreamReply


class Judge(Protocol):
    """Judges the beginning of a body."""

    def __call__(self, data: bytes, *, ended: bool) -> bytes | None:
        """Return what was found in `data`, which may be nothing; None: more of it is needed.

        Never None once the body has `ended`.
        """


async def look(reply: UpstreamReply, judge: Judge, grace: float) -> bytes:
    """Return what `judge` says of a reply's beginning; empty if it cannot say so in `grace` s.

    Nothing is read: what has arrived stays to be read. The reply is closed if waiting is cancelled.
    """
    until: float | None = None
    try:
        while (found := judge(reply.peek(), ended=reply.ended)) is None:
            now = asyncio.get_running_loop().time()
            if until is None:
                until = now + grace
            if not await reply.more(until - now):
                return b""
    except BaseException:
        await reply.aclose()
        raise
    return found
