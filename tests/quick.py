"""`make quick`: linters, types, and the tests beside what changed, within a minute.

A module's own tests are those that mirror it; near it are those that import it, and those of its
folder. A helper's own tests are those that import it. Documents and the project's own files have
tests that check them.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAX_NEAR = 20
"""Words that all layers share are imported by hundreds of tests: some of them will do."""
WHOLE_PROGRAMS = ("tests/clients/", "tests/faults/", "tests/door/")
"""Near to everything: they run only when they changed themselves."""
CHECKED_BY: Mapping[str, Sequence[str]] = {
    "gateway/": ("tests/test_layers.py", "tests/test_house.py"),
    "gateway/servers/": ("tests/cli/test_schema.py", "tests/servers/test_recorded.py"),
    "docs/": ("tests/test_documents.py", "tests/test_documented_numbers.py"),
    "README.md": ("tests/test_documents.py",),
    "CHANGELOG.md": ("tests/test_documents.py",),
    "config.yaml": ("tests/config/test_default_files.py",),
    "examples/": ("tests/test_examples.py",),
    "deploy/": tuple(
        f"tests/deploy/test_{name}.py"
        for name in ("alerts", "compose", "dashboard", "kubernetes", "systemd")
    ),
    **dict.fromkeys(
        (".github/", ".pre-commit", "requirements/", "pyproject.toml", "Makefile", "Dockerfile"),
        ("tests/test_open_project.py",),
    ),
    **dict.fromkeys(
        ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md"), ("tests/test_open_project.py",)
    ),
}
_IMPORT = re.compile(r"^\s*(?:from ([\w.]+) import (\([^)]*\)|.+)|import ([\w.]+))", re.MULTILINE)


def changed_files(root: Path, base: str = "") -> list[str]:
    """Return what differs from `base`, or from where the branch left main, and is still there.

    Files that git does not know yet are among them. Raises `CalledProcessError` where there is no
    such commit.
    """
    since = base or _git(root, "merge-base", "HEAD", _main(root))[0]
    named = _git(root, "diff", "--name-only", since)
    named += _git(root, "ls-files", "--others", "--exclude-standard")
    return sorted(name for name in set(named) if (root / name).is_file())


def _main(root: Path) -> str:
    branches = _git(root, "branch", "--all", "--format=%(refname:short)")
    return next((name for name in ("origin/main", "main") if name in branches), "HEAD")


def _git(root: Path, *arguments: str) -> list[str]:
    done = subprocess.run(("git", *arguments), cwd=root, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().splitlines()


def beside(root: Path, changed: Sequence[str]) -> list[str]:
    """Return the test modules to run for these files: their own, and the nearest of the others."""
    imports = {
        path.relative_to(root).as_posix(): set(_imported(path.read_text("utf-8")))
        for path in sorted((root / "tests").rglob("*.py"))
    }
    own = dict.fromkeys(test for name in changed for test in _own(Path(name), imports))
    near = dict.fromkeys(test for name in changed for test in _near(Path(name), imports))
    others = [test for test in near if test not in own][:MAX_NEAR]
    return [test for test in (*own, *others) if (root / test).is_file()]


def _own(path: Path, imports: Mapping[str, set[str]]) -> Iterator[str]:
    for prefix, checks in CHECKED_BY.items():
        if path.as_posix().startswith(prefix):
            yield from checks
    if path.parts[0] == "gateway":
        yield Path("tests", *path.parts[1:]).with_name(f"test_{path.stem}.py").as_posix()
    elif path.parts[0] == "tests" and (path.suffix != ".py" or path.stem == "conftest"):
        yield from (
            name for name in imports if _is_test(name) and path.parent in Path(name).parents
        )
    elif path.parts[0] == "tests":
        yield from _tests_by_way_of(path.as_posix(), imports)


def _tests_by_way_of(name: str, imports: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield a test, or the tests that import a helper, directly or by way of other helpers."""
    waiting, seen = [name], {name}
    for current in waiting:
        if _is_test(current):
            yield current
        elif not current.endswith("__init__.py"):
            module = _module(Path(current))
            importers = {other for other in imports if module in imports[other]} - seen
            waiting += sorted(importers)
            seen |= importers


def _near(path: Path, imports: Mapping[str, set[str]]) -> Iterator[str]:
    if path.parts[0] != "gateway":
        return
    tests = [name for name in imports if _is_test(name) and not name.startswith(WHOLE_PROGRAMS)]
    module = _module(path)
    importing = [name for name in tests if module in imports[name]]
    yield from sorted(importing, key=lambda name: len(imports[name]))
    mirrored = Path("tests", *path.parts[1:]).parent
    yield from (name for name in tests if Path(name).parent == mirrored)


def _imported(source: str) -> Iterator[str]:
    for package, names, module in _IMPORT.findall(source):
        yield package or module
        yield from (f"{package}.{name}" for name in re.findall(r"\w+", names))


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _is_test(name: str) -> bool:
    return Path(name).name.startswith("test_")


def commands(tests: Sequence[str]) -> list[list[str]]:
    """Return what is run side by side: linters, types, and these tests if there are any."""
    python = [sys.executable, "-m"]
    pytest = [*python, "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", *tests]
    return [
        [*python, "ruff", "check", "--quiet", "."],
        [*python, "ruff", "format", "--check", "--quiet", "."],
        [*python, "mypy", "--no-error-summary"],
        *([pytest] if tests else []),
    ]


def run(together: Iterable[Sequence[str]], root: Path) -> int:
    """Run commands side by side, show what each says, and return 1 if one of them fails."""
    running = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for command in together
    ]
    said = [process.communicate()[0].decode() for process in running]
    sys.stdout.write("".join(said))
    # 5: none of these tests is quick.
    return int(any(process.returncode not in (0, 5) for process in running))


if __name__ == "__main__":
    changed = changed_files(ROOT, *sys.argv[1:2])
    sys.stdout.write(f"{len(changed)} files changed\n")
    sys.exit(run(commands(beside(ROOT, changed)), ROOT))
