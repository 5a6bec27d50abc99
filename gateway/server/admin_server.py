"""uvicorn, for ASGI applications beside the gateway. Imported with the first connection only."""

import contextlib
from collections.abc import Iterator
from typing import Any

import uvicorn

from gateway.server.http1 import IDLE_TIMEOUT


class AdminServer(uvicorn.Server):
    """uvicorn without signal handlers: the process runs several servers.

    `grace_period` is in seconds, for requests that run at the end.
    """

    def __init__(self, app: Any, grace_period: float) -> None:
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=round(IDLE_TIMEOUT),
            timeout_graceful_shutdown=max(1, round(grace_period)),
        )
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield
