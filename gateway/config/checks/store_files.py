"""Whether the SQLite files of the settings can be used, without opening or creating any."""

import os
from collections.abc import Iterator
from pathlib import Path

from gateway.config.checks.problems import InvalidValue, KeyPath
from gateway.config.settings import Settings
from gateway.config.store_settings import SQLITE

_FIRST_BYTES = b"SQLite format 3\x00"


def unusable_files(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    """Yield why a file that the settings name cannot be used, as far as that can be seen."""
    for place, url in (
        (("memory", "url"), settings.memory.url),
        (("responses", "store"), settings.responses.store or ""),
    ):
        if url.startswith(SQLITE):
            reason = _reason(Path(url.removeprefix(SQLITE)))
            if reason is not None:
                yield (
                    place,
                    InvalidValue(
                        f"names an SQLite file that cannot be used: {reason}",
                        "name another one, in a folder that exists and can be written to",
                    ),
                )


def _reason(path: Path) -> str | None:
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return f"its folder {path.parent} cannot be written to"
    if not path.exists():
        return None
    if not path.is_file():
        return "it is not a file"
    if not os.access(path, os.R_OK | os.W_OK):
        return "it cannot be read and written"
    with path.open("rb") as file:
        begin = file.read(len(_FIRST_BYTES))
    return None if begin in (b"", _FIRST_BYTES) else "it is not a database"
