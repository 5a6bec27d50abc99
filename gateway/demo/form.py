"""multipart/form-data bodies: fields are kept; files are counted and hashed, but not kept."""

import hashlib
from dataclasses import dataclass, field

from gateway.demo.multipart import MultipartReader, PartData, PartStart, malformed
from gateway.demo.refusals.parameters import missing_parameter

_LARGEST_FIELD = 64 * 1024
_MOST_PARTS = 200


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file of a form: its name, its size in bytes, and the SHA-256 of its content (hex)."""

    filename: str
    size: int
    sha256: str


@dataclass(slots=True)
class Form:
    """A form: fields and files by name, each in order of arrival."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[ReceivedFile]] = field(default_factory=dict)

    def text(self, name: str, default: str) -> str:
        """Return the last field of a name, or `default`."""
        return self.fields.get(name, [default])[-1]

    def required_text(self, name: str) -> str:
        """Return the last field of a name; raises `Refused` if there is none."""
        if name not in self.fields:
            raise missing_parameter(name)
        return self.fields[name][-1]

    def required_file(self, name: str) -> ReceivedFile:
        """Return the last file of a name; raises `Refused` if there is none."""
        if name not in self.files:
            raise missing_parameter(name)
        return self.files[name][-1]


class FormReader:
    """Reads a form from the chunks of a body. A part is a file if it has a file name.

    `always_files` names the parts that are files even without one. Raises `Refused` for a body
    that is not a form, or has too many parts or too long fields.
    """

    def __init__(self, content_type: str, always_files: frozenset[str]) -> None:
        self._parts = MultipartReader(content_type)
        self._always_files = always_files
        self._form = Form()
        self._count = 0
        self._name = ""
        self._filename: str | None = None
        self._text = bytearray()
        self._size = 0
        self._digest = hashlib.sha256()

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the body."""
        for event in self._parts.feed(chunk):
            if isinstance(event, PartStart):
                self._begin(event)
            else:
                self._take(event)

    def finish(self) -> Form:
        """Return the form; the body has ended."""
        self._parts.finish()
        self._end_part()
        return self._form

    def _begin(self, start: PartStart) -> None:
        self._end_part()
        self._count += 1
        if self._count > _MOST_PARTS:
            raise malformed(f"more than {_MOST_PARTS} parts")
        self._name, self._filename = start.name, start.filename
        if start.filename is None and start.name in self._always_files:
            self._filename = "upload"
        self._text.clear()
        self._size, self._digest = 0, hashlib.sha256()

    def _take(self, piece: PartData) -> None:
        if self._filename is not None:
            self._size += len(piece.data)
            self._digest.update(piece.data)
            return
        self._text += piece.data
        if len(self._text) > _LARGEST_FIELD:
            raise malformed(f"the field '{self._name}' is too long")

    def _end_part(self) -> None:
        if not self._count:
            return
        if self._filename is None:
            text = self._text.decode(errors="replace")
            self._form.fields.setdefault(self._name, []).append(text)
        else:
            file = ReceivedFile(self._filename, self._size, self._digest.hexdigest())
            self._form.files.setdefault(self._name, []).append(file)
