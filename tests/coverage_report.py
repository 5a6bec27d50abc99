"""Judges what the tests have covered (`make test COVERAGE=1`): all of it.

Some modules are reached by tests that need a program of Debian's. Where it is not installed, they
cannot be judged: they are left out, and named.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator

MODULES = {
    "redis-server": ("gateway/stores/opening.py", "gateway/stores/redis_*.py"),
}
"""The modules that only tests with these programs cover whole."""


def main() -> int:
    """Print the report; return its exit code."""
    omitted = list(_omitted())
    command = [sys.executable, "-m", "coverage", "report"]
    if omitted:
        command.append(f"--omit={','.join(omitted)}")
    return subprocess.run(command, check=False).returncode


def _omitted() -> Iterator[str]:
    for program, modules in MODULES.items():
        if shutil.which(program) is None:
            print(f"{program} is not installed; not judged: {', '.join(modules)}")  # noqa: T201
            yield from modules


if __name__ == "__main__":
    sys.exit(main())
