"""The files of an open project agree with one another: workflow, templates, locks, image."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.cli.commands import command_of, parse
from tests.documents import ROOT, anchors, links

GITHUB = ROOT / ".github"
WORKFLOW = GITHUB / "workflows" / "ci.yml"
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
PAGES = [
    *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")),
    *sorted((ROOT / "examples").rglob("README.md")),
    ROOT / "deploy" / "README.md",
]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT, GROUPS = PYPROJECT["project"], PYPROJECT["dependency-groups"]
EXTRAS = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- make, continuous integration, hooks --------------------------------------------------------


def make_targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z-]+):.* ## ", makefile, re.MULTILINE))


def targets_called_in(text: str) -> set[str]:
    """The targets of each `make` in shell commands, without its variables."""
    called = re.findall(r"(?:^|[`&|;] ?|sudo )make((?: +[^\s`&|;#]+)+)", text, re.MULTILINE)
    return {word for words in called for word in words.split() if re.fullmatch(r"[a-z-]+", word)}


def workflow_steps() -> Iterator[Mapping[str, Any]]:
    for job in read(WORKFLOW)["jobs"].values():
        yield from job["steps"]


def test_every_target_is_in_the_help_and_has_no_file_of_its_name() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (line,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    phony = set(line.split())
    assert make_targets() == phony
    assert not any((ROOT / name).exists() for name in phony - {"bench"})


def test_the_workflow_calls_targets_that_exist() -> None:
    called = targets_called_in("\n".join(step.get("run", "") for step in workflow_steps()))
    assert called >= {"lint", "types", "suite", "lowest", "system-packages"}
    assert called <= make_targets()


def test_the_hooks_call_targets_that_exist() -> None:
    hooks = [
        hook for repo in read(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]
    ]
    called = targets_called_in("\n".join(hook["entry"] for hook in hooks))
    assert called == {"lint", "types"}


@pytest.mark.parametrize(
    "page",
    [ROOT / "CONTRIBUTING.md", ROOT / "README.md", ROOT / "docs" / "releasing.md"],
    ids=named,
)
def test_the_pages_call_targets_that_exist(page: Path) -> None:
    called = targets_called_in(page.read_text("utf-8"))
    assert called
    assert called <= make_targets()


def test_the_workflow_runs_on_every_python_that_is_claimed() -> None:
    (matrix,) = (
        job["strategy"]["matrix"]["python"]
        for job in read(WORKFLOW)["jobs"].values()
        if "strategy" in job
    )
    claimed = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert matrix == claimed
    assert PROJECT["requires-python"] == f">={matrix[0]}"


def test_actions_are_pinned_and_may_only_read() -> None:
    assert read(WORKFLOW)["permissions"] == {"contents": "read"}
    used = [step["uses"] for step in workflow_steps() if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[\w-]+@v\d+\.\d+\.\d+", action)


def test_what_is_pinned_elsewhere_is_proposed_again() -> None:
    updates = read(GITHUB / "dependabot.yml")["updates"]
    assert [update["package-ecosystem"] for update in updates] == [
        "github-actions",
        "docker",
        "docker-compose",
    ]
    assert all((ROOT / update["directory"].lstrip("/")).is_dir() for update in updates)


def test_programs_of_debian_that_cannot_be_installed_fail_nothing(tmp_path: Path) -> None:
    user = tmp_path / "id"
    user.write_text("#!/bin/sh\necho 1000\n")
    user.chmod(0o755)
    done = subprocess.run(
        (shutil.which("bash") or "bash", ".ci/system-packages"),
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("not installed, and their tests are skipped: redis-server prom")


# --- templates and pages ------------------------------------------------------------------------


@pytest.mark.parametrize("form", [path for path in FORMS if path.stem != "config"], ids=named)
def test_a_form_can_be_filled_in(form: Path) -> None:
    content = read(form)
    assert content["name"]
    assert content["description"]
    fields = [field for field in content["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert any(field.get("validations", {}).get("required") for field in fields)
    for field in fields:
        assert field["attributes"]["label"]
        assert field["type"] in ("textarea", "input", "dropdown")


def test_the_forms_ask_for_what_shows_a_fault_and_for_no_keys() -> None:
    bug = (GITHUB / "ISSUE_TEMPLATE" / "bug.yml").read_text("utf-8")
    commands = set(re.findall(r"gateway ([a-z]+) ", bug))
    assert commands == {"resolve", "translate"}
    assert all(command_of(name) for name in commands)
    assert "gateway --version" in bug
    assert "x-gateway-" in bug
    assert "keys" in bug


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in links(page):
        if not target.startswith("https://"):
            path, _, fragment = target.partition("#")
            file = (page.parent / path).resolve()
            assert file.is_file(), target
            assert not fragment or fragment in anchors(file), target


def test_the_addresses_are_those_of_the_project() -> None:
    home = PROJECT["urls"]["Source"]
    assert all(url.startswith(home) for url in PROJECT["urls"].values())
    (contact,) = read(GITHUB / "ISSUE_TEMPLATE" / "config.yml")["contact_links"]
    assert contact["url"] == f"{home}/security/advisories/new"
    for name in ("SECURITY.md", "CODE_OF_CONDUCT.md"):
        assert f"({home}/security/advisories/new)" in (ROOT / name).read_text("utf-8")
    assert home in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


# --- locked versions ----------------------------------------------------------------------------

_ENTRY = re.compile(r"^(?P<pinned>\S+?==\S+)(?P<rest>.*\n(?:    .*\n)+)", re.MULTILINE)
_DIRECT = "endpoint-gateway (pyproject.toml"
LOCKS: Mapping[str, list[str]] = {
    "runtime": PROJECT["dependencies"],
    "image": [*PROJECT["dependencies"], *EXTRAS],
    "build": GROUPS["build"],
    "development": [*PROJECT["dependencies"], *GROUPS["dev"], *GROUPS["build"]],
    "lowest": [*PROJECT["dependencies"], *EXTRAS, *GROUPS["dev"], *GROUPS["build"]],
}


def locked(lock: str) -> dict[str, tuple[Version, str]]:
    """Of every package in a lock its version, and the lines below it: hashes, and who wants it."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    assert len(_ENTRY.findall(text)) == len(re.findall("==", re.sub(r"#.*|;.*", "", text)))
    pins: dict[str, tuple[Version, str]] = {}
    for entry in _ENTRY.finditer(text):
        name, _, version = entry["pinned"].partition("==")
        pins[canonicalize_name(name)] = (Version(version), entry["rest"])
    return pins


def canonical(requirements: list[str]) -> dict[str, list[Requirement]]:
    wanted: dict[str, list[Requirement]] = {}
    for requirement in map(Requirement, requirements):
        wanted.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return wanted


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_what_pyproject_wants_and_no_more(lock: str) -> None:
    """`make lock` repairs it."""
    pins, wanted = locked(lock), canonical(LOCKS[lock])
    assert {name for name, (_, below) in pins.items() if _DIRECT in below} == set(wanted)
    for name, requirements in wanted.items():
        for requirement in requirements:
            assert requirement.specifier.contains(pins[name][0]), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_that_is_locked_has_hashes(lock: str) -> None:
    for name, (_, below) in locked(lock).items():
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", below), name


@pytest.mark.parametrize("lock", ["runtime", "build"])
def test_the_tests_run_on_the_versions_that_are_installed(lock: str) -> None:
    tested = locked("development")
    for name, (version, _) in locked(lock).items():
        assert tested[name][0] == version


def test_the_image_has_the_versions_that_the_tests_run_on() -> None:
    tested, image = locked("development"), locked("image")
    assert locked("runtime").keys() <= image.keys()
    for name in tested.keys() & image.keys():
        assert tested[name][0] == image[name][0], name


def test_the_lowest_versions_are_the_bounds() -> None:
    pins = locked("lowest")
    for name, requirements in canonical([*PROJECT["dependencies"], *EXTRAS]).items():
        for requirement in requirements:
            (bound,) = requirement.specifier
            assert bound.operator == ">="
            assert pins[name][0] == Version(bound.version), requirement


def test_what_builds_the_project_is_locked() -> None:
    assert set(PYPROJECT["build-system"]["requires"]) <= set(GROUPS["build"])


# --- the image ----------------------------------------------------------------------------------


def test_the_image_comes_by_hashes() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+-slim@sha256:[0-9a-f]{64}", bases[0])
    for line in re.findall(r"pip install (.*)", DOCKERFILE):
        assert "--require-hashes" in line or "--no-index" in line


def test_the_image_has_what_it_copies() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    files = {name for line in copied for name in line.split()}
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert files == {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert all((ROOT / name).exists() for name in files)


def test_the_image_asks_for_its_health_where_it_serves() -> None:
    (command,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    program, name, *arguments = json.loads(command)
    assert program == "gateway"
    assert arguments == ["--of", "1"]
    parse(name, arguments)
