"""The log's first line: what has started."""

import logging
from collections.abc import Mapping

from gateway import __version__
from gateway.config.settings import Settings

_log = logging.getLogger("gateway")


def log_start(settings: Settings, addresses: Mapping[str, str]) -> None:
    """Log the version, the listeners' URLs by their names, and what is configured."""
    upstreams = [upstream.name for upstream in settings.upstreams]
    clients, workers = len(settings.clients), settings.server.workers
    _log.info(
        "endpoint-gateway %s has started: %s; upstreams: %s; clients: %d; workers: %d",
        __version__,
        ", ".join(f"{name} at {url}" for name, url in addresses.items()),
        ", ".join(upstreams),
        clients,
        workers,
        extra={
            "fields": {
                "version": __version__,
                **addresses,
                "upstreams": upstreams,
                "clients": clients,
                "workers": workers,
            }
        },
    )
