"""Reads web pages that stand in the place of an error: of proxies, balancers and frameworks."""

import re

MAX_CHARACTERS = 8 * 1024
"""How much of a page is read."""
_TITLE = re.compile(r"<title>([^<]{0,200})</title>", re.IGNORECASE)
_HEAD_ENDS = re.compile(r"</head>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,1000}>")


def is_page(text: str) -> bool:
    """Whether a text is markup."""
    return text.startswith("<")


def title_of(page: str) -> str:
    """Return the title of a page in one line; empty: it has none."""
    title = _TITLE.search(page[:MAX_CHARACTERS])
    return _in_one_line(title[1]) if title is not None else ""


def text_of(page: str) -> str:
    """Return the text that a page shows, in one line."""
    body = _HEAD_ENDS.split(page[:MAX_CHARACTERS], maxsplit=1)[-1]
    return _in_one_line(_TAG.sub(" ", body))


def _in_one_line(text: str) -> str:
    # It takes memory for the names of all characters, and few gateways see such pages.
    import html

    return " ".join(html.unescape(text).split())
