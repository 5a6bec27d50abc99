"""The log of requests: one line for each finished request, on standard error.

It does not go through `logging`, which would take longer than the rest of a line. Its lines look
like the others, and like theirs its times are in UTC in JSON, and local in text. What hardly varies
between requests is written once.
"""

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
from gateway.observe.record import RequestRecord

_log = logging.getLogger("gateway")

LOGGER: Final = "gateway.requests"

FACTS: Final = (
    *("client", "model_asked", "model_sent", "upstream", "address", "shape", "endpoint"),
    *("resolved_by", "attempts", "status", "outcome", "reason", "report", "warnings"),
)
"""The fields whose values many requests share."""

MEASURED: Final = ("first_byte_ms", "ms", "input_tokens", "output_tokens")

_SIMPLE = re.compile(r"[\w!#$%&()*+,./:;<>?@\[\]^`{|}~-]+", re.ASCII)
"""Values that need no quotes in text: without spaces, quotes, backslashes and equals signs."""
_KEPT: Final = 256

_Values = tuple[str | int, ...]


class RequestLog:
    """Writes the lines, as text or as JSON."""

    def __init__(self, settings: LogSettings) -> None:
        self._line = _json_line if settings.format == "json" else _text_line

    def finished(self, record: RequestRecord) -> None:
        """Write the line of one request, as far as standard error takes it."""
        try:
            sys.stderr.write(self._line(record))
        except (OSError, ValueError) as error:  # it is closed: that must fail no request
            _log.debug("a line of the log of requests is lost: %s", error)


def _json_line(record: RequestRecord) -> str:
    second, fraction = divmod(record.time, 1)
    # An id has no characters that JSON escapes (`request_ids.usable`).
    return (
        f'{{"time":"{_utc(int(second))}.{int(fraction * 1000):03}+00:00","level":"info",'
        f'"logger":"{LOGGER}","message":"request","request_id":"{record.request_id}",'
        f"{_json_facts(_facts(record))},"
        f'"first_byte_ms":{_number(record.first_byte_ms)},"ms":{record.ms:.3f},'
        f'"input_tokens":{_count(record.input_tokens)},'
        f'"output_tokens":{_count(record.output_tokens)}}}\n'
    )


def _text_line(record: RequestRecord) -> str:
    second, fraction = divmod(record.time, 1)
    line = (
        f"{_local(int(second))},{int(fraction * 1000):03} INFO {LOGGER} "
        f"request_id={record.request_id} {_text_facts(_facts(record))}ms={record.ms:.3f}"
    )
    if record.first_byte_ms is not None:
        line += f" first_byte_ms={record.first_byte_ms:.3f}"
    if record.input_tokens is not None:
        line += f" input_tokens={record.input_tokens}"
    if record.output_tokens is not None:
        line += f" output_tokens={record.output_tokens}"
    return f"{line}\n"


def _facts(record: RequestRecord) -> _Values:
    return (
        record.client,
        record.model_asked,
        record.model_sent,
        record.upstream,
        record.address,
        record.shape,
        record.endpoint,
        record.resolved_by,
        record.attempts,
        record.status,
        record.outcome,
        record.reason,
        record.report,
        record.warnings,
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


def _number(value: float | None) -> str:
    return "null" if value is None else f"{value:.3f}"


def _count(value: int | None) -> str:
    return "null" if value is None else f"{value}"


def _each_second(write: Callable[[int], str]) -> Callable[[int], str]:
    """Return the function, called once for each second."""
    return lru_cache(maxsize=2)(write)


@_each_second
def _utc(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@_each_second
def _local(second: int) -> str:
    return strftime("%Y-%m-%d %H:%M:%S", localtime(second))
