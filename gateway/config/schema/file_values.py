"""Values that name files: templates, CA bundles, and where findings and responses are stored."""

import errno
import os.path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo, WithJsonSchema

from gateway.config.checks.addresses import checked_redis_url
from gateway.config.checks.problems import InvalidValue
from gateway.config.reading.files import Files, why_unreadable
from gateway.config.schema.base import context_of
from gateway.config.schema.network_values import ApiKey
from gateway.config.store_settings import SQLITE

MAX_FILE_BYTES = 1024 * 1024
"""Limit of a template file."""


def _memory_url(text: str, info: ValidationInfo) -> str:
    return _store_url(text, info, "is not a valid memory")


def _response_store(text: str, info: ValidationInfo) -> str:
    return _store_url(text, info, "is not a valid store")


def _store_url(text: str, info: ValidationInfo, fault: str) -> str:
    if text == "memory://":
        return text
    if text.startswith(("redis:", "rediss:")):
        return checked_redis_url(text)
    path = text.removeprefix(SQLITE)
    if path == text or not path:
        raise InvalidValue(fault, "memory://, sqlite:///path/to/file.sqlite or redis://host:6379/0")
    if path == ":memory:":
        raise InvalidValue("names the memory of one process as SQLite does", "write memory://")
    place = context_of(info).files.folder / path
    if not place.parent.is_dir():
        raise InvalidValue(
            "names a file in a folder that does not exist",
            "make the folder first; an absolute path has four slashes: sqlite:////var/lib/…",
        )
    return f"{SQLITE}{place}"


def _verify(value: Any, info: ValidationInfo) -> bool | str:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise InvalidValue("must be true, false or the path of a CA bundle")
    if value.lower() in {"true", "false"}:
        return value.lower() == "true"
    files = context_of(info).files
    path = files.folder / value
    # os.path: unlike Path.is_file, it takes a path that no file can have for a missing file.
    if not os.path.isfile(path):
        files.note(path)  # which may come back
        missing = FileNotFoundError(errno.ENOENT, "there is no such file")
        reason, advice = why_unreadable(value, missing)
        advice = f"{reason}; {advice}" if value.startswith("~") else reason
        raise InvalidValue("must be true, false or the path of a CA bundle", advice)
    return _pem(value, info, b"CERTIFICATE-----", "a certificate")


def _key_in_file(value: Any, info: ValidationInfo) -> SecretStr:
    if not isinstance(value, str):
        raise InvalidValue("must be the path of a file")
    return SecretStr(context_of(info).files.value(value))


def _certificate(name: str, info: ValidationInfo) -> str:
    return _pem(name, info, b"CERTIFICATE-----", "a certificate")


def _private_key(name: str, info: ValidationInfo) -> str:
    return _pem(name, info, b"PRIVATE KEY-----", "a private key")


def _pem(name: str, info: ValidationInfo, mark: bytes, what: str) -> str:
    """Return the path of a PEM file; whether it is good is for TLS to say."""
    files = context_of(info).files
    path = files.folder / name
    try:
        content = files.content(path, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from None
    if mark not in content:
        advice = "such a file begins with -----BEGIN …"
        raise InvalidValue(f"names a file without {what} in PEM form", advice)
    return str(path)


def _unreadable(name: str, error: OSError | ValueError) -> InvalidValue:
    reason, advice = why_unreadable(name, error, "no file can have this path")
    return InvalidValue(f"names a file that cannot be read: {reason}", advice)


def read_template(name: str, files: Files) -> str:
    """Return a template file's text. Raises `InvalidValue` if it is unreadable or too large."""
    try:
        content = files.content(files.folder / name, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from None
    if len(content) > MAX_FILE_BYTES:
        raise InvalidValue(f"names a file larger than {MAX_FILE_BYTES} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidValue("names a file that is not UTF-8", "save the file in UTF-8") from None


MemoryUrl = Annotated[str, AfterValidator(_memory_url)]
ResponseStoreUrl = Annotated[str, AfterValidator(_response_store)]
KeyFile = Annotated[
    ApiKey, BeforeValidator(_key_in_file), WithJsonSchema({"type": "string", "minLength": 1})
]
Certificate = Annotated[str, AfterValidator(_certificate)]
PrivateKey = Annotated[str, AfterValidator(_private_key)]
Verify = Annotated[bool | str, BeforeValidator(_verify)]
