"""A process of its own that says what it sends upstream: `python -m …round_trips.sent_by`.

Of each line that it reads, `[client, home, request]`, it writes the first upstream request as it
goes out, or an empty line where the gateway refuses.
"""

import subprocess
import sys
from collections.abc import Sequence

import msgspec

from gateway.shapes import Json, Shape
from tests.documents import ROOT
from tests.processes import PATIENCE, surroundings
from tests.translate.round_trips.exchanges import Stage

Asked = tuple[Shape, Shape, Json]


def sent_by_process(hash_seed: int, asked: Sequence[Asked]) -> list[bytes]:
    """Return what a new process with that PYTHONHASHSEED sends for each request."""
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in asked)
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=lines,
        stdout=subprocess.PIPE,
        env=surroundings(PYTHONHASHSEED=str(hash_seed), PYTHONPATH=str(ROOT)),
        timeout=PATIENCE + len(asked),
        check=True,
    )
    return done.stdout.split(b"\n")[:-1]


def _main() -> None:
    nothing: Json = {"choices": [], "output": [], "content": []}
    for line in sys.stdin.buffer:
        client, home, request = msgspec.json.decode(line, type=Asked)
        exchange = Stage(client, home, drop=True).play(request, lambda call, body: nothing)
        sys.stdout.buffer.write(b"".join(exchange.written[:1]) + b"\n")


if __name__ == "__main__":
    _main()
