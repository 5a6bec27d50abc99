"""The `openai` package of 2023 in an environment of its own, and a process that makes its calls."""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.authorities import for_programs
from tests.clients.environments import python_environment
from tests.processes import PATIENCE

VERSION = "0.28.1"
REQUIREMENTS = (f"openai=={VERSION}", "numpy")
"""numpy decodes the embeddings that the package asks for as base64."""
_CALLS = Path(__file__).with_name("old_openai_calls.py")


def file(filename: str, content: bytes) -> dict[str, str]:
    """Return a file as an argument of `OldOpenAI.call`."""
    return {"filename": filename, "base64": base64.b64encode(content).decode()}


def environment() -> Path:
    """Return the Python of an environment with the package; made once, then reused."""
    return python_environment(f"openai-{VERSION}", REQUIREMENTS)


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
        assert line, f"the process ended with {self._process.wait(PATIENCE)}"
        return Result(**json.loads(line))


@contextmanager
def old_openai(base_url: str, python: Path | None = None) -> Iterator[OldOpenAI]:
    """Run the process that calls `base_url`, until the block ends.

    `python` is that of an environment with another version.
    """
    with subprocess.Popen(
        [python or environment(), _CALLS, base_url],
        env=for_programs(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield OldOpenAI(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
