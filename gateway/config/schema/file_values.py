"""Values that name files: templates, CA bundles, and where findings and responses are stored."""

import os.path
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo, WithJsonSchema

from gateway.config.checks.addresses import checked_redis_url
from gateway.config.checks.problems import InvalidValue
from gateway.config.reading.files import WHERE_FILES_ARE, Files
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
        raise InvalidValue(
            "must be true, false or the path of a CA bundle", "there is no such file"
        )
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
        why = getattr(error, "strerror", None) or "no file can have this path"
        raise InvalidValue(f"names a file that cannot be read: {why}", WHERE_FILES_ARE) from None
    if mark not in content:
        raise InvalidValue(f"names a file without {what} in PEM form", "it begins -----BEGIN …")
    return str(path)


def read_template(path: Path, files: Files) -> str:
    """Return a template file's text. Raises `InvalidValue` if it is unreadable or too large."""
    try:
        content = files.content(path, MAX_FILE_BYTES)
        if len(content) > MAX_FILE_BYTES:
            raise InvalidValue(f"names a file larger than {MAX_FILE_BYTES} bytes")
        return content.decode("utf-8")
    except OSError as error:
        raise InvalidValue(
            f"names a file that cannot be read: {error.strerror}", WHERE_FILES_ARE
        ) from None
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
