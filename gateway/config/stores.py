"""Checks of what is stored outside the process: it needs a secret, and Redis an extra."""

from collections.abc import Iterator
from importlib.util import find_spec

from gateway.config.problems import InvalidValue, KeyPath
from gateway.config.settings import Settings


def refusals(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    """Yield every reason why findings or responses cannot be stored where they should be."""
    memory, store = settings.memory.url, settings.responses.store or ""
    for key, url in ((("memory", "url"), memory), (("responses", "store"), store)):
        is_redis = url.startswith(("redis://", "rediss://"))
        keyed = is_redis or (url == memory and url.startswith("sqlite:"))
        if keyed and settings.secret is None:
            yield (
                key,
                InvalidValue(
                    "needs a secret: what is stored there is found again under it, by every "
                    "gateway with the same one and by no other",
                    "set secret: ${GATEWAY_SECRET}, to the same random text for all of them "
                    "(openssl rand -hex 32)",
                ),
            )
        if is_redis and find_spec("redis") is None:
            yield (
                key,
                InvalidValue(
                    "needs the extra redis, which is not installed",
                    "pip install 'endpoint-gateway[redis]'",
                ),
            )
