"""The admin application is built when it is first called."""

import asyncio
from typing import Any

from gateway.admin.lazy import LazyApplication


def test_it_is_built_once_and_late() -> None:
    built, called = [], []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        called.append(scope)

    def build() -> Any:
        built.append(1)
        return application

    lazy = LazyApplication(build)
    assert built == []

    async def nothing(*_: Any) -> None:
        """Neither receives nor sends."""

    for scope in ({"n": 1}, {"n": 2}):
        asyncio.run(lazy(scope, nothing, nothing))
    assert (built, called) == ([1], [{"n": 1}, {"n": 2}])


def test_requests_that_come_at_once_wait_for_one_application() -> None:
    built, called = [], []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        called.append(scope["n"])

    def build() -> Any:
        built.append(1)
        return application

    async def nothing(*_: Any) -> None:
        """Neither receives nor sends."""

    async def scenario() -> None:
        lazy = LazyApplication(build)
        await asyncio.gather(*(lazy({"n": n}, nothing, nothing) for n in range(3)))

    asyncio.run(scenario())
    assert (built, sorted(called)) == ([1], [0, 1, 2])
