"""Fields that a request should not have, by the entries of ajv, a validator in JavaScript.

ajv's text does not say which field it is about ("must NOT have additional properties"). Its entries
do, and some servers pass them on. Sources: ajv's `ErrorObject`, and express-openapi-validator's own
entries.
"""

import re
from typing import Final

_LISTS: Final = ("errors", "validation", "details", "issues", "validationErrors")
"""Where servers have the entries, beside the message or below `error`."""
_KEYWORDS: Final = ("additionalProperties", "unevaluatedProperties")
_NAMES: Final = ("additionalProperty", "unevaluatedProperty")
_OF_OPENAPI: Final = tuple(f"{keyword}.openapi.validation" for keyword in _KEYWORDS)
_INDEX: Final = re.compile(r"\.(\d{1,6})(?=[.\[]|\Z)")
_MOST: Final = 100
"""How many entries are read."""


def unknown_properties(body: object) -> tuple[str, ...]:
    """Return the paths of the unknown fields, if all entries in a body are about such fields."""
    if not isinstance(body, dict):
        return ()
    lists = [body.get(name) for name in _LISTS]
    entries = next((each for each in lists if isinstance(each, list) and each), None)
    if entries is None:
        return unknown_properties(body.get("error"))
    paths = [_path_in(entry) for entry in entries[:_MOST]]
    return () if None in paths else tuple(dict.fromkeys(filter(None, paths)))


def _path_in(entry: object) -> str | None:
    """Return the path of the unknown field that an entry is about; None: it is about none."""
    if not isinstance(entry, dict):
        return None
    params = entry.get("params")
    if entry.get("keyword") in _KEYWORDS and isinstance(params, dict):
        name = next((params[key] for key in _NAMES if isinstance(params.get(key), str)), None)
        place = entry.get("instancePath", entry.get("dataPath"))
        return None if name is None else _joined(place, name)
    if entry.get("errorCode") in _OF_OPENAPI and isinstance(entry.get("path"), str):
        # The field is the last step of it.
        return _joined(entry["path"], "") or None
    return None


def _joined(place: object, name: str) -> str:
    """Return a path with brackets for one with slashes, or with dots, as older ajv writes it."""
    steps = str(place or "").removeprefix("/body").replace("/", ".").strip(".")
    return with_brackets(".".join(filter(None, (steps, name))))


def with_brackets(path: str) -> str:
    """Return a path with its indexes in brackets, `messages[0].name`, where they follow dots."""
    return _INDEX.sub(r"[\1]", path)
