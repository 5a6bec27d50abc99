"""Pictures in replies of chat endpoints, for which OpenAI's description has no field.

OpenRouter, LiteLLM and others give them as `images` of a message or a delta; Mistral, vLLM's
multimodal models and relays of Gemini as parts of the content.
"""

from gateway.shapes import Json
from gateway.translate.parts.content.texts import other_parts

_PARTS = frozenset({"image", "image_url", "input_image", "output_image"})


def images_of(message: Json) -> list[Json]:
    """Return the pictures of a message or a delta, each in OpenRouter's form.

    That is `{"type": "image_url", "image_url": {"url": …}}`; the URL is `http(s):` or `data:`.
    """
    given, content = message.get("images"), message.get("content")
    found = list(given) if isinstance(given, list) else []
    if isinstance(content, list):
        found += [part for part in content if isinstance(part, dict) and _is_image(part)]
    urls = [url for each in found if (url := _url(each)) is not None]
    return [image(url) for url in urls]


def unknown_parts(message: Json) -> list[Json]:
    """Return the parts of a message's content that are neither text nor a picture."""
    content = message.get("content")
    given = other_parts(content) if isinstance(content, list) else []
    return [part for part in given if not (_is_image(part) and _url(part))]


def image(url: str) -> Json:
    """Return a picture as an entry of a chat message's `images`."""
    return {"type": "image_url", "image_url": {"url": url}}


def url_of(entry: Json) -> str:
    """Return the URL of an entry that `images_of` gave."""
    url: str = entry["image_url"]["url"]
    return url


def generated(url: str) -> Json:
    """Return the fields of an `image_generation_call` that hold the picture.

    Another URL than a `data:` URL is in `image_url`, a field that OpenAI does not have.
    """
    head, comma, data = url.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        return {"result": None, "image_url": url}
    kind = head.removeprefix("data:image/").removesuffix(";base64")
    return {"result": data, **({"output_format": kind} if kind.isalnum() else {})}


def data_url(base64: str, output_format: object = None) -> str:
    """Return the `data:` URL of a picture; `output_format` is `png`, `webp` or `jpeg`."""
    kind = output_format if isinstance(output_format, str) and output_format.isalnum() else "png"
    return f"data:image/{kind};base64,{base64}"


def _is_image(part: Json) -> bool:
    kind = part.get("type")
    return isinstance(kind, str) and kind in _PARTS


def _url(entry: object) -> str | None:
    if isinstance(entry, str):
        return entry or None
    if not isinstance(entry, dict):
        return None
    for name in ("image_url", "url", "image", "source"):
        inner = entry.get(name)
        found = _url(inner) if isinstance(inner, str | dict) else None
        if found is not None:
            return found
    for name in ("b64_json", "data", "base64"):
        raw = entry.get(name)
        if isinstance(raw, str) and raw:
            return data_url(raw, _format(entry))
    return None


def _format(entry: Json) -> str | None:
    for name in ("mime_type", "media_type", "mimeType"):
        kind = entry.get(name)
        if isinstance(kind, str):
            return kind.rpartition("/")[2]
    return None
