"""The text in the arguments of a custom tool's stand-in, if these are not JSON.

A custom tool is sent as a function whose arguments should be `{"input": "…"}`. A token limit can
end them anywhere, and models forget to escape line breaks. The client has declared no such wrapper,
and does not get one.
"""

import json
import re

from gateway.envelopes.upstream_json import whole_characters

_KEY = "input"
_BEFORE_VALUE = re.compile(
    r'\s*\{\s*(?:"(?P<key>(?:[^"\\]++|\\.)*+)(?:"\s*(?::\s*)?)?)?\Z', re.DOTALL
)
_OTHER_VALUE = re.compile(r'\s*\{\s*"input"\s*:\s*(?P<value>[^"\s].*)\Z', re.DOTALL)
_WRAPPER = re.compile(r'\s*\{\s*"(?P<key>(?:[^"\\]++|\\.)*+)"\s*:\s*"', re.DOTALL)
_TEXT = re.compile(
    r'(?P<text>(?:[^"\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+)(?P<end>(?:\\(?:u[0-9a-fA-F]{0,3})?)?\Z|")',
    re.DOTALL,
)
_AFTER_TEXT = re.compile(r'\s*(?:\}\s*)?\Z|\s*,\s*(?:"|\Z)')


def text_so_far(arguments: str) -> str | None:
    """Return the text in a wrapper, as far as it goes; None: this is no such wrapper.

    A character that is cut off is left out.
    """
    before = _BEFORE_VALUE.match(arguments)
    if before is not None:
        return "" if _KEY.startswith(before["key"] or "") else None
    other = _OTHER_VALUE.match(arguments)
    if other is not None:
        return other["value"]
    wrapper = _WRAPPER.match(arguments)
    found = wrapper and _TEXT.match(arguments, wrapper.end())
    if not wrapper or not found or (found["end"] == '"' and not _ends(arguments, wrapper, found)):
        return None
    try:
        text: str = json.loads(f'"{found["text"]}"', strict=False)
    except ValueError:
        return None
    if found["end"] != '"' and "\ud800" <= text[-1:] <= "\udbff":
        text = text[:-1]
    whole: str = whole_characters(text)
    return whole


def is_cut_off(arguments: str) -> bool:
    """Whether a text that is not JSON is a wrapper without its end."""
    if text_so_far(arguments) is None:
        return False
    wrapper = _WRAPPER.match(arguments)
    found = wrapper and _TEXT.match(arguments, wrapper.end())
    is_open = found is not None and found["end"] != '"'
    return is_open or not arguments.rstrip().endswith("}")


def _ends(arguments: str, wrapper: re.Match[str], found: re.Match[str]) -> bool:
    """Whether the text's last quote ends the string of the wrapper, and is not part of the text."""
    after = _AFTER_TEXT.match(arguments, found.end())
    return after is not None and ("," not in after[0] or wrapper["key"] == _KEY)
