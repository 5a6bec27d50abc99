"""The comparison: every case with every contender, in rounds."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.cases import MANY_STREAMS, Case, case_for
from bench.contenders import LITELLM, PORTKEY, Contender, running
from bench.measure import LoadFailed, measure
from bench.results import Results
from bench.tools import Tools

QUICK_SECONDS = 80.0
"""No new round begins in a quick run that would end later than this."""

_PEERS = (LITELLM, PORTKEY)
_PEERS_ROUNDS = 2
"""What they cost is known well enough then; they take half of a round's time."""
_PEERS_REST_SECONDS = 15.0
"""The peers go on for clients that have left; this long they may, before the next case."""

_PEERS_AGENT_WINDOW = 6.0
"""Some answer two agents a second."""

_LOADING_SECONDS = 2.0
"""The gateway loads its fast paths in a thread after its first translated request. Contenders are
stopped while others are measured, and under load it took until the third round."""

_TRIES, _PEERS_TRIES = (0.2, 0.5, 1.0, 2.0), (2.0,) * 5
"""Seconds within which one connection must get an answer, the first time or a later one."""

_WARM_UP, _WINDOW = 1.0, 2.0
_QUICK_WARM_UP, _QUICK_WINDOW = 0.25, 1.0
_STREAMS_WARM_UP, _STREAMS_WINDOW = 3.0, 4.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared, where, and how thoroughly."""

    tools: Tools
    folder: Path
    cases: Sequence[Case]
    quick: bool
    peers: bool
    began: float
    """The time of `time.monotonic` when the run began."""
    loaded: set[str] = field(default_factory=set)
    """The contenders that have had the time to load what translates."""

    def run(self) -> Results:
        """Measure all cases, ROUNDS times (default 5), fewer in a quick run that takes too long."""
        rounds = int(os.environ.get("ROUNDS") or 5)
        with running(
            self.tools, self.folder, generic=not self.quick, peers=self.peers
        ) as contenders:
            for contender in contenders:
                if contender.process is not None:
                    contender.process.pause()
            results = Results([case for case in self.cases if case != MANY_STREAMS], contenders)
            if MANY_STREAMS in self.cases:
                # First, and once: load leaves memory behind that would be taken for the streams'.
                self._open_many_streams(results)
            length = 0.0
            while results.cases and results.rounds < rounds:
                if self._is_late(results, length):
                    break
                started = time.monotonic()
                self._round(results)
                length = time.monotonic() - started
        return results

    def _is_late(self, results: Results, length: float) -> bool:
        ends = time.monotonic() - self.began + length
        return self.quick and results.rounds > 0 and ends > QUICK_SECONDS

    def _round(self, results: Results) -> None:
        """Measure every case with all contenders in turn: what drifts hits all alike."""
        results.rounds += 1
        for case in results.cases:
            for contender in results.contenders:
                if not self._is_left_out(results, case, contender):
                    _progress(f"round {results.rounds}: {case.name}, {contender.name}")
                    self._one(results, case, contender)
        _progress("")

    def _is_left_out(self, results: Results, case: Case, contender: Contender) -> bool:
        return (
            contender.name not in case.contenders
            or (self.quick and contender.process is None)
            or (contender.name in _PEERS and results.rounds > _PEERS_ROUNDS)
            or (case.name, contender.name) in results.failures
        )

    def _one(self, results: Results, case: Case, contender: Contender) -> None:
        given = case_for(case, contender.name)
        with contender.awake():
            if contender.name in _PEERS and contender.process is not None:
                contender.process.rest(_PEERS_REST_SECONDS)
            if results.rounds == 1:
                if problem := self._problem(contender, given):
                    results.failures[case.name, contender.name] = problem
                    return
                if case.baseline:
                    self._let_load(contender)
            warm_up, window = self._times(case, contender)
            try:
                sample = measure(
                    self.tools, self.folder, contender, given, warm_up=warm_up, window=window
                )
            except LoadFailed as error:
                results.failures[case.name, contender.name] = f"failed: {error}"
            else:
                results.add(case, contender.name, sample)

    def _let_load(self, contender: Contender) -> None:
        """Let a contender load what its first translated request has shown to be needed."""
        if contender.name not in self.loaded:
            self.loaded.add(contender.name)
            time.sleep(_LOADING_SECONDS)

    def _times(self, case: Case, contender: Contender) -> tuple[float, float]:
        """Return warm-up and window, in seconds."""
        if self.quick:
            return _QUICK_WARM_UP, _QUICK_WINDOW
        if contender.name in _PEERS and case.conversation is not None:
            return _WARM_UP, _PEERS_AGENT_WINDOW
        return _WARM_UP, _WINDOW

    def _problem(self, contender: Contender, case: Case) -> str:
        """Return why one connection gets no answers without errors: a failure, too, is fast.

        Empty if it does.
        """
        # They may still be busy with what an overload before has left them to do.
        windows = _PEERS_TRIES if contender.name in _PEERS else _TRIES
        once = replace(case, connections=1)
        # The load that can read a reply to its end is used for this, whatever makes the load later.
        without_wrk = Tools(source=self.tools.source, load=self.tools.load)
        what = "no answer"
        for window in windows:
            try:
                sample = measure(
                    without_wrk, self.folder, contender, once, warm_up=0.0, window=window
                )
            except LoadFailed as error:
                what = str(error)
                break
            if sample.units and not sample.errors:
                return ""
            what = f"{sample.errors} errors" if sample.errors else "no answer"
        return f"does not work: {what}"

    def _open_many_streams(self, results: Results) -> None:
        warm_up, window = (2.0, 1.0) if self.quick else (_STREAMS_WARM_UP, _STREAMS_WINDOW)
        for contender in results.contenders:
            if contender.process is None or contender.name not in MANY_STREAMS.contenders:
                continue
            _progress(f"1,000 streams, {contender.name}")
            try:
                with contender.awake():
                    results.many_streams[contender.name] = measure(
                        self.tools,
                        self.folder,
                        contender,
                        MANY_STREAMS,
                        warm_up=warm_up,
                        window=window,
                    )
            except LoadFailed as error:
                results.failures[MANY_STREAMS.name, contender.name] = f"failed: {error}"


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<70}", end="\r" if not text else "", file=sys.stderr, flush=True)
