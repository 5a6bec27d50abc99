"""Whether the stores of a configuration answer, with its credentials: for `check --probe`."""

from gateway.config.settings import Settings
from gateway.config.store_settings import is_redis
from gateway.exchange.stored.responses import StoreError


async def unanswered(settings: Settings) -> dict[str, str]:
    """Return why a Redis server cannot be used, by the setting that names it."""
    stores = {
        "memory.url": (settings.memory.url, settings.memory.credentials),
        "responses.store": (settings.responses.store or "", settings.responses.credentials),
    }
    problems: dict[str, str] = {}
    for setting, (url, credentials) in stores.items():
        if not is_redis(url):
            continue
        from gateway.stores.redis_server import RedisServer

        server = RedisServer(url, credentials)
        try:
            await server.perform(server.client.ping())
        except StoreError as error:
            problems[setting] = str(error)
        finally:
            await server.aclose()
    return problems
