"""Writes the log to standard error, as text or as JSON."""

import json
import logging
import sys
from datetime import UTC, datetime

from gateway.config.operator_settings import LogSettings

_LEVELS = {
    "httpcore2": "WARNING",
    "opentelemetry": "CRITICAL",
    "redis": "WARNING",
    "urllib3": "ERROR",
    "uvicorn": "ERROR",
    "uvicorn.error": "ERROR",
}
"""Libraries that log too much: each step of a request with all of its fields, a warning for each
malformed one, with which any client could flood the log, and several for each export of spans that
fails."""


class JsonFormatter(logging.Formatter):
    """One JSON object per line; control characters cannot break out of it.

    A record's `fields` (a dict) become members of the object.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def log_to_stderr(settings: LogSettings) -> None:
    """Send this process's log to standard error, as the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    if settings.format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    for name, level in _LEVELS.items():
        logging.getLogger(name).setLevel(level)
