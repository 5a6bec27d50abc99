"""Multipart forms of restricted clients: read strictly, and rewritten, streaming.

Parsers of forms disagree about nearly everything that is not quite right (quotes, line ends,
`name*=`, repeated fields, bytes before the first boundary). So nothing of a form's framing is
passed on. Only forms as RFC 7578 allows them are read; they are written with a boundary that the
client does not know, and with part heads that no parser misreads. The content of files is passed on
untouched.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from secrets import token_hex

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.unreadable_body import INVALID_JSON
from gateway.exchange.restricted.form_parts import (
    JSON_FIELDS,
    MAX_FIELD_BYTES,
    MAX_HEAD_BYTES,
    FormSource,
    Part,
    odd,
)
from gateway.exchange.restricted.named_models import (
    Place,
    Reading,
    is_naming,
    misspelt,
    normalized,
    place_of,
)

_CONTENT_TYPE = re.compile(
    rb'multipart/form-data((?:[ \t]*;[ \t]*[a-z]+=(?:"[^"\\]+"|[^\s";]+))+)[ \t]*;?\Z',
    re.IGNORECASE,
)
_TYPE_PARAMETER = re.compile(rb';[ \t]*([a-z]+)=(?:"([^"\\]+)"|([^\s";]+))', re.IGNORECASE)
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]\Z")
_FREE_TEXT = frozenset({"prompt", "input", "instructions"})


@dataclass(frozen=True, slots=True)
class Form:
    """A form to be read, and how it is rewritten."""

    boundary: bytes
    own_boundary: bytes

    @property
    def content_type(self) -> bytes:
        """The Content-Type of the form as it is written."""
        return b"multipart/form-data; boundary=" + self.own_boundary


@dataclass(slots=True)
class FieldCheck:
    """Judges a form's fields by what `reading` finds in them."""

    reading: Reading
    is_late: bool = False
    """Whether the form's beginning has been sent on, and with it the model that counts."""
    seen: set[str] = field(default_factory=set)

    def check(self, name: str, value: bytes) -> None:
        """Judge a field other than a file.

        Raises `InvalidRequest` for a model that is named twice, or too late.
        """
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            raise odd(f"its field '{name}' is not UTF-8") from None
        place = place_of(name)
        key = normalized(place[0])
        is_model = key == "model"
        if self.is_late and (is_naming(place[-1], top=True) or key in JSON_FIELDS):
            raise too_late()
        if is_model or key in JSON_FIELDS:
            if name != key or key in self.seen:
                raise misspelt(name, key)
            self.seen.add(key)
        if is_model or text.lstrip()[:1] not in ("{", "[") or name in _FREE_TEXT:
            self.reading.read_parameter(name, text)
            if key in JSON_FIELDS:
                raise odd(f"its field '{name}' is not a JSON object")
        else:
            self._check_json(place, text.strip())

    def _check_json(self, place: Place, text: str) -> None:
        """Judge the names in a field that looks like JSON, which it may do by chance."""
        wrapped = b'{"%b":%b}' % (place[-1].encode(), text.encode())
        try:
            self.reading.json(wrapped, place[:-1])
        except InvalidRequest as error:
            certain = place[0] in JSON_FIELDS or is_naming(place[-1], top=True)
            if certain or error.code != INVALID_JSON:
                raise


def form_of(content_type: bytes) -> Form:
    """Return the form that a Content-Type announces; raises `InvalidRequest` for an odd one."""
    match = _CONTENT_TYPE.match(content_type)
    given: dict[bytes, bytes] = {}
    for name, quoted, token in _TYPE_PARAMETER.findall(match[1]) if match else ():
        if name.lower() in given:
            raise odd(f"its Content-Type has two of '{name.decode()}'")
        given[name.lower()] = quoted or token
    boundary = given.get(b"boundary", b"")
    if not _BOUNDARY.match(boundary) or not given.keys() <= {b"boundary", b"charset"}:
        raise odd("its Content-Type must be `multipart/form-data; boundary=…` and nothing else")
    return Form(boundary, b"form-" + token_hex(16).encode())


async def rewritten(
    form: Form, body: AsyncIterator[bytes], fields: FieldCheck
) -> AsyncGenerator[bytes, None]:
    """Yield the rewritten form; each field is judged before it is yielded.

    Raises `InvalidRequest` for an unusual form, and what `fields` raises.
    """
    source = FormSource(body)
    delimiter = b"\r\n--" + form.boundary
    if await source.starts_with(b"\r\n"):
        del source.buffer[:2]
    if not await source.starts_with(delimiter[2:]):
        raise odd("it must begin with its boundary")
    del source.buffer[: len(delimiter) - 2]
    while await _another(source):
        part = Part.read(await source.until(b"\r\n\r\n", MAX_HEAD_BYTES))
        yield b"--%b\r\n%b" % (form.own_boundary, part.head())
        if part.filename is None:
            value = await source.until(delimiter, MAX_FIELD_BYTES)
            fields.check(part.name, value)
            yield value
        else:
            async for piece in source.pieces(delimiter):
                yield piece
        yield b"\r\n"
    await source.nothing_more()
    yield b"--%b--\r\n" % form.own_boundary


async def _another(source: "FormSource") -> bool:
    """Whether a part follows the boundary that was just read; False: it was the last."""
    if await source.starts_with(b"\r\n"):
        del source.buffer[:2]
        return True
    if await source.starts_with(b"--"):
        del source.buffer[:2]
        return False
    raise odd("its boundary must not be in what it holds, and must end its line")


def too_late() -> InvalidRequest:
    """Return the error for a model that a form names after its files."""
    return InvalidRequest(
        "Put the form field 'model' before the file, where the gateway can read it: your key "
        "is for certain models only.",
        param="model",
    )
