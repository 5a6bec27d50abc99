"""Problems of a configuration, each with file, line, key and advice.

No message contains a configured value: it may be a secret, or contain one (`${OPENAI_API_KEY}`),
even at a key that should not have one.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""The place of a value: `("clients", 0, "name")`."""

_SECRET_KEYS = frozenset({"api_key", "token", "proxy", "key_sha256"})
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_LOOKS_SECRET = re.compile(
    r"(?:(?:sk|pk|rk|gsk|xai|hf|ghp|github_pat|fw)[-_]|AIza)[-_0-9A-Za-z]{8,}\Z"
)
_LONGEST_KEY = 80


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written: a file and line, an environment variable, the command line."""

    name: str
    line: int | None = None

    def __str__(self) -> str:
        return self.name if self.line is None else f"{self.name}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where it is written, and what to do about it."""

    origin: Origin
    key: str
    """The key as `show_path` writes it; empty for a problem of the whole file."""
    message: str
    advice: str = ""

    def __str__(self) -> str:
        place = f"{self.origin}: {self.key}" if self.key else str(self.origin)
        return f"{place}: {self.message}" + (f"; {self.advice}" if self.advice else "")


class InvalidValue(ValueError):
    """A value that a check refuses: `message` completes "server.port …", `advice` says what to do.

    A `ValueError`, so that pydantic collects it with the place where it was raised.
    """

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


def missing_extra(name: str) -> InvalidValue:
    """Return the problem of a value that needs one of this package's extras."""
    return InvalidValue(
        f"needs the extra {name}, which is not installed",
        f"pip install 'endpoint-gateway[{name}]'",
    )


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, whose `plural` has an s after it unless given."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def alternatives(options: Sequence[str]) -> str:
    """Return words as a choice: `a, b or c`."""
    return " or ".join(part for part in (", ".join(options[:-1]), options[-1]) if part)


class ConfigError(Exception):
    """An unusable configuration, with all its `problems`.

    For the operator who starts the gateway; clients never see one.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        title = f"{counted(len(self.problems), 'problem')} in the configuration:"
        super().__init__("\n".join([title, *(f"  {problem}" for problem in self.problems)]))

    def __reduce__(self) -> tuple[type["ConfigError"], tuple[tuple[Problem, ...]]]:
        """Return the constructor and arguments for a copy in another process."""
        return ConfigError, (self.problems,)


def show_path(path: KeyPath) -> str:
    """Format a key path: `clients[0].name`, `models["gpt-4.1"].endpoint`.

    Parts below a secret's key are left out, and keys that look like secrets are masked.
    """
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        elif _BARE_KEY.match(part):
            shown += ("." if shown else "") + show_key(part)
        else:
            shown += f'["{show_key(part)}"]'
        if part in _SECRET_KEYS:
            break
    return shown


def show_key(key: str) -> str:
    """Return one key in printable ASCII, shortened, and masked if it looks like a secret."""
    if _LOOKS_SECRET.match(key):
        return key[:3] + "***"
    text = "".join(c if c.isprintable() else "?" for c in key[:_LONGEST_KEY])
    text = text.encode("ascii", "backslashreplace").decode("ascii")
    return text + ("..." if len(key) > _LONGEST_KEY else "")
