"""A server that nobody here wrote: `llama-cpp-python`, with an environment of its own.

Its package is compiled here, which takes minutes: this version is the last one that is small enough
for that, and it is made once, then reused. Where it cannot be installed the tests are skipped.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.authorities import for_installers
from tests.clients.tiny_model import CONTEXT, write_tiny_model

VERSION = "0.3.2"
HOME = Path(sys.prefix) / "clients" / f"llama-cpp-python-{VERSION}"
MODEL = "tiny"
MAX_SECONDS_TO_INSTALL = 900
_BUILD = {
    "CMAKE_ARGS": "-DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DGGML_LLAMAFILE=OFF -DLLAVA_BUILD=OFF",
    "CMAKE_BUILD_PARALLEL_LEVEL": str(os.cpu_count() or 1),
    "CFLAGS": "-O1",
    "CXXFLAGS": "-O1",
}
_ADDRESS = re.compile(r"running on (http://127\.0\.0\.1:\d+)")


def environment() -> Path:
    """Return the Python of an environment with the server; made once, then reused.

    A marker, written last, says that the environment is complete, or why it could not be made.
    """
    HOME.parent.mkdir(exist_ok=True)
    python, marker = HOME / "bin" / "python", HOME / "complete"
    with (HOME.parent / f"{HOME.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists():
            shutil.rmtree(HOME, ignore_errors=True)
            venv.create(HOME, with_pip=True)
            problem = _install(python)
            if problem:
                pytest.skip(f"llama-cpp-python {VERSION} cannot be installed: {problem}")
            marker.write_text(VERSION)
    return python


def _install(python: Path) -> str:
    """Install the server; return what went wrong, or nothing."""
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        f"llama-cpp-python[server]=={VERSION}",
    ]
    try:
        done = subprocess.run(
            command,
            env={**for_installers(), **_BUILD},
            capture_output=True,
            text=True,
            check=False,
            timeout=MAX_SECONDS_TO_INSTALL,
        )
    except subprocess.TimeoutExpired:
        return f"not within {MAX_SECONDS_TO_INSTALL} s"
    return "" if done.returncode == 0 else done.stderr.strip()[-2000:] or "pip failed"


@contextmanager
def third_party_server(folder: Path) -> Iterator[str]:
    """Run the server with a tiny model until the block ends; yields its base URL, with /v1."""
    model = folder / "tiny.gguf"
    write_tiny_model(model)
    command: list[str | Path] = [environment(), "-m", "llama_cpp.server", "--model", model]
    command += ["--model_alias", MODEL, "--n_ctx", str(CONTEXT), "--logits_all", "true"]
    command += ["--host", "127.0.0.1", "--port", "0", "--verbose", "false", "--n_threads", "1"]
    with subprocess.Popen(
        command,
        # Nothing of this process's own settings may reach the server.
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        said: list[str] = []
        try:
            address = None
            while address is None:
                line = process.stderr.readline()
                assert line, f"the server ended: {''.join(said[-20:])}"
                said.append(line)
                address = _ADDRESS.search(line)
            drain = threading.Thread(target=process.stderr.read, daemon=True)
            drain.start()
            yield f"{address[1]}/v1"
        finally:
            # Nothing is lost with it, and on a gentler signal it waits for its connections to end.
            process.kill()
