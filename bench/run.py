"""Runs the bench: `make bench`, or `python -m bench.run`.

From the environment: CASES=name,… (these cases only; patterns as of file names are allowed),
QUICK=1 (nginx and the gateway only, within a minute and a half), PEERS=0 (without LiteLLM and
Portkey), ROUNDS=n (default 5), and what runs alone: ABORTS=1 (a full run includes it), SOAK=1,
LOOKUPS=1, PACE=1, SCALE=1, SOCKETS=1, GROWTH=1 (which writes an image of its figures into
docs/images). The last line is one JSON object.
"""

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from bench import (
    aborts,
    growth,
    growth_replies,
    lookups,
    machine,
    pace,
    scale,
    soak,
    sockets,
    tools,
)
from bench.cases import cases
from bench.compare import Comparison
from bench.processes import allow_many_sockets
from bench.results import summary, table


def main() -> int:
    """Run what the environment asks for; the exit code is 1 when something was left or broken."""
    began = time.monotonic()
    allow_many_sockets()
    signal.signal(signal.SIGTERM, _end)
    if _flag("GROWTH"):
        return _growth()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        if _flag("SOAK"):
            return _soak(folder)
        if _flag("LOOKUPS"):
            return _lookups(folder)
        if _flag("PACE"):
            return _pace(folder)
        if _flag("SCALE"):
            return _scale(folder)
        if _flag("SOCKETS"):
            return _sockets(folder)
        if _flag("ABORTS"):
            return _aborts(folder)
        return _compare(folder, began)


def _compare(folder: Path, began: float) -> int:
    quick, named = _flag("QUICK"), os.environ.get("CASES", "")
    try:
        chosen = cases(quick=quick, named=named)
    except ValueError as error:
        print(f"bench: {error}")
        return 2
    peers = not quick and os.environ.get("PEERS", "") != "0"
    found = _found(compared=True, peers=peers)
    results = Comparison(found, folder, chosen, quick, peers, began).run()
    outcome: dict[str, object] = {"quick": quick, **summary(results)}
    print(machine.description(found), table(results), sep="\n\n")
    leaks: list[str] = []
    if not (quick or named):
        report = aborts.run(found, folder)
        leaks = report.leaks
        outcome["aborts"] = report.figures
        print("", report.text(), sep="\n")
    for line in found.missing:
        print(f"missing: {line}")
    print(json.dumps(outcome))
    return 1 if leaks else 0


def _aborts(folder: Path) -> int:
    report = aborts.run(_found(), folder)
    print("", report.text(), "", sep="\n")
    print(json.dumps({"aborts": report.figures}))
    return 1 if report.leaks else 0


def _soak(folder: Path) -> int:
    report = soak.run(folder)
    print("", report.text(), "", sep="\n")
    print(json.dumps({"soak": report.figures}))
    return 1 if report.broken else 0


def _lookups(folder: Path) -> int:
    found = _found()
    report = lookups.run(found, folder)
    print(machine.description(found), report.text(), "", sep="\n\n")
    print(json.dumps({"lookups": report.figures}))
    return 0


def _pace(folder: Path) -> int:
    found = _found(compared=True)
    report = pace.run(found, folder)
    print(machine.description(found), report.text(), "", sep="\n\n")
    print(json.dumps({"pace": report.figures}))
    return 0


def _scale(folder: Path) -> int:
    found = _found(compared=True)
    report = scale.run(found, folder)
    print(machine.description(found), report.text(), "", sep="\n\n")
    print(json.dumps({"scale": report.figures}))
    return 0


def _sockets(folder: Path) -> int:
    report = sockets.run(folder)
    print(machine.description(tools.Tools()), report.text(), "", sep="\n\n")
    print(json.dumps({"sockets": report.figures}))
    return 0


def _growth() -> int:
    report, replies = growth.run(), growth_replies.run()
    growth.IMAGE.write_text(report.image(), "utf-8")
    texts = (machine.description(tools.Tools()), report.text(), replies.text())
    print(*texts, "", f"The image is in {growth.IMAGE}.", sep="\n\n")
    print(json.dumps({"growth": report.figures, "replies": replies.figures}))
    return 0


def _found(*, compared: bool = False, peers: bool = False) -> tools.Tools:
    """Return what is needed; ends the run where nothing can be measured."""
    found = tools.collect(compared=compared, peers=peers)
    if found.source is None or found.load is None:
        print("bench: nothing can be measured without a C compiler; install gcc and libc6-dev")
        sys.exit(1)
    return found


def _end(number: int, _frame: object) -> None:
    """End in order: the servers that were started must not outlive the bench."""
    sys.exit(128 + number)


def _flag(name: str) -> bool:
    return os.environ.get(name, "") not in ("", "0")


if __name__ == "__main__":
    sys.exit(main())
