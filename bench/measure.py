"""One measurement: load for a while, and what it cost."""

import json
import math
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench.cases import Case
from bench.contenders import Contender
from bench.processes import LOAD_CPU, pin
from bench.tools import HERE, Tools

_PATIENCE = 60.0
_WRK_LEAST = 1.0
"""Seconds: wrk takes whole ones only. Shorter warm-ups are left out: servers are warm by then."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one contender did in one window. Units are requests, or events where streamed."""

    units: int
    per_second: float
    errors: int
    cpu_us: float
    """Processor time per unit, user and system, of the contender's processes."""
    p50_ms: float
    p99_ms: float
    memory_bytes: int
    streaming: int
    """Streams that were open at the end of the window."""
    p999_ms: float = math.nan
    """Not known of wrk's load."""


class LoadFailed(Exception):
    """The load generator gave no result."""


def measure(
    tools: Tools, folder: Path, contender: Contender, case: Case, *, warm_up: float, window: float
) -> Sample:
    """Load one contender with one case. Raises `LoadFailed`."""
    if case.streamed or case.turns > 1 or tools.wrk is None:
        return _with_load(tools, folder, contender, case, warm_up, window)
    return _with_wrk(tools.wrk, folder, contender, case, warm_up, window)


def _with_wrk(
    wrk: str, folder: Path, contender: Contender, case: Case, warm_up: float, window: float
) -> Sample:
    body = folder / "body.json"
    body.write_bytes(case.body())
    url = f"http://127.0.0.1:{contender.port}{case.client.endpoint}"
    fields = [part for pair in case.headers(contender.headers(case.model)).items() for part in pair]

    def run(seconds: float) -> dict[str, float]:
        options = [
            "-t1",
            f"-c{case.connections}",
            f"-d{round(max(_WRK_LEAST, seconds))}s",
            "--timeout",
            "30s",
        ]
        command = [wrk, *options, "-s", str(HERE / "post.lua"), url, "--", str(body), *fields]
        ended = subprocess.run(
            pin(command, LOAD_CPU),
            capture_output=True,
            text=True,
            timeout=seconds + _PATIENCE,
            check=False,
            env={
                **os.environ,
                "FRESH_HEADS": "1" if case.fresh_heads else "0",
                "MODELS": str(case.models),
            },
        )
        return _result(ended.stdout, ended.stderr)

    if warm_up >= _WRK_LEAST:
        run(warm_up)
    before = _cpu(contender)
    result = run(window)
    spent = _cpu(contender) - before
    return _sample(contender, result, spent, int(result["replies"]))


def load_command(
    tools: Tools, folder: Path, contender: Contender, case: Case, warm_up: float, window: float
) -> list[str]:
    """Return the command that makes the load by bench/load.c; its requests are in the folder."""
    requests = folder / f"{case.name}.bin"
    requests.write_bytes(case.requests(contender.port, contender.headers(case.model)))
    times = [str(round(seconds * 1000)) for seconds in (warm_up, window)]
    command = [str(tools.load), str(contender.port), str(case.connections), *times, str(requests)]
    return [*command, str(case.pace_us)] if case.pace_us else command


def _with_load(
    tools: Tools, folder: Path, contender: Contender, case: Case, warm_up: float, window: float
) -> Sample:
    command = load_command(tools, folder, contender, case, warm_up, window)
    with subprocess.Popen(
        pin(command, LOAD_CPU), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        before = _cpu(contender)
        # While the streams are open: afterwards their memory is gone.
        time.sleep(window / 2)
        memory = contender.process.memory_bytes() if contender.process else 0
        result_line = process.stdout.readline()
        spent = _cpu(contender) - before
        _, complaints = process.communicate(timeout=_PATIENCE)
    result = _result(result_line, complaints)
    units = int(result["events"] if case.streamed else result["replies"])
    return _sample(contender, result, spent, units, memory)


def _result(output: str, complaints: str) -> dict[str, float]:
    last = output.strip().rpartition("\n")[2]
    try:
        result: dict[str, float] = json.loads(last)
    except json.JSONDecodeError:
        raise LoadFailed(complaints.strip() or last or "no result") from None
    return result


def _sample(
    contender: Contender, result: dict[str, float], spent: float, units: int, memory: int = 0
) -> Sample:
    if not memory and contender.process is not None:
        memory = contender.process.memory_bytes()
    return Sample(
        units=units,
        per_second=units / result["seconds"],
        errors=int(result["errors"]),
        cpu_us=spent * 1e6 / units if units else float("nan"),
        p50_ms=result["p50_us"] / 1000,
        p99_ms=result["p99_us"] / 1000,
        memory_bytes=memory,
        streaming=int(result.get("streaming", 0)),
        p999_ms=result.get("p999_us", math.nan) / 1000,
    )


def _cpu(contender: Contender) -> float:
    return contender.process.cpu_seconds() if contender.process else 0.0
