"""Sends calls side by side and reads their whole replies."""

import asyncio
from collections.abc import Sequence

from gateway.exchange.reply.classify import ErrorReply, answer_or_error
from gateway.exchange.reply.reading import Allowance
from gateway.replies import BufferedReply
from gateway.shapes import Send, UpstreamCall


async def send_whole(
    send: Send, calls: Sequence[UpstreamCall], concurrency: int
) -> list[BufferedReply] | ErrorReply:
    """Send all calls and read all replies; the first failure in call order stops the rest.

    Raises what `send` raises, for the first call that meets it.
    """
    if len(calls) == 1:
        only = await answer_or_error(await send(calls[0]), "whole")
        return only if isinstance(only, ErrorReply) else [only]
    turns = asyncio.Semaphore(concurrency)
    allowance = Allowance()

    async def in_turn(position: int, call: UpstreamCall) -> BufferedReply | ErrorReply:
        async with turns:
            reply = await send(call)
            return await answer_or_error(reply, "whole", call=position, allowance=allowance)

    tasks = [asyncio.create_task(in_turn(i, call)) for i, call in enumerate(calls)]
    try:
        answers: list[BufferedReply] = []
        for position in range(len(calls)):
            result = await tasks[position]
            if isinstance(result, ErrorReply):
                return result
            answers.append(result)
        return answers
    finally:
        await cancel_all(tasks)
        # An error that is raised keeps this frame alive, and a task that failed its error.
        tasks.clear()


async def cancel_all(tasks: Sequence[asyncio.Task[object]]) -> None:
    """Cancel the tasks and wait until all have ended; their errors are ignored."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
