"""What the bench needs beside Python: found, installed where possible, else named and left out.

Everything but the system's packages goes below `.venv/bench`, which git ignores.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LITELLM = "litellm[proxy]==1.106.2"
PORTKEY = "@portkey-ai/gateway@1.15.2"
PORTKEY_PACKAGE = {
    "private": True,
    "dependencies": {"@portkey-ai/gateway": PORTKEY.rpartition("@")[2]},
    # Its streams fail with later ones: they hand it a Response of another class.
    "overrides": {"@hono/node-server": "1.13.7"},
}

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent / ".venv" / "bench"

_INSTALL_SECONDS = 900


@dataclass(slots=True)
class Tools:
    """Where things are; None: not to be had. `missing` says what, and why."""

    source: Path | None = None
    load: Path | None = None
    wrk: str | None = None
    nginx: str | None = None
    litellm: Path | None = None
    portkey: Path | None = None
    missing: list[str] = field(default_factory=list)

    def need(self, name: str, found: object, reason: str) -> None:
        """Take note of what is missing."""
        if not found:
            self.missing.append(f"{name}: {reason}")


def collect(*, compared: bool, peers: bool) -> Tools:
    """Find everything, installing what is not there.

    What only a comparison needs is left out if nothing is `compared`, and so are the peers.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    tools = Tools()
    compiler = _from_system("cc", ("gcc", "libc6-dev"))
    if compiler is not None:
        tools.source = _compile(compiler, "source", ("source.c", "replies.c"))
        tools.load = _compile(compiler, "load", ("load.c",))
    tools.need("a C compiler", compiler, "the upstream and the stream load cannot be built")
    if not compared:
        return tools
    tools.wrk = _from_system("wrk", ("wrk",))
    tools.need("wrk", tools.wrk, "bench/load.c makes the requests instead")
    tools.nginx = _from_system("nginx", ("nginx-light",))
    tools.need("nginx", tools.nginx, "there is nothing to be compared with, so no ratios")
    if peers:
        tools.litellm = _litellm()
        tools.need("LiteLLM", tools.litellm, f"see {CACHE}/litellm.log")
        tools.portkey = _portkey()
        tools.need("Portkey gateway", tools.portkey, f"see {CACHE}/portkey.log")
    return tools


def _from_system(command: str, packages: Sequence[str]) -> str | None:
    found = _which(command)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        log = CACHE / "apt.log"
        install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
        if not _run(install, log):
            _run(["apt-get", "update"], log)
            _run(install, log)
        found = _which(command)
    return found


def _which(command: str) -> str | None:
    # Debian keeps servers in /usr/sbin, which is not on everybody's path.
    return shutil.which(command, path=os.environ.get("PATH", "") + ":/usr/sbin")


def _compile(compiler: str, name: str, sources: Sequence[str]) -> Path | None:
    binary = CACHE / name
    command = [compiler, "-O2", "-o", str(binary), *(str(HERE / source) for source in sources)]
    return binary if _run(command, CACHE / f"{name}.log") else None


def _litellm() -> Path | None:
    folder = CACHE / "litellm"
    binary = folder / "bin" / "litellm"

    def install() -> bool:
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        return _run([sys.executable, "-m", "venv", str(folder)], CACHE / "litellm.log") and _run(
            [*pip, "--disable-pip-version-check", LITELLM], CACHE / "litellm.log"
        )

    return binary if _once(folder, LITELLM, install) else None


def _portkey() -> Path | None:
    folder = CACHE / "portkey"
    if shutil.which("npm") is None:
        return None

    def install() -> bool:
        folder.mkdir(exist_ok=True)
        (folder / "package.json").write_text(json.dumps(PORTKEY_PACKAGE))
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder)]
        return _run(command, CACHE / "portkey.log")

    done = _once(folder, json.dumps(PORTKEY_PACKAGE), install)
    return folder / "node_modules/@portkey-ai/gateway/build/start-server.js" if done else None


def _once(folder: Path, version: str, install: Callable[[], bool]) -> bool:
    """Install into a folder unless this version is complete there already."""
    mark = folder / "installed.txt"
    if mark.exists() and mark.read_text() == version:
        return True
    shutil.rmtree(folder, ignore_errors=True)
    if not install():
        return False
    mark.write_text(version)
    return True


def _run(command: Sequence[str], log: Path) -> bool:
    with log.open("ab") as output:
        try:
            ended = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=_INSTALL_SECONDS,
                check=False,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            output.write(f"{command[0]}: {error}\n".encode())
            return False
    return ended.returncode == 0
