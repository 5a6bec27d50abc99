"""`${VAR}`, `${VAR:-default}` and `${file:PATH}` in the strings of a configuration file.

As in a shell, `:-` gives the default of a variable that is unset or empty. `$${` is a literal
`${`; a dollar sign before anything else is literal. A default or a path ends at the first `}`.
"""

import re
from collections.abc import Callable, Mapping

from gateway.config.checks.problems import InvalidValue

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<inside>[^}]*)(?P<end>\}?)")
_INSIDE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<given>:-(?P<default>.*))?\Z", re.DOTALL)
_FILE = re.compile(r"file:(?P<path>.+)\Z", re.DOTALL)
_LITERAL = "write $${ for a literal ${"


def expand(text: str, environ: Mapping[str, str], value_in: Callable[[str], str]) -> str:
    """Return `text` with every reference replaced; `value_in` reads a file, see `Files.value`.

    Raises `InvalidValue`, naming the variable or file but no value, for an unset variable without
    a default, an unreadable file, and a reference that cannot be read.
    """
    return _REFERENCE.sub(lambda match: _replacement(match, environ, value_in), text)


def _replacement(
    match: re.Match[str], environ: Mapping[str, str], value_in: Callable[[str], str]
) -> str:
    inside = match["inside"]
    if inside is None:
        return "${"
    if not match["end"]:
        raise InvalidValue("has a ${ without its }", _LITERAL)
    file = _FILE.match(inside)
    if file is not None:
        return value_in(file["path"])
    parsed = _INSIDE.match(inside)
    if parsed is None:
        raise InvalidValue(
            "has a ${…} that is not ${VAR}, ${VAR:-default} or ${file:PATH}", _LITERAL
        )
    name, default = parsed["name"], parsed["default"]
    if default is None:
        if name not in environ:
            raise InvalidValue(
                f"the environment variable {name} is not set",
                f"set it, or write ${{{name}:-default}}",
            )
        return environ[name]
    if "${" in default:
        raise InvalidValue(f"the default of {name} has a ${{ inside", "references do not nest")
    return environ.get(name) or default
