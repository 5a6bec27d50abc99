"""Packages that cannot live beside the project's own: each in an environment of its own."""

import fcntl
import json
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.authorities import for_installers

_CLIENTS = Path(sys.prefix) / "clients"


class NotInstallable(Exception):
    """An environment that cannot be made here; the text is the installer's last word."""


def python_with(package: str, version: str) -> Path:
    """Return the Python of an environment with that package; made once, then reused."""
    return python_environment(f"{package}-{version}", [f"{package}=={version}"])


def python_environment(name: str, requirements: Sequence[str], *options: str) -> Path:
    """Return the Python of an environment with these requirements; made once, then reused.

    `options` are pip's. Raises `NotInstallable`.
    """
    with _made_once(name, " ".join(requirements)) as (home, is_missing):
        python = home / "bin" / "python"
        if is_missing:
            venv.create(home)
            pip = [sys.executable, "-m", "pip", "--python", str(python)]
            _run([*pip, "install", "--quiet", "--no-compile", *options, *requirements], home)
    return python


def node_modules(name: str, packages: Sequence[str], *, scripts: bool = False) -> Path:
    """Return a folder with npm's packages and what they need; made once, then reused.

    `scripts` lets the packages run theirs, for those that are not complete without. Raises
    `NotInstallable`.
    """
    with _made_once(name, " ".join(packages)) as (home, is_missing):
        if is_missing:
            home.mkdir()
            (home / "package.json").write_text('{"private": true}')
            install = ["npm", "install", f"--ignore-scripts={json.dumps(not scripts)}"]
            _run([*install, "--no-audit", "--no-fund", *packages], home)
    return home / "node_modules"


def npm_package(name: str, package: str) -> Path:
    """Return the folder of one package of npm, without what it needs; made once, then reused.

    Raises `NotInstallable`.
    """
    with _made_once(name, package) as (home, is_missing):
        if is_missing:
            home.mkdir()
            _run(["npm", "pack", "--silent", package], home)
            (archive,) = home.glob("*.tgz")
            # Python before 3.11.4 has no filters, which that of 3.12 asks for.
            filters: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            shutil.unpack_archive(archive, home, **filters)
            archive.unlink()
    return home / "package"


@contextmanager
def _made_once(name: str, contents: str) -> Iterator[tuple[Path, bool]]:
    """Yield a folder, and whether it is to be made, while nobody else makes it.

    A marker, written last, says that it is complete and what is in it.
    """
    home = _CLIENTS / name
    home.parent.mkdir(exist_ok=True)
    marker = home / "complete"
    with (home.parent / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_missing = not marker.exists() or marker.read_text() != contents
        if is_missing:
            shutil.rmtree(home, ignore_errors=True)
        yield home, is_missing
        marker.write_text(contents)


def _run(install: Sequence[str], folder: Path) -> None:
    done = subprocess.run(
        install, cwd=folder, env=for_installers(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NotInstallable(done.stderr.strip()[-600:])
