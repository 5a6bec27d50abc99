"""`gateway completion`, and what shells get from its scripts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import run

SHELLS = ("bash", "zsh", "fish")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_printed_for_each_shell(shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert f"_GATEWAY_COMPLETE={shell}_complete" in result.output


def test_other_shells_are_wrong_usage() -> None:
    assert run("completion", "powershell").exit_code == 2


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("gateway che", "check"),
        ("gateway check --pr", "--probe"),
        ("gateway translate --kind vl", "vllm"),
        ("gateway resolve --from resp", "responses"),
    ],
)
@pytest.mark.skipif(shutil.which("bash") is None, reason="completes in bash")
def test_bash_completes_commands_options_and_values(
    tmp_path: Path, words: str, completed: str
) -> None:
    program = tmp_path / "gateway"
    program.write_text(f"#!{sys.executable}\nfrom gateway.cli import main\nmain()\n")
    program.chmod(0o755)
    script = run("completion", "bash").output
    count = len(words.split()) - 1
    asked = (
        f"{script}\nCOMP_WORDS=({words}); COMP_CWORD={count}\n"
        '_gateway_completion gateway; echo "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(
        ["bash", "-c", asked], capture_output=True, text=True, env=environment, check=True
    )
    assert ended.stdout.split() == [completed]
