"""A gateway that tells what goes on in it: on SIGUSR1 it writes one line of JSON to a file.

    python -m bench.observed CONFIG PORT FILE

Run by the abort bench, which sees sockets and memory from outside, but not tasks and slots.
"""

import asyncio
import gc
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

from gateway import app
from gateway.config.load import load
from gateway.server.serving import Listener, serve


def main(config: Path, port: int, file: Path) -> None:
    application = app.build(load(config, os.environ))

    def tell() -> None:
        gc.collect()
        objects = Counter(type(each).__qualname__ for each in gc.get_objects())
        known = {
            "tasks": len(asyncio.all_tasks()),
            "objects": objects,
            "in_flight": sum(each.in_flight for each in application.upstreams.stats().values()),
            "queued": sum(each.queued for each in application.upstreams.stats().values()),
        }
        # Written beside and renamed: whoever waits for the file never reads half of it.
        beside = file.with_suffix(".new")
        beside.write_text(json.dumps(known))
        os.replace(beside, file)

    async def run() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell)
        try:
            await serve(
                [Listener(application.gateway, "127.0.0.1", port)],
                grace_period=1,
                on_drain=application.gateway.drain,
            )
        finally:
            await application.aclose()

    asyncio.run(run())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
