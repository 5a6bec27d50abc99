"""Runs the programs of this folder on behalf of tests, one after the other; not a test itself.

Run by the Python of the environment that has them, with `OPENAI_API_BASE` and `OPENAI_API_KEY` as
their only settings. Each line of standard input is a JSON list `["with_dspy", "alone", …]`: a
module, its function, and arguments; each line of output is what came of it: `result` or `error`.
"""

import json
import os
import sys
from importlib import import_module
from typing import Any


def outcome(module: str, function: str, arguments: list[Any]) -> dict[str, Any]:
    """Run one function and describe what came of it."""
    try:
        return {"result": getattr(import_module(module), function)(*arguments)}
    except Exception as error:  # noqa: BLE001 - which one it is, is what the test asks
        names = ("param", "code", "http_status")
        fields = {name: getattr(error, name, None) for name in names}
        return {"error": {"class": type(error).__name__, "message": str(error), **fields}}


def main() -> None:
    """Serve until the input ends. What the programs print goes to standard error."""
    with os.fdopen(os.dup(1), "w") as results:
        os.dup2(2, 1)
        import_module("stand_ins").put_in_place()
        for line in sys.stdin:
            module, function, *arguments = json.loads(line)
            results.write(json.dumps(outcome(module, function, arguments)) + "\n")
            results.flush()


if __name__ == "__main__":
    main()
