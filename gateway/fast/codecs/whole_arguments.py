"""Arguments of calls that need no repair: they are one JSON object from beginning to end."""

import msgspec


class _AnyObject(msgspec.Struct, gc=False):
    """An object, whose fields are skipped."""


_read = msgspec.json.Decoder(_AnyObject).decode


def is_object(arguments: str) -> bool:
    """Whether arguments are one JSON object, without blanks around it."""
    if not (arguments.startswith("{") and arguments.endswith("}")):
        return False
    try:
        _read(arguments)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
    return True
