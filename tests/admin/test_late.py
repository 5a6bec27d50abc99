"""The admin application is built when it is first called."""

import asyncio
from typing import Any

from gateway.admin.late import LateApplication


def test_it_is_built_once_and_late() -> None:
    built, called = [], []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        called.append(scope)

    def build() -> Any:
        built.append(1)
        return application

    late = LateApplication(build)
    assert built == []

    async def nothing(*_: Any) -> None:
        """Neither receives nor sends."""

    for scope in ({"n": 1}, {"n": 2}):
        asyncio.run(late(scope, nothing, nothing))
    assert (built, called) == ([1], [{"n": 1}, {"n": 2}])
