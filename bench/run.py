"""Runs the bench: `make bench`, or `python -m bench.run`.

From the environment: QUICK=1 (nginx and the gateway only, within a minute), ROUNDS=n (default 5),
ABORTS=1 (the abort bench alone; a full run includes it), SOAK=1 and LOOKUPS=1 (the soak, and the
look-up bench, alone: no other run includes them). The last line is one JSON object.
"""

import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench import aborts, lookups, machine, soak, tools
from bench.cases import MANY_STREAMS, Case, cases
from bench.contenders import LITELLM, NGINX, PORTKEY, Contender, running
from bench.measure import LoadFailed, measure
from bench.processes import allow_many_sockets
from bench.results import Results, summary, table

QUICK_SECONDS = 49.0
"""No new round begins in a quick run that would end later than this."""

_PEERS_REST_SECONDS = 15.0
"""The peers go on for clients that have left; this long they may, before the next case."""

_WARM_UP, _WINDOW = 1.0, 2.0
_QUICK_WARM_UP, _QUICK_WINDOW = 0.25, 1.0
_STREAMS_WARM_UP, _STREAMS_WINDOW = 3.0, 4.0


def main() -> int:
    """Run what the environment asks for; the exit code is 1 when something was left or broken."""
    if _flag("SOAK"):
        return _soak()
    quick, only_aborts, only_lookups = _flag("QUICK"), _flag("ABORTS"), _flag("LOOKUPS")
    began = time.monotonic()
    allow_many_sockets()
    signal.signal(signal.SIGTERM, _end)
    found = tools.collect(compared=not (only_aborts or only_lookups), peers=not quick)
    if found.source is None or found.load is None:
        print("bench: nothing can be measured without a C compiler; install gcc and libc6-dev")
        return 1
    if only_lookups:
        return _lookups(found)
    outcome: dict[str, object] = {"quick": quick}
    leaks: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        if not only_aborts:
            results = _compare(found, folder, quick=quick, began=began)
            outcome |= summary(results)
            print(machine.description(found), table(results), sep="\n\n")
        if not quick:
            report = aborts.run(found, folder)
            leaks = report.leaks
            outcome["aborts"] = report.figures
            print("", report.text(), sep="\n")
    for line in found.missing:
        print(f"missing: {line}")
    print(json.dumps(outcome))
    return 1 if leaks else 0


def _soak() -> int:
    allow_many_sockets()
    signal.signal(signal.SIGTERM, _end)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        report = soak.run(Path(name))
    print("", report.text(), "", sep="\n")
    print(json.dumps({"soak": report.figures}))
    return 1 if report.broken else 0


def _lookups(found: tools.Tools) -> int:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        report = lookups.run(found, Path(name))
    print(machine.description(found), report.text(), "", sep="\n\n")
    print(json.dumps({"lookups": report.figures}))
    return 0


def _end(number: int, _frame: object) -> None:
    """End in order: the servers that were started must not outlive the bench."""
    sys.exit(128 + number)


def _flag(name: str) -> bool:
    return os.environ.get(name, "") not in ("", "0")


def _compare(found: tools.Tools, folder: Path, *, quick: bool, began: float) -> Results:
    chosen = cases(quick=quick)
    rounds = int(os.environ.get("ROUNDS") or 5)
    with running(found, folder, peers=not quick) as contenders:
        for contender in contenders:
            if contender.process is not None:
                contender.process.pause()
        results = Results(chosen, contenders)
        # First, and once: load leaves memory behind that would be taken for the streams'.
        _open_many_streams(found, folder, results, quick=quick)
        length = 0.0
        while results.rounds < rounds:
            if quick and results.rounds and time.monotonic() - began + length > QUICK_SECONDS:
                break
            started = time.monotonic()
            _round(found, folder, results, quick=quick)
            length = time.monotonic() - started
    return results


def _round(found: tools.Tools, folder: Path, results: Results, *, quick: bool) -> None:
    """Measure every case with every contender, one after the other: what drifts hits all alike."""
    results.rounds += 1
    warm_up, window = (_QUICK_WARM_UP, _QUICK_WINDOW) if quick else (_WARM_UP, _WINDOW)
    by_name = {case.name: case for case in results.cases}
    for case in results.cases:
        for contender in results.contenders:
            if contender.name not in case.contenders or (quick and contender.process is None):
                continue
            if (case.name, contender.name) in results.failures:
                continue
            _progress(f"round {results.rounds}: {case.name}, {contender.name}")
            asked = by_name[case.baseline] if case.baseline and contender.name == NGINX else case
            with contender.awake():
                if contender.name in (LITELLM, PORTKEY) and contender.process is not None:
                    contender.process.rest(_PEERS_REST_SECONDS)
                if results.rounds == 1:
                    problem = _problem(found, folder, contender, asked)
                    if problem:
                        results.failures[case.name, contender.name] = problem
                        continue
                try:
                    sample = measure(
                        found, folder, contender, asked, warm_up=warm_up, window=window
                    )
                except LoadFailed as error:
                    results.failures[case.name, contender.name] = f"failed: {error}"
                    continue
            results.add(case, contender.name, sample)
    _progress("")


def _problem(found: tools.Tools, folder: Path, contender: Contender, case: Case) -> str:
    """Return why one connection gets no answers without errors: a fast failure is no good figure.

    Empty if it does.
    """
    is_peer = contender.name in (LITELLM, PORTKEY)
    # The peers may still be busy with what an overload before has left them to do.
    window, tries = (2.0, 5) if is_peer else (0.2, 3)
    once = replace(case, connections=1)
    # The load that can read a reply to its end is used for this, whatever makes the load later.
    without_wrk = tools.Tools(source=found.source, load=found.load)
    what = "no answer"
    for _ in range(tries):
        try:
            sample = measure(without_wrk, folder, contender, once, warm_up=0.0, window=window)
        except LoadFailed as error:
            what = str(error)
            break
        if sample.units and not sample.errors:
            return ""
        what = f"{sample.errors} errors" if sample.errors else "no answer"
    return f"does not work: {what}"


def _open_many_streams(found: tools.Tools, folder: Path, results: Results, *, quick: bool) -> None:
    warm_up, window = (2.0, 1.0) if quick else (_STREAMS_WARM_UP, _STREAMS_WINDOW)
    for contender in results.contenders:
        if contender.process is None or contender.name not in MANY_STREAMS.contenders:
            continue
        _progress(f"1,000 streams, {contender.name}")
        try:
            with contender.awake():
                results.many_streams[contender.name] = measure(
                    found, folder, contender, MANY_STREAMS, warm_up=warm_up, window=window
                )
        except LoadFailed as error:
            results.failures[MANY_STREAMS.name, contender.name] = f"failed: {error}"


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<70}", end="\r" if not text else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
