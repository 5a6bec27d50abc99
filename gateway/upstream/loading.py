"""Recognises replies by which a server says that it is still loading its model, and did nothing.

llama.cpp: `{"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}`.
Hugging Face's servers: `{"error": "Model acme/m is currently loading", "estimated_time": 20.0}`.
vLLM and SGLang do not listen, or answer no request, before their model is loaded.
"""

import asyncio
import re
from typing import Final

from gateway.replies import BufferedReply
from gateway.shapes import UpstreamReply

STATUS: Final = 503
"""The only status of such replies."""
_LONGEST: Final = 4096
"""The most bytes of such a reply."""
_PATIENCE: Final = 2.0
"""Seconds that the body of such a reply may take after its head."""

_TEXT = re.compile(
    rb'"(?:error|message|detail)"\s*:\s*"'
    rb'(?:(?:the )?model (?:[^\s"]{1,256} )?is (?:currently |still )?loading'
    rb"|loading (?:the )?model)\b",
    re.IGNORECASE,
)


async def loading_reply(reply: UpstreamReply) -> BufferedReply | None:
    """Return a 503 that says that the model is being loaded, read to its end and closed.

    None for any other reply, which stays unread.
    """
    try:
        await _read_ahead(reply)
    except BaseException:
        await reply.aclose()
        raise
    body = reply.peek()
    if not reply.ended or len(body) > _LONGEST or not _TEXT.search(body):
        return None
    headers = reply.headers
    await reply.aclose()
    return BufferedReply(STATUS, headers, body)


async def _read_ahead(reply: UpstreamReply) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + _PATIENCE
    while not reply.ended and len(reply.peek()) <= _LONGEST:
        if not await reply.more(end - loop.time()):
            return
