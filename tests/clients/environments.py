"""Packages that cannot live beside the project's own: each in a virtual environment of its own."""

import fcntl
import shutil
import subprocess
import sys
import venv
from pathlib import Path


def python_with(package: str, version: str) -> Path:
    """Return the Python of an environment with that package; made once, then reused.

    A marker, written last, says that the environment is complete and which version it has.
    """
    home = Path(sys.prefix) / "clients" / f"{package}-{version}"
    home.parent.mkdir(exist_ok=True)
    python, marker = home / "bin" / "python", home / "complete"
    with (home.parent / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists() or marker.read_text() != version:
            shutil.rmtree(home, ignore_errors=True)
            venv.create(home, with_pip=True)
            install = [str(python), "-m", "pip", "install", "--quiet", f"{package}=={version}"]
            done = subprocess.run(install, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            marker.write_text(version)
    return python
