"""The files that a configuration is made of: itself, secrets, templates, CA bundles."""

import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from gateway.config.checks.problems import InvalidValue

MAX_SECRET_BYTES = 64 * 1024
"""Limit of a file that holds one value."""

_WHERE_FILES_ARE = (
    "check the path, which starts at the configuration's folder, and that the gateway may read it"
)
_SHOWN = 200

Stamp = tuple[int, ...] | None
"""What changes with a file: its device, number, size and time. None: it cannot be read."""


def why_unreadable(
    name: str, error: OSError | ValueError, no_path: str = "bad path"
) -> tuple[str, str]:
    """Return why the file of this name cannot be read, and what to do about that.

    `no_path` is the reason where no file can have the name.
    """
    if not name:
        return "its path is empty", "write one, or remove the key"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else no_path
    if name.startswith("~"):
        return reason, "write the whole path: ~ does not stand for a home folder here"
    return reason, _WHERE_FILES_ARE


class Files:
    """Reads files, and remembers which ones: to be watched, and compared.

    Relative paths start at `folder`.
    """

    def __init__(self, folder: Path = Path()) -> None:
        self.folder = folder
        self._digests: dict[Path, bytes] = {}
        self._stamps: dict[Path, Stamp] = {}

    @property
    def as_read(self) -> Mapping[Path, Stamp]:
        """All files of the configuration, as they were when they were read."""
        return self._stamps

    def on_disk(self) -> Mapping[Path, Stamp]:
        """Return the same files as they are now."""
        return {path: _stamp(path) for path in self._stamps}

    def note(self, path: Path) -> None:
        """Note a file that is read elsewhere."""
        self._stamps[path] = _stamp(path)

    @property
    def digest(self) -> str:
        """A hash of all contents: equal if the same was read."""
        whole = hashlib.sha256()
        for path in sorted(self._digests):
            whole.update(b"%b\0%b" % (str(path).encode("utf-8", "replace"), self._digests[path]))
        return whole.hexdigest()

    def digest_of(self, path: str) -> bytes:
        """Return a hash of one file's content; empty if it was not read."""
        return self._digests.get(Path(path), b"")

    def content(self, path: Path, limit: int, *, once: bool = False) -> bytes:
        """Return a file's first bytes, one more than `limit` at most.

        Without `once` it is read again, by reloads and health checks: then a pipe is refused, as
        that would wait until somebody writes to it.
        Raises `OSError`, or `ValueError` for a path that no file can have.
        """
        self._digests[path] = b""
        self.note(path)
        if stat.S_ISFIFO(path.stat().st_mode) and not once:
            raise OSError(errno.EINVAL, "Is a pipe")
        with path.open("rb") as file:
            content = file.read(limit + 1)
        self._digests[path] = hashlib.sha256(content).digest()
        return content

    def value(self, name: str) -> str:
        """Return the text of a file that holds one value, without the line break at its end.

        Raises `InvalidValue`, which names the file and shows nothing of its content.
        """
        shown = "".join(c if c.isprintable() else "?" for c in name[:_SHOWN]) or "''"
        try:
            content = self.content(self.folder / name, MAX_SECRET_BYTES)
        except (OSError, ValueError) as error:
            reason, advice = why_unreadable(name, error)
            raise InvalidValue(f"the file {shown} cannot be read: {reason}", advice) from None
        if len(content) > MAX_SECRET_BYTES:
            raise InvalidValue(f"the file {shown} is larger than {MAX_SECRET_BYTES} bytes")
        try:
            return content.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise InvalidValue(f"the file {shown} is not UTF-8", "save the file in UTF-8") from None


def _stamp(path: Path) -> Stamp:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
