"""Imports go one way (docs/architecture.md); this test reads them from the source."""

import ast

from tests.modules import Module, modules

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "frames": set(),
    "ip_addresses": set(),
    "lazy": set(),
    "sockets": {"frames", "shapes"},
    "system": {"ip_addresses"},
    "texts": set(),
    "log_interval": set(),
    "shapes": set(),
    "hops": {"errors", "shapes"},
    "safe_path": {"errors"},
    "headers": {"hops"},
    "replies": {"shapes"},
    "request": {"errors", "shapes", "config"},
    "request_ids": {"shapes"},
    "servers": {"shapes", "envelopes"},
    "config": {"errors", "shapes", "headers", "servers", "safe_path", "ip_addresses"},
    "certificates": {"config"},
    "envelopes": {"shapes"},
    "translate": {"errors", "shapes", "servers", "config", "envelopes", "texts", "lazy"},
    "resolve": {
        *("errors", "shapes", "headers", "hops", "servers", "config", "envelopes", "texts"),
    },
    "upstream": {
        *("errors", "shapes", "headers", "hops", "replies", "request_ids", "config"),
        *("frames", "sockets", "safe_path", "system", "certificates", "lazy", "ip_addresses"),
    },
    "fast": {"errors", "shapes", "lazy", "config", "envelopes", "translate", "texts"},
    "exchange": {
        *("errors", "shapes", "headers", "replies", "servers", "config", "envelopes"),
        *("request", "request_ids", "lazy", "resolve", "translate", "fast", "frames"),
        *("sockets", "texts"),
    },
    "stores": {"config", "shapes", "resolve", "exchange", "log_interval"},
    "observe": {"errors", "shapes", "config", "resolve", "exchange", "sockets", "log_interval"},
    "api": {
        *("errors", "shapes", "headers", "hops", "lazy", "config", "request", "exchange"),
        *("observe", "request_ids", "translate", "sockets", "safe_path", "system"),
    },
    "server": {
        *("errors", "shapes", "headers", "system", "certificates", "config", "request"),
        *("request_ids", "exchange", "api", "frames", "sockets", "log_interval"),
    },
    "admin": {
        *("errors", "shapes", "headers", "config", "resolve", "exchange", "observe"),
        *("translate", "server", "servers", "request", "lazy", "ip_addresses"),
    },
    "demo": {"errors", "shapes", "servers", "config", "server", "app"},
    "tokenizers": {"config", "translate"},
    "app": {
        *("errors", "shapes", "config", "resolve", "translate", "upstream"),
        *("tokenizers", "stores", "exchange", "observe", "api", "server", "admin"),
    },
    "asgi": {
        *("errors", "shapes", "headers", "config", "checks", "request", "request_ids"),
        *("exchange", "api", "app", "frames", "sockets"),
    },
    "lifecycle": {"config", "certificates", "system", "observe", "server", "app"},
    "checks": {
        *("errors", "shapes", "headers", "servers", "config", "certificates", "envelopes"),
        *("translate", "resolve", "exchange", "tokenizers", "app", "ip_addresses"),
    },
    "cli": {
        *("errors", "shapes", "servers", "config", "resolve", "translate", "exchange"),
        *("request", "server", "admin", "app", "checks", "lifecycle", "demo", "stores"),
    },
    "__main__": {"cli"},
}
ASGI_FOLDERS = {"server", "admin", "demo", "app", "cli"}
NETWORK_FOLDERS = {
    *("upstream", "server", "lifecycle", "app", "cli", "demo", "system", "checks", "certificates"),
}


def sources() -> list[Module]:
    return [module for module in modules() if module.name != "__init__.py"]


def test_a_layer_imports_only_what_lies_below_it() -> None:
    wrong = []
    for module in sources():
        below = MAY_IMPORT[module.layer] | {module.layer}
        for imported in module.imports:
            parts = imported.split(".")
            if parts[0] == "gateway" and len(parts) > 1 and parts[1] != "__version__":
                wrong += [] if parts[1] in below else [f"{module.name} must not import {imported}"]
    assert wrong == []


def test_only_the_edges_know_frameworks_and_sockets() -> None:
    wrong = {}
    for module in sources():
        banned = set()
        if module.layer not in ASGI_FOLDERS:
            banned |= {"starlette", "uvicorn"}
        if module.layer not in NETWORK_FOLDERS:
            banned |= {"httpcore2", "httptools", "socket", "ssl", "http"}
        if module.layer != "stores":
            banned |= {"redis", "sqlite3"}
        if module.layer == "translate":
            banned |= {"asyncio", "time", "random", "uuid", "secrets", "os"}
        if found := banned & {imported.split(".")[0] for imported in module.imports}:
            wrong[module.name] = found
    assert wrong == {}


def test_nothing_is_built_on_what_is_private_of_a_dependency() -> None:
    """uvicorn's protocols have no promise of stability, and private names have none anywhere.

    Private attributes are the linter's (SLF001), those of base classes `test_private_names.py`'s.
    """
    wrong = []
    for module in sources():
        names: list[str] = []
        for node in module.nodes:
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names += [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            foreign = not name.startswith(("gateway", "__future__"))
            private = foreign and any(part.startswith("_") for part in name.split("."))
            if private or name.startswith(("uvicorn.protocols", "uvicorn._")):
                wrong.append(f"{module.name} imports {name}")
    assert wrong == []
