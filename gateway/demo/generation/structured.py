"""A value that satisfies a JSON Schema: for tool arguments and structured outputs."""

import re
from typing import Any

_DEEPEST = 12


def example(schema: Any, text: str, root: Any = None, depth: int = 0) -> Any:
    """Return a small value of `schema`; strings say `text`.

    Understands the keywords of OpenAI's structured outputs: `type`, `properties`, `items`, `enum`,
    `const`, `anyOf` and local `$ref`. Below twelve levels objects and arrays stay empty, so that
    recursive schemas end.
    """
    root = schema if root is None else root
    if not isinstance(schema, dict):
        return text
    if "$ref" in schema:
        found = _resolved(schema["$ref"], root)
        return None if depth > _DEEPEST else example(found, text, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    variants = schema.get("anyOf")
    if isinstance(variants, list) and variants:
        chosen = variants[0 if depth <= _DEEPEST else -1]
        return None if depth > 2 * _DEEPEST else example(chosen, text, root, depth + 1)
    return _of_type(schema, text, root, depth)


def _of_type(schema: dict[str, Any], text: str, root: Any, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0] if kind else "string"
    members = schema.get("properties")
    if kind == "object":
        if not isinstance(members, dict) or depth > _DEEPEST:
            return {}
        return {name: example(member, text, root, depth + 1) for name, member in members.items()}
    if kind == "array":
        deep = depth > _DEEPEST or "items" not in schema
        return [] if deep else [example(schema["items"], text, root, depth + 1)]
    return {"integer": 1, "number": 1.5, "boolean": True, "null": None}.get(str(kind), text)


def _resolved(reference: object, root: Any) -> Any:
    found = root
    for part in re.findall(r"/([^/]+)", str(reference)):
        found = found.get(part, {}) if isinstance(found, dict) else {}
    return found
