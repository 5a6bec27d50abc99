"""Anthropic's SDKs, each in an environment of its own, and processes that make their calls."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.authorities import for_programs
from tests.clients.programs import Programs, npm
from tests.processes import PATIENCE

SDKS: Mapping[str, Programs] = {
    # The last before 1.0, the last of Anthropic's version 2023-06-01, and one of 2026-10-21.
    **{
        f"python-{version}": Programs("pip", f"anthropic-{version}", {"anthropic": version})
        for version in ("0.125.0", "1.17.0", "2.14.0")
    },
    "node": npm("@anthropic-ai/sdk", "1.14.0"),
}
"""Every SDK that the tests run, by its name."""
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Result:
    """What came of a call; see `anthropic_calls`."""

    reply: Any = None
    events: list[str] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    error: Any = None

    @property
    def good(self) -> Any:
        """The reply of a call that did not fail."""
        assert self.error is None, self.error
        return self.reply

    @property
    def failure(self) -> Any:
        """The error of a call that failed, as the package's own exceptions say it."""
        assert self.error is not None, self.reply
        assert self.error["is_own"], self.error
        return self.error


class AnthropicClient:
    """Makes calls with an SDK: `call("messages.create", model=…)`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def call(self, method: str, /, key: str = "sk-test", **arguments: Any) -> Result:
        """Make a call."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"method": method, "arguments": arguments, "key": key}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process ended with {self._process.wait(PATIENCE)}"
        return Result(**json.loads(line))

    def create(self, **arguments: Any) -> Any:
        """Return a whole message."""
        return self.call("messages.create", **{"max_tokens": 500, **arguments}).good

    def stream(self, **arguments: Any) -> Any:
        """Return the message that the SDK has put together from a stream."""
        return self.call("messages.stream", **{"max_tokens": 500, **arguments}).good


@contextmanager
def anthropic_client(name: str, base_url: str) -> Iterator[AnthropicClient]:
    """Run the process that calls `base_url` with an SDK, until the block ends.

    Skips the test where the SDK cannot be installed.
    """
    home = SDKS[name].installed()
    surroundings = for_programs()
    if name == "node":
        surroundings["NODE_PATH"] = str(home / "node_modules")
        command = ["node", str(_HERE / "node" / "anthropic_calls.js")]
    else:
        command = [str(home / "bin" / "python"), str(_HERE / "anthropic_calls.py")]
    with subprocess.Popen(
        [*command, base_url],
        env=surroundings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield AnthropicClient(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
