"""The recipes of docs/clients.md, as they stand there, run before a gateway of the test's own.

A block marked `recipe NAME: FILE` is a file of the user's; `recipe NAME` is what the user runs.
"""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.authorities import for_programs
from tests.documents import Block, all_blocks

WRITTEN_ROOT = "http://127.0.0.1:8080"
"""Where the gateway is in the document; the base URL of most clients has `/v1` after it."""

_QUIET = {
    "AIDER_ANALYTICS_DISABLE": "true",
    "AIDER_CHECK_UPDATE": "false",
    "AIDER_SHOW_MODEL_WARNINGS": "false",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CONTINUE_TELEMETRY_ENABLED": "0",
    "COPILOT_OFFLINE": "true",
    "DISABLE_AUTOUPDATER": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "PI_OFFLINE": "1",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
}
"""Programs ask nobody but the gateway."""
_PROCESSES = Path("/proc")
"""Of Linux; elsewhere there is none."""


@dataclass(frozen=True)
class Outcome:
    """What a program said, and what it warned of."""

    code: int
    said: str
    warned: str


def names() -> set[str]:
    """The names of all recipes."""
    return {_name(block) for block in all_blocks(marker="recipe ")}


def _name(block: Block) -> str:
    return block.marker.removeprefix("recipe ").partition(":")[0]


def run(
    name: str, base_url: str, home: Path, environment: Path, runtime: Path | None = None
) -> Outcome:
    """Follow a recipe as a user whose home directory and working directory is `home`.

    `environment` has the program, `runtime` the Node that it needs, if not the machine's: each is
    the folder of its `bin` or of its `node_modules`.
    """
    root = base_url.removesuffix("/v1")
    (command,) = all_blocks(marker=f"recipe {name}", exact=True)
    for block in all_blocks(marker=f"recipe {name}: "):
        file = home / block.marker.partition(": ")[2]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text.replace(WRITTEN_ROOT, root))
    text = command.text.replace(WRITTEN_ROOT, root)
    run_by = {
        "sh": ["bash", "-e", "-c", text],
        "python": [str(environment / "bin" / "python"), "-W", "ignore", "-c", text],
        "js": ["node", "--input-type=module", "--eval", text],
    }
    programs = [environment / "bin", environment / "node_modules" / ".bin"]
    if runtime is not None:
        programs.append(runtime / "node_modules" / ".bin")
    done = subprocess.run(
        run_by[command.language],
        # A module is looked for from the working directory on.
        cwd=environment if command.language == "js" else home,
        env=for_programs(
            **_QUIET,
            HOME=str(home),
            PATH=os.pathsep.join([*map(str, programs), os.environ.get("PATH", "")]),
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    end_processes_of(home)
    return Outcome(done.returncode, done.stdout, done.stderr)


def end_processes_of(home: Path) -> None:
    """End what a program has left running with this home directory: cline starts a daemon."""
    for process in _PROCESSES.glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
            if b"HOME=" + os.fsencode(home) in variables:
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:
            continue  # it has ended, or is another user's
