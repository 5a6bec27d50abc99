"""The configuration in use as YAML, for operators: every value, and no secret."""

import re
from dataclasses import fields, is_dataclass
from enum import Enum

import yaml

from gateway.config.secret import Secret
from gateway.config.settings import Settings
from gateway.servers import Profile

_PASSWORD = re.compile(r"(?<=://)[^/@\s]*(?=@)")
"""User and password within a URL."""
_HIDDEN = frozenset({"source", "key_sha256"})
"""Fields that are not secret, but nobody's business: a template's text, digests of keys."""


def as_yaml(settings: Settings) -> str:
    """Return all settings with their values as used, without those that are not set."""
    return yaml.safe_dump(_shown(settings), sort_keys=False, allow_unicode=True, width=100)


def _shown(value: object) -> object:
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, Profile):
        return value.name
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return _PASSWORD.sub("***", value)
    if is_dataclass(value):
        shown = {field.name: getattr(value, field.name) for field in fields(value)}
        return {
            name: "***" if name in _HIDDEN else _shown(each)
            for name, each in shown.items()
            if each not in (None, ())
        }
    if isinstance(value, tuple | list | frozenset):
        return [_shown(each) for each in value]
    return value
