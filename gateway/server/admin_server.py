"""uvicorn, for ASGI applications beside the gateway. Imported with the first connection only."""

import contextlib
from collections.abc import Iterator
from typing import Any

import uvicorn

from gateway.server.http1 import IDLE_TIMEOUT


class AdminServer(uvicorn.Server):
    """uvicorn without signal handlers: the process runs several servers."""

    def __init__(self, app: Any) -> None:
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=round(IDLE_TIMEOUT),
        )
        super().__init__(config)

    def end(self, grace_period: float) -> None:
        """Stop; running requests may continue for so many seconds."""
        self.config.timeout_graceful_shutdown = max(1, round(grace_period))
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield
