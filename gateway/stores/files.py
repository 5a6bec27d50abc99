"""Whether the SQLite files of the settings can be used, without opening or creating any."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gateway.config.settings import Settings

_SCHEME = "sqlite:///"
_FIRST_BYTES = b"SQLite format 3\x00"


def unusable_files(settings: Settings) -> Iterator[str]:
    """Yield why a file that the settings name cannot be used, as far as that can be seen."""
    for setting, url in (
        ("memory.url", settings.memory.url),
        ("responses.store", settings.responses.store or ""),
    ):
        if url.startswith(_SCHEME):
            reason = _reason(Path(url.removeprefix(_SCHEME)))
            if reason is not None:
                yield (
                    f"{setting}: its SQLite file cannot be used: {reason}; name another one, in a "
                    "folder that exists and can be written to"
                )


def without_files(settings: Settings) -> Settings:
    """Return settings for what serves nobody: stores in memory instead of files."""
    memory, responses = settings.memory, settings.responses
    if memory.url.startswith(_SCHEME):
        memory = replace(memory, url="memory://")
    if (responses.store or "").startswith(_SCHEME):
        responses = replace(responses, store="memory://")
    return replace(settings, memory=memory, responses=responses)


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
    return None if begin in (b"", _FIRST_BYTES) else "file is not a database"
