"""The log of requests: one line for each finished request, on standard error.

The log does not go through `logging`, which would take longer than all else about a line. Lines are
made and written together, at the latest a tenth of a second after the first request: one by one,
each would need a system call, and would find none of this code in the processor's caches. The lines
look like those of the other log; times are in UTC in JSON, and local in text. Values that many
requests share are encoded once.
"""

import asyncio
import logging
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from time import localtime, strftime
from typing import Final

import msgspec

from gateway.config.operator_settings import LogSettings
from gateway.observe.record import FinishedRequest

_log = logging.getLogger("gateway")

LOGGER: Final = "gateway.requests"

FACTS: Final = (
    *("client", "model_asked", "model_sent", "upstream", "address", "shape", "endpoint"),
    *("resolved_by", "attempts", "status", "outcome", "reason", "report", "warnings"),
)
"""The fields whose values many requests share."""

MOST_SECONDS: Final = 0.1
MOST_WAITING: Final = 128
"""The most requests whose lines are still to be made, which takes 0.3 ms."""

_SIMPLE = re.compile(r"[\w!#$%&()*+,./:;<>?@\[\]^`{|}~-]+", re.ASCII)
"""Values that need no quotes in text: without spaces, quotes, backslashes and equals signs."""
_KEPT: Final = 256
_THOUSANDTHS: Final = [f"{number:03}" for number in range(1000)]
_UNKNOWN: Final = (None, None)
"""The tokens of a request whose upstream counted none."""

_Values = tuple[str | int, ...]


class RequestLog:
    """Writes lines as text or as JSON, many together; callers `flush` at the end."""

    def __init__(self, settings: LogSettings) -> None:
        self._line = _json_line if settings.format == "json" else _text_line
        self._waiting: list[FinishedRequest] = []
        self._timer: asyncio.TimerHandle | None = None

    def finished(self, request: FinishedRequest) -> None:
        """Have the line of one request written, unless standard error takes no more."""
        waiting = self._waiting
        waiting.append(request)
        if len(waiting) == 1:
            self._timer = asyncio.get_running_loop().call_later(MOST_SECONDS, self.flush)
        elif len(waiting) >= MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Write the lines of all requests that have finished."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        lines = "".join(map(self._line, self._waiting))
        self._waiting.clear()
        try:
            sys.stderr.write(lines)
        except (OSError, ValueError) as error:  # a closed standard error must fail no request
            _log.debug("lines of the log of requests are lost: %s", error)


def _json_line(request: FinishedRequest) -> str:
    decision, now, first_byte = request.decision, request.time, request.decision.first_byte
    inputs, outputs = decision.tokens or _UNKNOWN
    second, ms = int(now), f"{request.seconds * 1e3:.3f}"
    # An id has no characters that JSON escapes (`request_ids.usable`).
    return (
        f'{{"time":"{_utc(second)}.{_THOUSANDTHS[int((now - second) * 1000)]}+00:00",'
        f'"level":"info","logger":"{LOGGER}","message":"request","request_id":"{decision.request_id}",'
        f"{_json_facts(_facts(request))},"
        f'"first_byte_ms":{ms if first_byte is request.seconds else _milliseconds(first_byte)},'
        f'"ms":{ms},'
        f'"input_tokens":{_count(inputs)},"output_tokens":{_count(outputs)}}}\n'
    )


def _text_line(request: FinishedRequest) -> str:
    decision, now, first_byte = request.decision, request.time, request.decision.first_byte
    inputs, outputs = decision.tokens or _UNKNOWN
    second, ms = int(now), f"{request.seconds * 1e3:.3f}"
    # Both times are the same if the reply was written as a whole.
    first = ms if first_byte is request.seconds else _milliseconds(first_byte)
    first = "" if first_byte is None else f" first_byte_ms={first}"
    read = "" if inputs is None else f" input_tokens={inputs}"
    written = "" if outputs is None else f" output_tokens={outputs}"
    return (
        f"{_local(second)},{_THOUSANDTHS[int((now - second) * 1000)]} INFO {LOGGER} "
        f"request_id={decision.request_id} {_text_facts(_facts(request))}ms={ms}"
        f"{first}{read}{written}\n"
    )


def _facts(request: FinishedRequest) -> _Values:
    decision = request.decision
    return (
        decision.client,
        decision.model_asked,
        decision.model_sent,
        decision.upstream,
        decision.address,
        request.shape,
        request.endpoint,
        decision.resolved_by,
        decision.attempts + decision.resends,
        request.status,
        request.ending.outcome,
        request.reason,
        decision.translation,
        decision.warning,
    )


@lru_cache(maxsize=_KEPT)
def _json_facts(values: _Values) -> str:
    return msgspec.json.encode(dict(zip(FACTS, values, strict=True)))[1:-1].decode()


@lru_cache(maxsize=_KEPT)
def _text_facts(values: _Values) -> str:
    """Return the values that are not empty, by their names, each followed by a space."""
    return "".join(
        [
            f"{name}={text if _SIMPLE.fullmatch(text) else _quoted(text)} "
            for name, text in zip(FACTS, map(str, values), strict=True)
            if text
        ]
    )


def _quoted(value: str) -> str:
    """Return a value in quotes, in ASCII: no control character can break or colour a line."""
    return '"' + value.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'


def _milliseconds(seconds: float | None) -> str:
    return "null" if seconds is None else f"{seconds * 1e3:.3f}"


def _count(value: int | None) -> str:
    return "null" if value is None else f"{value}"


def _each_second(write: Callable[[int], str]) -> Callable[[int], str]:
    """Return a function with the result of `write`, which it calls once for each second."""
    return lru_cache(maxsize=2)(write)


@_each_second
def _utc(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@_each_second
def _local(second: int) -> str:
    return strftime("%Y-%m-%d %H:%M:%S", localtime(second))
