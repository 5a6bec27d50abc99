"""Pictures and files of OpenAI's endpoints as the sources of messages' blocks.

Anthropic takes pictures of four types and PDF documents as base64 or by URL, and plain texts as
text (`ImageBlockParam`, `DocumentBlockParam` of its SDK).
"""

import base64
import binascii
import re

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context

_IMAGES = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
_PDF = "application/pdf"
_TEXTS = frozenset({"application/json", "application/xml", "application/yaml"})
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[^;,]*)*?)(;base64)?,", re.IGNORECASE)
_PDF_IN_BASE64 = "JVBERi"
"""How every PDF begins (`%PDF-`)."""
_BEGINNINGS = (
    ("image/png", re.compile("iVBORw0KGgo")),
    ("image/jpeg", re.compile("/9j/")),
    ("image/gif", re.compile("R0lGODlh|R0lGODdh")),
    ("image/webp", re.compile("UklGR.{7}RUJQ")),
)
"""How every picture of these types begins, in base64."""


def image_source(url: str, path: str, context: Context) -> Json:
    """Return the source of a picture by its URL, which may be a `data:` URL.

    The type is read from the beginning of the data: OpenAI ignores the type that the URL states,
    and Anthropic refuses one that is not the picture's (home-assistant#167208). Raises
    `UnsupportedParameter` naming `path` for what a messages endpoint does not take.
    """
    found = _DATA_URL.match(url)
    if found is None:
        if url.lower().startswith(("http://", "https://")):
            return {"type": "url", "url": url}
        raise not_taken(path, context, "pictures by http or data URL only")
    kind = (found[1] or "").lower().replace("image/jpg", "image/jpeg")
    begins = (of for of, beginning in _BEGINNINGS if beginning.match(url, found.end()))
    kind = next(begins, kind)
    if kind not in _IMAGES or not found[3]:
        raise not_taken(path, context, "JPEG, PNG, GIF and WebP pictures only, as base64")
    return {"type": "base64", "media_type": kind, "data": url[found.end() :]}


def document_source(data: str, path: str, context: Context) -> Json:
    """Return the source of a document by its `file_data`: a `data:` URL, or base64.

    Raises as `image_source` does.
    """
    found = _DATA_URL.match(data)
    if found is None and data.startswith(_PDF_IN_BASE64):
        return {"type": "base64", "media_type": _PDF, "data": data}
    kind = "" if found is None else (found[1] or "").lower()
    if found is not None and found[3]:
        encoded = data[found.end() :]
        if kind == _PDF:
            return {"type": "base64", "media_type": _PDF, "data": encoded}
        text = _decoded(encoded) if kind.startswith("text/") or kind in _TEXTS else None
        if text is not None:
            return {"type": "text", "media_type": "text/plain", "data": text}
    raise not_taken(path, context, "PDF documents and texts only, as base64")


def _decoded(encoded: str) -> str | None:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def not_taken(path: str, context: Context, taken: str) -> UnsupportedParameter:
    """Return the error for content that a messages endpoint does not take; `taken` is what it does.

    Such content is never dropped: without it the model would answer another question.
    """
    return UnsupportedParameter(
        f"'{path}' is not supported for model '{context.model_asked}': the model is served through "
        f"the messages endpoint, which takes {taken}.",
        param=path,
    )
