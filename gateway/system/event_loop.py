"""The event loop of a process: uvloop's, which resolves names as `host_name.py` does.

So it is for all that the process connects to: Redis and proxies, too, whose libraries leave names
to the loop.
"""

import asyncio
import socket
from collections.abc import Callable
from importlib import import_module
from typing import Any

from gateway.ip_addresses import is_ip
from gateway.system.host_name import HostName, Infos, numeric_host


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the loop, or None on platforms without uvloop."""
    try:
        uvloop: Any = import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = type(
        "EventLoop", (_ResolvesApart, uvloop.Loop), {}
    )
    return factory


class _ResolvesApart:
    """Those of a loop's methods that resolve names; the class behind it does all else."""

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[tuple[str, Any], HostName] = {}
        """They come from the configuration."""

    async def getaddrinfo(self, host: Any, port: Any, **more: Any) -> Infos:
        """Return what `socket.getaddrinfo` does; AnyIO gives it names in bytes."""
        host = host.decode("ascii") if isinstance(host, bytes) else host
        kind, family = more.get("type", 0), more.get("family", 0)
        if kind != socket.SOCK_STREAM or more.get("flags", 0) or not _is_a_name(host):
            inherited: Any = super()
            found: Infos = await inherited.getaddrinfo(host, port, **more)
            return found
        return [info for info in await self._infos(host, port) if family in (0, info[0])]

    async def create_connection(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **more: Any
    ) -> Any:
        """Connect to the first address of the name that takes the connection."""
        inherited: Any = super()
        if not _is_a_name(host):
            return await inherited.create_connection(protocol_factory, host, port, **more)
        if more.get("ssl") and more.get("server_hostname") is None:
            more["server_hostname"] = host
        failure = OSError("the name has no address")
        for info in await self._infos(host, port):
            address = numeric_host(info[4])
            try:
                return await inherited.create_connection(protocol_factory, address, port, **more)
            except OSError as error:
                failure = error
        try:
            raise failure
        finally:
            del failure  # its traceback keeps this frame

    async def _infos(self, host: str, port: Any) -> Infos:
        name = self._names.get((host, port))
        if name is None:
            name = self._names[host, port] = HostName(host, port)
        return await name.infos()


def _is_a_name(host: Any) -> bool:
    return isinstance(host, str) and host != "" and not is_ip(host)
