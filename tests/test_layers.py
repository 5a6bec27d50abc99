"""Imports go one way (docs/architecture.md); this test reads them from the source."""

import ast
from pathlib import Path

import pytest

import gateway

ROOT = Path(gateway.__file__).parent

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "tcp": set(),
    "shapes": set(),
    "hops": {"errors", "shapes"},
    "replies": {"shapes"},
    "request": {"shapes", "config"},
    "servers": {"shapes", "envelopes"},
    "config": {"errors", "shapes", "servers"},
    "envelopes": {"shapes"},
    "translate": {"errors", "shapes", "servers", "config", "envelopes"},
    "resolve": {"errors", "shapes", "hops", "servers", "config", "envelopes"},
    "upstream": {"errors", "shapes", "hops", "replies", "tcp", "config"},
    "fast": {"errors", "shapes", "config", "envelopes", "translate"},
    "exchange": {
        *("errors", "shapes", "replies", "config", "envelopes", "request", "resolve"),
        *("translate", "fast"),
    },
    "stores": {"config", "shapes", "exchange"},
    "observe": {"errors", "shapes", "config", "exchange"},
    "api": {*("errors", "shapes", "hops", "config", "request", "exchange", "observe", "translate")},
    "server": {"errors", "shapes", "tcp", "config", "request", "exchange", "api"},
    "admin": {"errors", "shapes", "config", "resolve", "exchange", "observe"},
    "demo": {"errors", "shapes", "servers", "config", "server", "app"},
    "tokenizers": {"config", "translate"},
    "logs": {"config"},
    "local_addresses": {"config"},
    "app": {
        *("errors", "shapes", "config", "resolve", "translate", "upstream"),
        *("tokenizers", "stores", "exchange", "observe", "api", "admin"),
    },
    "asgi": {"errors", "shapes", "config", "request", "exchange", "api", "app"},
    "running": {"config", "server", "app"},
    "checking": {"shapes", "config", "resolve", "app"},
    "cli": {
        *("running", "local_addresses", "request"),
        *("errors", "shapes", "servers", "config", "resolve", "translate", "exchange"),
        *("server", "admin", "app", "checking", "demo", "logs"),
    },
    "__main__": {"cli"},
}
ASGI_FOLDERS = {"server", "admin", "demo", "app", "cli"}
NETWORK_FOLDERS = {"upstream", "server", "running", "app", "cli", "demo", "local_addresses"}


def layer_of(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
            if node.module == "gateway":
                modules |= {f"gateway.{alias.name}" for alias in node.names}
    return modules


SOURCES = sorted(p for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py")


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_layer_imports_only_what_lies_below_it(path: Path) -> None:
    layer = layer_of(path)
    below = MAY_IMPORT[layer] | {layer}
    for module in imported_modules(path):
        parts = module.split(".")
        if parts[0] == "gateway" and len(parts) > 1 and parts[1] != "__version__":
            assert parts[1] in below, f"{layer} must not import {module}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_edges_know_frameworks_and_sockets(path: Path) -> None:
    layer = layer_of(path)
    roots = {module.split(".")[0] for module in imported_modules(path)}
    if layer not in ASGI_FOLDERS:
        assert not roots & {"starlette", "uvicorn"}
    if layer not in NETWORK_FOLDERS:
        assert not roots & {"httpx2", "httptools", "socket", "ssl", "http"}
    if layer == "translate":
        assert not roots & {"asyncio", "time", "random", "uuid", "secrets", "os"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_stay_readable_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_built_on_what_is_private_of_a_dependency(path: Path) -> None:
    """uvicorn's protocols have no promise of stability, and private names have none anywhere.

    Private attributes are the linter's (SLF001).
    """
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            assert not name.startswith(("uvicorn.protocols", "uvicorn._")), name
            foreign = not name.startswith(("gateway", "__future__"))
            assert not (foreign and any(part.startswith("_") for part in name.split("."))), name
