"""Messages of a developer as the system's, for servers that do not know that role.

OpenAI's clients have it in the place of `system`, and most agents whatever the server. Who refuses
it: DeepSeek (Rust's decoder, pix#34), DashScope (jsonschema, Proma#1496), pydantic's servers
(cherry-studio#9592), relays (new-api#5330), and Qwen's template (halogen-server#3).
"""

import re
from collections.abc import Collection
from typing import Final

from gateway.resolve.refusals.history.template_words import BEFORE
from gateway.shapes import Json, Shape

DEVELOPER: Final = "messages[developer]"
ITEMS_DEVELOPER: Final = "input[developer]"
"""The names of what is changed, at chat and at responses."""
BY_SCHEMA: Final = frozenset({DEVELOPER, ITEMS_DEVELOPER})
"""Servers refuse them before they look at the model."""
SENT: Final = "developer=roles"
"""What stands among the names in a refused body that has such a message."""

_ROLE = r"[`'\"]?developer\b[`'\"]?"
_AT = r"(?:messages|input)[.\[]\d{1,6}\]?"
_REFUSED = re.compile(
    rf"(?:Failed to deserialize the JSON body into the target type: )?{_AT}(?:\.role)?: "
    rf"unknown (?:variant|role:?) {_ROLE}|"
    rf"(?:invalid parameter [`'\"]?{_AT}\.role[`'\"]?: |invalid params, )?"
    r"(?:chat content has )?(?:invalid|unknown|unsupported|unexpected)(?: message)? role:? "
    rf"{_ROLE}|"
    rf"{_ROLE} is not one of \[(?![^\n]{{0,200}}developer)|"
    rf"(?:body\.)?{_AT}: Input tag {_ROLE} found using 'role'|"
    # The place says which value is meant, and the words which are taken.
    rf"(?:body\.)?{_AT}\.role: Input should be (?![^\n]{{0,200}}developer)['\"]|"
    rf"Invalid value: {_ROLE}\. Supported values are: (?![^\n]{{0,200}}developer)['\"]system|"
    rf"(?:the )?(?:role {_ROLE}|{_ROLE} role) is (?:not supported|unsupported|not allowed)\b|"
    rf"(?:chat template rejected the request: |{BEFORE})Unexpected message role\b",
    re.IGNORECASE,
)


def developers_field(message: str, called: Shape, sent: Collection[str]) -> str | None:
    """Return the name of the fix after such an error; None: it is about something else."""
    if SENT not in sent or not refuses_developers(message):
        return None
    return ITEMS_DEVELOPER if called is Shape.RESPONSES else DEVELOPER


def refuses_developers(message: str) -> bool:
    """Whether an error's text refuses the role of the developer."""
    return _REFUSED.match(message) is not None


def without_developers(body: Json) -> None:
    """Give a body's messages of a developer, or its items, the role of the system.

    They are copied.
    """
    for name in ("messages", "input"):
        given = body.get(name)
        if isinstance(given, list):
            body[name] = [_systems(each) for each in given]


def _systems(message: object) -> object:
    if isinstance(message, dict) and message.get("role") == "developer":
        return {**message, "role": "system"}
    return message
