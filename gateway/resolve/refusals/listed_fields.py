"""Errors that list the fields which a server does not know, entry after entry.

Each form is what one library prints. Nothing but such entries may be in the message: then every
word of it is the server's, save for a value that pydantic quotes, in one line at an entry's end.
"""

import re
from typing import NamedTuple

_NAME = r"(?P<name>[A-Za-z_][\w.\[\]]*)"
_EXTRA = r"(?:Extra inputs are not permitted|extra fields not permitted)"


class _Form(NamedTuple):
    """How one entry reads, and what stands before and after all entries."""

    entry: re.Pattern[str]
    head: re.Pattern[str] = re.compile("")
    tail: re.Pattern[str] = re.compile(r"\s*")


_FORMS = (
    # Gemini
    _Form(
        re.compile(
            r"Invalid JSON payload received\. Unknown name [`'\"](?P<name>[\w.]+)[`'\"]"
            r"(?: at [`'\"](?P<at>[^`'\"\n]*)[`'\"])?: Cannot find field\.\n?"
        )
    ),
    # pydantic as it prints errors, and NVIDIA's services
    _Form(re.compile(rf"body -> {_NAME}\n\s{{1,4}}{_EXTRA} \(type=[\w.]{{1,40}}\)\n?")),
    _Form(
        re.compile(
            rf"{_NAME}\n {{1,4}}Extra inputs are not permitted \[type=extra_forbidden, [^\n]*\]"
            r"(?:\n +For further information visit \S{1,200})?\n?"
        ),
        re.compile(r"\d{1,4} validation errors? for [\w.\[\], ]{1,100}\n"),
    ),
    # Cerebras, of messages; Groq's of one parameter has advice after it
    _Form(
        re.compile(
            rf"(?:[\w.]{{1,100}}: )?property (?P<quote>[`'\"])(?:body\.)?{_NAME}(?P=quote) is "
            r"unsupported\n?"
        )
    ),
    # Groq, of a message: it says where it stands, and of parts what else could be there
    _Form(
        re.compile(
            r"(?:\('[\w.]{1,100}' : (?:one of the following must be satisfied\s?\[|"
            r"value must be a string\) OR ))*"
            r"\('(?P<at>[\w.]{1,100})' : property '(?P<name>\w{1,64})' is unsupported\)(?: OR )?"
        ),
        re.compile(
            r"'messages\.\d{1,6}' : for 'role:\w{1,20}' the following must be satisfied\s?\["
        ),
        re.compile(r"[\])]{1,8}\s*"),
    ),
    # The same without its role
    _Form(
        re.compile(
            r"[`'\"](?P<at>[\w.]{1,100})[`'\"] : property [`'\"](?P<name>\w{1,64})[`'\"] is "
            r"unsupported\n?"
        ),
    ),
    # jsonschema, of the request; of a part it says after this which one
    _Form(
        re.compile(r"'(?P<name>\w{1,64})'(?:, )?"),
        re.compile(r"Additional properties are not allowed \("),
        re.compile(r" (?:was|were) unexpected\)\.?"),
    ),
    # Bedrock; `#` is the request, and `#/messages/0` a part of it
    _Form(
        re.compile(r"#: extraneous key \[(?P<name>\w{1,64})\] is not permitted"),
        re.compile(r"Malformed input request: "),
        re.compile(r", please reformat your input and try again\.?"),
    ),
)
# Cerebras writes the role of a message into its path: messages.2.assistant.reasoning_content.
_INDEX = re.compile(r"\.(\d{1,6})(?:\.(?:system|developer|user|assistant|tool))?(?=[.\[]|\Z)")


def listed_fields(message: str) -> list[str]:
    """Return the paths of the fields in a list; none for a message that is anything else."""
    return next((names for form in _FORMS if (names := _read(form, message))), [])


def with_indexes(path: str) -> str:
    """Return a path with its numbers in brackets: `messages[0].name`."""
    return _INDEX.sub(r"[\1]", path)


def _read(form: _Form, message: str) -> list[str]:
    head = form.head.match(message)
    if head is None:
        return []
    names: list[str] = []
    position = head.end()
    while entry := form.entry.match(message, position):
        position = entry.end()
        name, at = entry["name"], entry.groupdict().get("at")
        names.append(with_indexes(name if not at or at == name else f"{at}.{name}"))
    return names if form.tail.fullmatch(message, position) else []
