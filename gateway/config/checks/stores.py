"""Checks of where findings and responses are stored: outside the process, they need a secret."""

from collections.abc import Iterator
from importlib.util import find_spec

from gateway.config.checks.problems import InvalidValue, KeyPath, missing_extra
from gateway.config.settings import Settings
from gateway.config.store_settings import SQLITE, is_redis


def refusals(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    """Yield every reason why findings or responses cannot be stored where they should be."""
    memory, store = settings.memory.url, settings.responses.store or ""
    if store == "memory://" and settings.server.workers > 1:
        yield (
            ("responses", "store"),
            InvalidValue(
                "is the memory of one process, but server.workers is more than 1: a response could "
                "only be continued at the worker that has it",
                "use sqlite:///path or redis://host:6379/0, or server.workers: 1",
            ),
        )
    for key, url in ((("memory", "url"), memory), (("responses", "store"), store)):
        in_redis = is_redis(url)
        keyed = in_redis or (url == memory and url.startswith(SQLITE))
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
        if in_redis and find_spec("redis") is None:
            yield key, missing_extra("redis")
