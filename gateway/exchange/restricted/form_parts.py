"""Reads a multipart form in pieces: finds where parts end, and understands their heads."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from urllib.parse import unquote

from gateway.errors import InvalidRequest
from gateway.exchange.restricted.named_models import is_naming, normalized, place_of

MAX_HEAD_BYTES = 8 * 1024
MAX_FIELD_BYTES = 1024 * 1024
"""The size limit of a field that is no file, since such a field is held to be read."""

JSON_FIELDS = frozenset({"session"})
"""Fields that servers read as JSON, with a model in it (OpenAI's /realtime/calls)."""

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\r\n\0]*)\Z")
_FORM_DATA = re.compile(
    r'form-data((?:[ \t]*;[ \t]*[a-z*]+=(?:"(?:[^"\\]|\\.)*"|[^\s";]+))*)\Z', re.IGNORECASE
)
_PARAMETER = re.compile(r';[ \t]*([a-z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";]+))', re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_.\[\]-]{1,200}\Z")
_UTF8_NAME = re.compile(r"utf-8'[A-Za-z-]*'(.+)\Z", re.IGNORECASE)
_MEDIA_TYPE = re.compile(
    r"([!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+)(;[ -~]*)?\Z", re.IGNORECASE
)
_CHARSET = re.compile(r"charset=\"?([^\s\";]+)", re.IGNORECASE)
_UNSAFE_IN_A_FILENAME = re.compile(r'["\\\x00-\x1f\x7f]')


def odd(reason: str) -> InvalidRequest:
    """Return the error for a form that parsers could read differently."""
    return InvalidRequest(
        f"The form cannot be read unambiguously: {reason}. Your key is for certain models only, so "
        "it must be ordinary multipart/form-data (RFC 7578), as common HTTP clients make it.",
        code="invalid_form",
    )


@dataclass(frozen=True, slots=True)
class Part:
    """The head of a part, as it was understood."""

    name: str
    filename: str | None
    content_type: str

    @classmethod
    def read(cls, head: bytes) -> "Part":
        """Understand the bytes of a head; raises `InvalidRequest` for an unusual one."""
        given: dict[str, str] = {}
        for line in head.split(b"\r\n"):
            match = _LINE.match(line)
            if match is None:
                raise odd("a part's head has a line that is not `Name: value`")
            try:
                name, value = match[1].decode("ascii").lower(), match[2].strip().decode("utf-8")
            except UnicodeDecodeError:
                raise odd("a part's head is not UTF-8") from None
            if name in given:
                raise odd(f"a part has {name} twice")
            given[name] = value
        if given.get("content-transfer-encoding", "binary").lower() not in {
            *("binary", "7bit", "8bit")
        }:
            raise odd("a part has a Content-Transfer-Encoding")
        name, filename = _disposition(given.get("content-disposition", ""))
        kind = _part_type(given.get("content-type", ""), is_file=filename is not None)
        return cls(name, filename, kind)

    def head(self) -> bytes:
        """Return the rewritten head, with the line that ends it."""
        lines = f'Content-Disposition: form-data; name="{self.name}"'
        if self.filename is not None:
            lines += f'; filename="{self.filename}"'
        if self.content_type:
            lines += f"\r\nContent-Type: {self.content_type}"
        return f"{lines}\r\n\r\n".encode()


def _disposition(value: str) -> tuple[str, str | None]:
    """Return the name and the file name of a Content-Disposition."""
    match = _FORM_DATA.match(value)
    if match is None:
        raise odd('a part\'s Content-Disposition is not `form-data; name="…"`')
    given: dict[str, str] = {}
    for key, quoted, token in _PARAMETER.findall(match[1]):
        if key.lower() in given or key.lower() not in {"name", "filename", "filename*"}:
            raise odd(f"a part's Content-Disposition has an odd or repeated '{key[:20]}'")
        given[key.lower()] = token or re.sub(r"\\(.)", r"\1", quoted)
    name = given.get("name", "")
    if not _NAME.match(name) or not place_of(name) or name == "_charset_":
        raise odd(f"a field may not be called {name[:100]!r}")
    filename = given.get("filename")
    if "filename*" in given and filename is None:
        extended = _UTF8_NAME.match(given["filename*"])
        if extended is None:
            raise odd("a part's filename* is not in UTF-8")
        filename = unquote(extended[1])
    if filename is None:
        return name, None
    if is_naming(place_of(name)[-1], top=True) or normalized(place_of(name)[0]) in JSON_FIELDS:
        raise odd(f"the field '{name}' must not be a file")
    return name, _UNSAFE_IN_A_FILENAME.sub("_", filename)


def _part_type(value: str, *, is_file: bool) -> str:
    """Return the Content-Type to write for a part; empty for text."""
    match = _MEDIA_TYPE.match(value) if value else None
    if value and match is None:
        raise odd("a part's Content-Type is not a media type")
    media = match[1].lower() if match else ""
    if media.startswith(("multipart/", "message/")):
        raise odd("a part holds another form")
    charset = _CHARSET.search(value)
    if not is_file and charset and charset[1].lower() not in {"utf-8", "utf8", "us-ascii", "ascii"}:
        raise odd("a field is not in UTF-8")
    if is_file:
        return value
    return media if media.endswith("json") else ""


class FormSource:
    """The body of a form, read up to one mark after another."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self.buffer = bytearray()

    async def _more(self) -> None:
        """Read on; raises `InvalidRequest` at the body's end."""
        try:
            self.buffer += await anext(self._body)
        except StopAsyncIteration:
            raise odd("it ends before its last boundary") from None

    async def starts_with(self, mark: bytes) -> bool:
        """Whether a mark comes next, which is not taken."""
        while len(self.buffer) < len(mark) and mark.startswith(self.buffer):
            await self._more()
        return self.buffer.startswith(mark)

    async def until(self, mark: bytes, limit: int) -> bytes:
        """Take the bytes up to a mark, and the mark; return the bytes."""
        searched = 0
        while (end := self.buffer.find(mark, searched)) < 0:
            if len(self.buffer) > limit + len(mark):
                raise odd(f"a part's head, or a field that holds no file, exceeds {limit} bytes")
            searched = max(0, len(self.buffer) - len(mark) + 1)
            await self._more()
        if end > limit:
            raise odd(f"a part's head, or a field that holds no file, exceeds {limit} bytes")
        taken = bytes(self.buffer[:end])
        del self.buffer[: end + len(mark)]
        return taken

    async def pieces(self, mark: bytes) -> AsyncGenerator[bytes, None]:
        """Take the bytes up to a mark, and the mark; yield the bytes piece by piece."""
        while (end := self.buffer.find(mark)) < 0:
            ready = len(self.buffer) - len(mark) + 1
            if ready > 0:
                yield bytes(self.buffer[:ready])
                del self.buffer[:ready]
            await self._more()
        if end:
            yield bytes(self.buffer[:end])
        del self.buffer[: end + len(mark)]

    async def nothing_more(self) -> None:
        """Read to the end; raises `InvalidRequest` if more than a line's end follows."""
        while True:
            if self.buffer.strip(b" \t\r\n") or len(self.buffer) > MAX_HEAD_BYTES:
                raise odd("something follows its last boundary")
            try:
                self.buffer += await anext(self._body)
            except StopAsyncIteration:
                return
