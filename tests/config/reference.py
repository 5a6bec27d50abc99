"""The tables of docs/configuration.md, made from the schema.

`python -m tests.config.reference` rewrites them; a test compares them.
"""

import json
import re
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from gateway.config.checks.problems import KeyPath
from gateway.config.schema.configuration import fields_at, key_paths
from gateway.config.translation_settings import TranslationSettings

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"
_TABLE = re.compile(r"(<!-- keys: (?P<section>\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def shown(path: KeyPath) -> str:
    """`("upstreams", "*", "kind")` is `upstreams.NAME.kind`, a list's entry `clients[…]`."""
    return ".".join("NAME" if part == "*" else str(part) for part in path).replace(".0", "[…]")


def documented_keys() -> list[KeyPath]:
    """Every key that is set by itself: no section, no mapping of its own, nothing inherited."""
    overrides = {("models", "*", key) for key in TranslationSettings.__dataclass_fields__}
    containers = {path[:-1] for path in key_paths()} | {path[:-2] for path in key_paths()}
    containers.discard(("models", "*", "template"))
    return [path for path in key_paths() if path not in containers and path not in overrides]


def row(path: KeyPath) -> str:
    """One key's line: name, meaning, default, environment variable."""
    field: FieldInfo = fields_at(path[:-1])[str(path[-1])]
    meaning = (field.description or "").replace("|", "\\|")
    return f"| `{shown(path)}` | {meaning} | {_default(field)} | {_variable(path)} |\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True)
    return f"`{json.dumps(value)}`" if value is not None else "absent"


def _variable(path: KeyPath) -> str:
    if path[0] == "clients":
        return "in `GATEWAY_CLIENTS`"
    parts = ["NAME" if part == "*" else str(part).upper() for part in path]
    return f"`GATEWAY_{'__'.join(parts)}`"


def table(section: str) -> str:
    """The table of the keys in one section."""
    head = "| Key | Meaning | Default | Environment |\n|---|---|---|---|\n"
    rows = [row(path) for path in documented_keys() if f"{shown(path)}.".startswith(f"{section}.")]
    return head + "".join(rows)


def sections(text: str) -> list[str]:
    """The sections that the document has a table for."""
    return [match["section"] for match in _TABLE.finditer(text)]


def rewritten(text: str) -> str:
    """The document with its tables rewritten."""
    return _TABLE.sub(lambda match: match[1] + table(match["section"]) + match[4], text)


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text("utf-8")), "utf-8")
