"""The table of what restricted clients may call, compared with what OpenAI's own client calls."""

import re
from pathlib import Path

import openai
import pytest

from gateway.exchange.restricted.permissions import (
    BY_MODEL,
    DELETED,
    POSTED,
    RUNS_NONE,
    permission_for,
)

CALL = re.compile(r'self\._(post|put|patch|delete)\(\s*(?:path_template\(\s*)?f?"(/[^"]*)"')
GENERATION = {"/completions", "/chat/completions", "/responses"}
UNJUDGED = re.compile(
    r"/(?:organization|projects|audio/voice|safety|videos/characters|content_prov)"
)
"""Paths of the client that are not in the table, on purpose."""


def called_by_the_client() -> set[tuple[str, str]]:
    """Return every (method, path) that openai-python writes with, an id for each variable."""
    found = set()
    for module in (Path(openai.__file__).parent / "resources").rglob("*.py"):
        for method, path in CALL.findall(module.read_text("utf-8")):
            found.add((method.upper(), re.sub(r"\{[^}]+\}", "id_1", path.partition("?")[0])))
    return found


CALLED = sorted(called_by_the_client())


def test_the_client_was_read() -> None:
    assert len(CALLED) > 60
    assert ("POST", "/threads/id_1/runs") in CALLED
    assert ("DELETE", "/files/id_1") in CALLED


@pytest.mark.parametrize(("method", "path"), CALLED)
def test_every_call_of_openais_client_was_thought_of(method: str, path: str) -> None:
    if path in GENERATION or UNJUDGED.match(path):
        return
    assert "does not know" not in permission_for(method, path).refused, (method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", "/batches"), ("POST", "/batches/"), ("POST", "/Batches"), ("POST", "/x")),
        *(("POST", ""), ("POST", "/"), ("POST", "/embeddings/x"), ("POST", "/embeddings ")),
        *(("POST", "/embeddings;x"), ("POST", "/files/f\n"), ("POST", "/files/a/b/c")),
        *(("POST", "/threads/a?b/messages"), ("POST", "/threads/%72uns"), ("POST", "/{id}")),
        *(("POST", "/threads/{id}/runs"), ("PUT", "/files"), ("PATCH", "/assistants/a")),
        *(("DELETE", "/batches/b"), ("DELETE", "/x"), ("DELETE", "/files"), ("BREW", "/files")),
        *(("GET", "/organization/users"), ("GET", "/projects/p"), ("GET", "/organization")),
        *(("POST", "/models/a:generate"), ("GET", "/fine_tuning/checkpoints/m/permissions")),
    ],
)
def test_what_is_not_in_the_table_is_refused(method: str, path: str) -> None:
    assert permission_for(method, path).refused


def test_reading_is_open() -> None:
    for path in ("/files", "/files/f/content", "/batches/b", "/models", "/x", "/organizations"):
        for method in ("GET", "HEAD", "OPTIONS"):
            assert permission_for(method, path) == RUNS_NONE
    for path in DELETED:
        assert permission_for("DELETE", path.replace("{id}", "x-1")) == RUNS_NONE
    assert permission_for("DELETE", "/models/org/name") == RUNS_NONE


@pytest.mark.parametrize("path", POSTED)
def test_an_exact_path_wins_over_a_pattern(path: str) -> None:
    assert permission_for("POST", path.replace("{id}", "ft:x.y@z~_-")) == POSTED[path]
    assert permission_for("POST", "/threads/runs") == BY_MODEL


@pytest.mark.parametrize(
    "path",
    [
        *("/organization;x/users", "/organization;/users", "/v1/projects;a=b", "/%6frganization"),
        *("/%256frganization/users", "/organization%2fusers", "/organization ", "/organization./x"),
        *("/fine_tuning/checkpoints;x/m/permissions", "/vaults%3Bx/v"),
    ],
)
def test_a_path_that_some_servers_read_as_the_accounts_is_refused(path: str) -> None:
    assert permission_for("GET", path).refused


@pytest.mark.parametrize("path", ["/Organization/users", "/PROJECTS", "/Webhook_Endpoints/x"])
def test_the_case_of_a_path_changes_nothing(path: str) -> None:
    assert permission_for("GET", path) == permission_for("GET", path.lower())
    assert permission_for("GET", path).refused


def test_of_anthropics_paths_a_batch_names_its_models_elsewhere() -> None:
    for path in ("/messages", "/messages/count_tokens"):
        assert permission_for("POST", path) == BY_MODEL
    assert "batch's requests" in permission_for("POST", "/messages/batches").refused
    for method, path in (
        ("POST", "/messages/batches/b_1/cancel"),
        ("DELETE", "/messages/batches/b_1"),
        ("GET", "/messages/batches/b_1/results"),
        ("GET", "/messages/batches"),
    ):
        assert permission_for(method, path) == RUNS_NONE
    assert permission_for("POST", "/messages/x").refused
