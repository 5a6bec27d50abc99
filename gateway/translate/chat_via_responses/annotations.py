"""Citations: flat in responses, nested in chat."""

from gateway.shapes import Json


def chat_annotation(annotation: object, offset: int) -> Json | None:
    """Return a citation as chat has it, moved by `offset` characters; None if chat has no such one.

    In responses positions count from the start of the content part, in chat from that of the
    whole message. Chat knows web citations only: files are not cited there.
    """
    if not isinstance(annotation, dict) or annotation.get("type") != "url_citation":
        return None
    start, end = annotation.get("start_index"), annotation.get("end_index")
    url, title = annotation.get("url"), annotation.get("title")
    if type(start) is not int or type(end) is not int or not isinstance(url, str):
        return None
    return {
        "type": "url_citation",
        "url_citation": {
            "start_index": start + offset,
            "end_index": end + offset,
            "url": url,
            "title": title if isinstance(title, str) else "",
        },
    }
