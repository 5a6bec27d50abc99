"""The variables of the environment that set keys, and those that were probably meant to."""

import re
from collections.abc import Iterable, Iterator, Mapping

from gateway.config.checks.problems import KeyPath, Origin, show_key
from gateway.config.checks.suggest import nearest

PREFIX = "GATEWAY_"
SEPARATOR = "__"
CONFIG_VARIABLE = "GATEWAY_CONFIG"
"""Names the configuration file; not a key of the configuration itself."""

_ORIGIN = "environment variable "
_SERVICE = re.compile(r"\w+_SERVICE_(?:HOST|PORT(?:_\w+)?)|\w+_PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?")
_SERVICE_ADDRESS = re.compile(r"(?:tcp|udp|sctp)://")
_OFTEN_ALONE = frozenset({"server", "upstreams"})
_CONFIG_FILE = frozenset({"config_file", "config_path", "config_yaml", "configuration", "conf"})


def own_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the names of variables that may be meant for the gateway, sorted.

    Not those that Kubernetes sets in every container for each Service whose name begins with
    "gateway": `GATEWAY_SERVICE_HOST`, `GATEWAY_PORT_80_TCP_ADDR`, `GATEWAY_PORT=tcp://…`.
    """
    for name in sorted(environ):
        is_service = _SERVICE.fullmatch(name) or _SERVICE_ADDRESS.match(environ[name])
        if name.startswith(PREFIX) and not is_service:
            yield name


def origin_of(name: str) -> Origin:
    """Return where a variable's value was written."""
    return Origin(f"{_ORIGIN}{show_key(name)}")


def better_variable(origin: Origin, keys: Iterable[KeyPath]) -> str:
    """Return `did you mean GATEWAY_…?` for a variable whose parts are wrongly separated, or ''."""
    name = origin.name.removeprefix(_ORIGIN)
    meant = _separated(name.removeprefix(PREFIX).lower(), keys) if name != origin.name else None
    return f"did you mean {_variable(meant)}?" if meant and _variable(meant) != name else ""


def unused_variables(
    environ: Mapping[str, str], sections: Iterable[str], keys: Iterable[KeyPath] = ()
) -> list[str]:
    """Return a sentence for every `GATEWAY_` variable that looks like a key but is not used.

    One may have only the last part of a key of the server or of an upstream: `GATEWAY_PORT`.
    """
    known, paths = frozenset(sections), list(keys)
    alone = {path[-1]: path for path in paths if path[0] in _OFTEN_ALONE}
    found: list[str] = []
    for name in own_variables(environ):
        rest = name.removeprefix(PREFIX).lower()
        if SEPARATOR in rest or rest in known or name == CONFIG_VARIABLE:
            continue
        section, _, key = rest.partition("_")
        meant = nearest(section, known) if key else None
        better = alone.get(rest)
        if meant is not None:
            better = _separated(f"{meant}_{key}", paths) or (meant, key)
        if better or rest in _CONFIG_FILE:
            variable = _variable(better) if better else CONFIG_VARIABLE
            found.append(f"{show_key(name)} is not used; did you mean {variable}?")
    return found


def _separated(written: str, keys: Iterable[KeyPath]) -> KeyPath | None:
    """Return the key that a variable without its prefix may stand for; the most exact one counts.

    One underscore, or two, may stand where two keys meet, and within a key.
    """
    found: list[KeyPath] = []
    for path in keys:
        parts = ("(.+?)" if part == "*" else str(part).replace("_", "_+") for part in path)
        if match := re.fullmatch("_+".join(parts), written):
            names = iter(match.groups())
            found.append(tuple(next(names) if part == "*" else part for part in path))
    return max(found, key=lambda path: (len(path), len(str(path[-1]))), default=None)


def _variable(path: KeyPath) -> str:
    """Return the name of the variable for a key; `NAME` stands for any name in it."""
    parts = ("NAME" if part == "*" else str(part) for part in path)
    return show_key(PREFIX + SEPARATOR.join(parts).upper())
