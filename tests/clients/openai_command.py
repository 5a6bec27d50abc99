"""The `openai` command of openai-python 0.28.1, run on behalf of a test; not a test itself.

Run by the Python of the environment that has that package, which takes a second to be imported: it
is imported once, and each command is a process forked from there. Each line of standard input is a
JSON object `{"arguments": [...], "folder": ...}`; each line of output is one of the command's
`code`, `said` and `warned`.
"""

import json
import os
import sys
import tempfile
import traceback
from importlib.metadata import entry_points
from typing import Any

(command,) = entry_points(group="console_scripts", name="openai")
main: Any = command.load()


def run(arguments: list[str], folder: str) -> dict[str, Any]:
    """Run one command."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as warned:
        child = os.fork()
        if not child:
            os.chdir(folder)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(said.fileno(), 1)
            os.dup2(warned.fileno(), 2)
            sys.argv = ["openai", *arguments]
            os._exit(ended())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (said, warned):
            file.seek(0)
            texts.append(file.read().decode())
        return {"code": code, "said": texts[0], "warned": texts[1]}


def ended() -> int:
    """Run the command's program; return the code that its process would end with."""
    code: Any = 0
    try:
        code = main()
    except SystemExit as error:
        code = error.code
    except BaseException:  # noqa: BLE001 - as an interpreter ends
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    if isinstance(code, int | None):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return 1


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(**json.loads(line))) + "\n")
        sys.stdout.flush()
