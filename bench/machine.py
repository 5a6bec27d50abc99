"""Where and with what a run was made: figures mean nothing without."""

import datetime as dt
import platform
import re
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bench.tools import LITELLM, PORTKEY, Tools


def description(tools: Tools) -> str:
    """Return a few lines of Markdown: date, machine, versions."""
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    packages = ("uvicorn", "uvloop", "httptools", "msgspec")
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{name} {version(name)}" for name in packages]
    versions += _named("nginx", tools.nginx, "-v") + _named("wrk", tools.wrk, "-v")
    versions += [LITELLM.replace("==", " ")] if tools.litellm else []
    versions += [PORTKEY[1:].replace("@", " ")] if tools.portkey else []
    lines = [
        f"- {today}, {platform.platform()}, {_processor()}",
        f"- {', '.join(versions)}",
        f"- endpoint-gateway {version('endpoint-gateway')}{_commit()}",
    ]
    return "\n".join(lines)


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    count = len(re.findall(r"^processor\s*:", text, re.MULTILINE))
    return f"{count} x {model[1] if model else platform.machine()}"


def _named(name: str, command: str | None, option: str) -> list[str]:
    if command is None:
        return []
    found = re.search(r"\d+\.\d+(\.\d+)?", _output([command, option]))
    return [f"{name} {found[0]}"] if found else []


def _commit() -> str:
    short = _output(["git", "rev-parse", "--short", "HEAD"]).strip()
    changed = _output(["git", "status", "--porcelain", "--", "gateway"]).strip()
    if not re.fullmatch(r"[0-9a-f]{7,40}", short):
        return ""
    return f" at {short}{' with changes' if changed else ''}"


def _output(command: Sequence[str]) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return ""
    return ended.stdout + ended.stderr
