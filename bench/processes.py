"""Processes under measurement: started on one processor, accounted from /proc, and stopped."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CONTENDER_CPU = 0
LOAD_CPU = 1

_LOOK_SECONDS = 0.5
_IDLE_SHARE = 0.1
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def allow_many_sockets() -> None:
    """Raise the limit of open files as far as the system lets us; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def pin(command: Sequence[str], cpu: int | None) -> list[str]:
    """Return the command, confined to one processor where the machine has more than one.

    None: to none of them.
    """
    available = sorted(os.sched_getaffinity(0))
    if cpu is None or len(available) < 2:
        return list(command)
    return ["taskset", "-c", str(available[cpu]), *command]


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in memory: all, shared pages by their share (Pss), and only what is its own (Uss)."""

    rss: int = 0
    pss: int = 0
    uss: int = 0

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(self.rss + other.rss, self.pss + other.pss, self.uss + other.uss)


class Process:
    """A server in a process group of its own; its output goes to a file.

    `cpu_seconds`, `memory_bytes` and `open_files` are sums over it and all its descendants.
    """

    def __init__(
        self,
        command: Sequence[str],
        cpu: int | None,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                pin(command, cpu),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id of the first process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the first process has not ended."""
        return self._process.poll() is None

    def wait_for_port(self, port: int, seconds: float) -> bool:
        """Wait until it accepts connections; False if it ends, or does not in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            time.sleep(0.05)
        return False

    @contextlib.contextmanager
    def awake(self) -> Iterator[None]:
        """Let it run within the block only: what it does beside would be paid by its neighbours."""
        self._signal(signal.SIGCONT)
        try:
            yield
        finally:
            self.pause()

    def rest(self, seconds: float) -> None:
        """Wait until it has nothing more to do; at most so long."""
        until = time.monotonic() + seconds
        spent = self.cpu_seconds()
        while time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
            before, spent = spent, self.cpu_seconds()
            if spent - before < _IDLE_SHARE * _LOOK_SECONDS:
                return

    def pause(self) -> None:
        """Let it do nothing until it is awake again."""
        self._signal(signal.SIGSTOP)

    def wait(self, seconds: float) -> bool:
        """Wait until it ends by itself; False if it does not in time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return not self.alive

    def stop(self) -> None:
        """Ask it to end, wait, and end it."""
        self._signal(signal.SIGCONT)
        for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            self._signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
                return

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def cpu_seconds(self) -> float:
        """Return the processor time spent so far, user and system, in steps of a clock tick."""
        return sum(_cpu_ticks(pid) for pid in _tree(self.pid)) / _TICKS_PER_SECOND

    def cpu_by_process(self) -> dict[int, int]:
        """Return the clock ticks that each process has spent so far."""
        return {pid: _cpu_ticks(pid) for pid in _tree(self.pid)}

    def memory_bytes(self) -> int:
        """Return the resident memory; pages shared among the processes count once."""
        return self.memory().pss

    def memory(self) -> Memory:
        """Return the resident memory in all its measures."""
        return sum((_memory(pid) for pid in _tree(self.pid)), Memory())

    def open_files(self) -> int:
        """Return how many descriptors are open."""
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in _tree(self.pid))


def _tree(root: int) -> Iterator[int]:
    yield root
    for task in Path(f"/proc/{root}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                yield from _tree(int(child))


def _cpu_ticks(pid: int) -> int:
    with contextlib.suppress(OSError):
        # The name, in parentheses, may hold anything; the fields are counted after it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0


def _memory(pid: int) -> Memory:
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        pairs = [line.split(":") for line in lines]
        kilobytes = {name: int(value.split()[0]) for name, value in pairs}
        own = kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]
        return Memory(kilobytes["Rss"] * 1024, kilobytes["Pss"] * 1024, own * 1024)
    return Memory()
