"""Requests of any size as bytes, for the benches that count what stays behind.

They are put together from one long text instead of encoded: five megabytes cost a copy.
"""

import math
from random import Random

from bench.contenders import KEY
from gateway.shapes import Shape

LEAST_BYTES = 1_000
MOST_BYTES = 5_000_000

EMBEDDINGS = "/v1/embeddings"
FILES = "/v1/files"

_SENTENCE = b"The quick brown fox jumps over the lazy dog. "
_TEXT = _SENTENCE * (MOST_BYTES // len(_SENTENCE) + 1)
_BOUNDARY = b"bench-boundary-0123456789"
_CHUNK_BYTES = 50_000


def any_size(random: Random) -> int:
    """Return a size from 1 KB to 5 MB; every order of magnitude is as likely as the others."""
    return round(math.exp(random.uniform(math.log(LEAST_BYTES), math.log(MOST_BYTES))))


def generation(
    shape: Shape, model: str, size: int, *, streamed: bool = False, first: bytes = b""
) -> bytes:
    """Return a request of some `size` bytes for generation; its text begins with `first`."""
    text = first + b" " + _TEXT[: max(0, size - 150)]
    limit = b"max_output_tokens" if shape is Shape.RESPONSES else b"max_tokens"
    said = {
        Shape.CHAT: b'"messages":[{"role":"system","content":"Answer briefly."},'
        b'{"role":"user","content":"%b"}]',
        Shape.COMPLETIONS: b'"prompt":"%b"',
        Shape.RESPONSES: b'"input":"%b"',
        Shape.MESSAGES: b'"messages":[{"role":"user","content":"%b"}]',
    }[shape] % text
    stream = b'"stream":true,' if streamed else b""
    return b'{"model":"%b","temperature":0.5,"%b":300,%b%b}' % (
        model.encode(),
        limit,
        stream,
        said,
    )


def embeddings(model: str, size: int, first: bytes = b"") -> bytes:
    """Return a request for embeddings."""
    text = first + b" " + _TEXT[: max(0, size - 100)]
    return b'{"model":"%b","input":"%b"}' % (model.encode(), text)


def form(size: int, first: bytes = b"") -> bytes:
    """Return the form of an upload, whose file begins with `first`."""
    file = first + b"\n" + _TEXT[: max(0, size - 350)]
    return (
        b'--%b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        b'--%b\r\ncontent-disposition: form-data; name="file"; filename="batch.jsonl"\r\n'
        b"content-type: application/jsonl\r\n\r\n%b\r\n--%b--\r\n"
    ) % (_BOUNDARY, _BOUNDARY, file, _BOUNDARY)


def post(path: str, body: bytes, *, chunked: bool = False) -> bytes:
    """Return the whole HTTP request, its body with a declared length or in chunks."""
    kind = "application/json"
    if path.startswith(FILES):
        kind = f"multipart/form-data; boundary={_BOUNDARY.decode()}"
    framing = "transfer-encoding: chunked" if chunked else f"content-length: {len(body)}"
    head = _head("POST", path) + f"content-type: {kind}\r\n{framing}\r\n\r\n".encode()
    return head + (_in_chunks(body) if chunked else body)


def get(path: str) -> bytes:
    """Return a request without a body."""
    return _head("GET", path) + b"\r\n"


def _head(method: str, path: str) -> bytes:
    fields = f"host: 127.0.0.1\r\nauthorization: Bearer {KEY}\r\n"
    return f"{method} {path} HTTP/1.1\r\n{fields}".encode()


def _in_chunks(body: bytes) -> bytes:
    pieces = [body[at : at + _CHUNK_BYTES] for at in range(0, len(body), _CHUNK_BYTES)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
