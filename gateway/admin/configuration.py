"""The configuration in use as YAML, for operators: every value, and no secret.

The settings have the keys and the form of the configuration file, whatever the code calls them.
"""

import re
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import yaml

from gateway.config.secret import Secret
from gateway.config.settings import Settings
from gateway.servers import Profile

_PASSWORD = re.compile(r"(?<=://)[^/@\s]*(?=@)")
"""User and password within a URL."""
_DIGESTS = "key_sha256"
"""The key of digests that are masked, too: they are no secrets, but of no use to a reader."""
_NOT_IN_THE_FILE = frozenset({"source", "is_restricted"})
"""Settings that are made of other keys: a template's text, whether a client is restricted."""

Section = dict[str, Any]


def as_yaml(settings: Settings) -> str:
    """Return all settings with their values as used, without those that are not set."""
    shown: Section = _shown(settings)
    common = shown["translation"]
    named = {
        "upstreams": {each.pop("name"): _upstream(each) for each in shown.get("upstreams", ())},
        "models": {each.pop("pattern"): _rule(each, common) for each in shown.get("models", ())},
        "memory": _with_credentials(shown["memory"], "url"),
        "responses": _with_credentials(shown["responses"], "store"),
        "tracing": _with_mapping(shown["tracing"], "headers"),
        "retired": _with_mapping(shown["retired"], "redirect"),
    }
    whole = {key: named.get(key, value) for key, value in shown.items()}
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=100)


def _upstream(shown: Section) -> Section:
    further = shown.pop("further_urls", [])
    if further:
        shown["base_url"] = [shown["base_url"], *further]
    return _with_mapping(shown, "headers")


def _rule(shown: Section, common: Section) -> Section:
    """Return a rule with its own keys of `translation`: those that differ from the `common`."""
    endpoints, overrides = shown.pop("endpoints", None), shown.pop("translation", None)
    if endpoints is not None:
        shown["endpoint"] = endpoints
    if overrides is not None:
        shown |= {
            key: overrides.get(key)
            for key in {**common, **overrides}
            if overrides.get(key) != common.get(key)
        }
    return shown


def _with_mapping(shown: Section, key: str) -> Section:
    return {**shown, key: dict(shown[key])} if key in shown else shown


def _with_credentials(shown: Section, key: str) -> Section:
    """Return a store's section, with `***` for its credentials within the URL, as in the file."""
    if shown.pop("credentials", None) is not None:
        shown[key] = shown[key].replace("://", "://***@", 1)
    return shown


def _shown(value: object) -> Any:
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
            name: "***" if name == _DIGESTS else _shown(each)
            for name, each in shown.items()
            if each not in (None, ()) and name not in _NOT_IN_THE_FILE
        }
    if isinstance(value, tuple | list | frozenset):
        return [_shown(each) for each in value]
    return value
