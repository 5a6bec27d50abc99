"""Developer messages as system messages, for servers that do not know the role `developer`.

OpenAI's clients send it in place of `system`, and most agents do so to any server. It is refused by
DeepSeek (Rust's decoder, pix#34), DashScope (jsonschema, Proma#1496), servers with pydantic
(cherry-studio#9592), relays (new-api#5330), and Qwen's template (halogen-server#3).
"""

import re
from collections.abc import Collection
from typing import Final

from gateway.resolve.refusals.history.template_words import BEFORE
from gateway.shapes import Json, Shape

DEVELOPER: Final = "messages[developer]"
ITEMS_DEVELOPER: Final = "input[developer]"
"""What fixes and the report call these messages, at chat and at responses."""
BY_SCHEMA: Final = frozenset({DEVELOPER, ITEMS_DEVELOPER})
"""Fixes that show nothing of the model: servers refuse the role before they look at it."""
SENT: Final = "developer=roles"
"""The entry in `sent` for a body that has developer messages."""

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
    # The path says that a role is refused, the quoted words which roles are accepted.
    rf"(?:body\.)?{_AT}\.role: Input should be (?![^\n]{{0,200}}developer)['\"]|"
    rf"Invalid value: {_ROLE}\. Supported values are: (?![^\n]{{0,200}}developer)['\"]system|"
    rf"(?:the )?(?:role {_ROLE}|{_ROLE} role) is (?:not supported|unsupported|not allowed)\b|"
    rf"(?:chat template rejected the request: |{BEFORE})Unexpected message role\b",
    re.IGNORECASE,
)


def developers_field(message: str, called: Shape, sent: Collection[str]) -> str | None:
    """Return the name of the fix for refused developer messages; None: another error."""
    if SENT not in sent or not refuses_developers(message):
        return None
    return ITEMS_DEVELOPER if called is Shape.RESPONSES else DEVELOPER


def refuses_developers(message: str) -> bool:
    """Whether an error's text refuses the role of the developer."""
    return _REFUSED.match(message) is not None


def without_developers(body: Json) -> None:
    """Give the developer messages in a body the role `system`; the given ones stay unchanged."""
    for name in ("messages", "input"):
        given = body.get(name)
        if isinstance(given, list):
            body[name] = [_systems(each) for each in given]


def _systems(message: object) -> object:
    if isinstance(message, dict) and message.get("role") == "developer":
        return {**message, "role": "system"}
    return message
