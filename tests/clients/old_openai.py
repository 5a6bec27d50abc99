"""The `openai` package of 2023 in an environment of its own, and a process that makes its calls."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSION = "0.28.1"
REQUIREMENTS = (f"openai=={VERSION}", "numpy")
"""numpy decodes the embeddings that the package asks for as base64."""
HOME = Path(sys.prefix) / "clients" / f"openai-{VERSION}"
_CALLS = Path(__file__).with_name("old_openai_calls.py")


def file(filename: str, content: bytes) -> dict[str, str]:
    """Return a file as an argument of `OldOpenAI.call`."""
    return {"filename": filename, "base64": base64.b64encode(content).decode()}


def environment() -> Path:
    """Return the Python of an environment with the package; made once, then reused.

    A marker, written last, says that the environment is complete and what is in it.
    """
    wanted = " ".join(REQUIREMENTS)
    HOME.parent.mkdir(exist_ok=True)
    python, marker = HOME / "bin" / "python", HOME / "complete"
    with (HOME.parent / f"{HOME.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists() or marker.read_text() != wanted:
            shutil.rmtree(HOME, ignore_errors=True)
            venv.create(HOME, with_pip=True)
            install = [str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS]
            done = subprocess.run(install, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            marker.write_text(wanted)
    return python


@dataclass(frozen=True)
class Result:
    """What came of a call: a reply, or a stream's chunks, and the error, if one was raised."""

    reply: Any = None
    chunks: list[Any] = field(default_factory=list)
    error: Any = None

    @property
    def good(self) -> Any:
        """The reply of a call that did not fail."""
        assert self.error is None, self.error
        return self.reply

    @property
    def stream(self) -> list[Any]:
        """The chunks of a stream that did not fail."""
        assert self.error is None, self.error
        return self.chunks

    @property
    def failure(self) -> Any:
        """The error of a call that failed, as the package's own exceptions say it."""
        assert self.error is not None, self.reply
        assert self.error["is_openai_error"], self.error
        return self.error


class OldOpenAI:
    """Makes calls with the old package: `call("Completion.create", model=…)`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def call(self, method: str, **arguments: Any) -> Result:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"method": method, "arguments": arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process ended with {self._process.wait(10)}"
        return Result(**json.loads(line))


@contextmanager
def old_openai(base_url: str) -> Iterator[OldOpenAI]:
    """Run the process that calls `base_url`, until the block ends."""
    # Nothing of this process's own settings (proxies, keys, base URLs) may reach the package.
    surroundings = {"PATH": os.environ.get("PATH", ""), "NO_PROXY": "*"}
    with subprocess.Popen(
        [environment(), _CALLS, base_url],
        env=surroundings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield OldOpenAI(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0
