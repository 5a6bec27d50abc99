"""Where findings and responses are stored, as used; see `settings`."""

from dataclasses import dataclass

from gateway.config.secret import Secret

SQLITE = "sqlite:///"
"""How the URL of an SQLite file begins: the rest is its path."""


def is_redis(url: str | None) -> bool:
    """Whether the URL of a store names a Redis server."""
    return url is not None and url.startswith(("redis://", "rediss://"))


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """What is remembered about models, and for how long."""

    url: str = "memory://"
    """`memory://`, `sqlite:///` and a path, or a Redis server without its credentials."""
    ttl: float = 3600.0
    negative_ttl: float = 60.0
    max_entries: int = 10_000
    credentials: Secret | None = None
    """`user:password` of the Redis server, as they are written in a URL."""


@dataclass(frozen=True, slots=True)
class ResponsesSettings:
    """Whether responses are kept for models that do not live at /v1/responses, and how long."""

    store: str | None = None
    """As `MemorySettings.url`; None: nothing is kept."""
    ttl: float = 30 * 86_400.0
    max_bytes: int = 256 * 1024 * 1024
    credentials: Secret | None = None
    """As `MemorySettings.credentials`."""
