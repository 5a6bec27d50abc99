"""Asks the gateway on this machine to reload its configuration: for `gateway reload`.

Only the address and the token of its admin listener are taken from the configuration, so that one
that is wrong elsewhere still reaches the gateway, which says what is wrong.
"""

import http.client
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gateway.checks.healthcheck import on_this_machine, readable_layers, reason_of, unverified
from gateway.config.changes import ReloadResult
from gateway.config.checks.addresses import checked_base_url, host_of, path_of, port_of
from gateway.config.checks.problems import ConfigError, InvalidValue
from gateway.config.checks.validate import validate
from gateway.config.reading.files import Files
from gateway.config.reading.layers import Layers

_KEYS = ("enabled", "host", "port", "token", "tls")
_SIGNAL_IT = (
    "the running gateway's admin.token is not that of this configuration; send SIGHUP to its "
    "process instead"
)
_ASKS_FOR_ONE = (
    "it requires a token, and this configuration has none; name the gateway's own with --config, "
    "or set GATEWAY_ADMIN__TOKEN"
)
_ELSEWHERE = (
    "nothing there reloads a configuration (status 404); the listener is at admin.host and "
    "admin.port, and the gateway's log names it at the start"
)
PATIENCE = 90.0
"""Seconds to wait for the reply; workers have a minute."""


class NotReached(Exception):
    """No gateway has taken the request; the text gives the reason."""


class AdminPlace(NamedTuple):
    """An admin listener and its token; empty: none."""

    host: str
    port: int
    token: str
    tls: ssl.SSLContext | None = None
    """How it is called over TLS; None: without."""
    path: str = ""
    """What is before the paths of the listener, where a proxy is in between."""


def admin_place(
    path: Path | None, environ: Mapping[str, str], url: str | None = None
) -> AdminPlace:
    """Return the admin listener of a configuration; `url` names another, with the same token.

    Raises `ConfigError` if the section is wrong or not to be found in a file that is not YAML,
    `NotReached` if the listener cannot be known.
    """
    layers, unreadable = readable_layers(path, environ, {}, "admin")
    written = layers.data.get("admin")
    if unreadable and written is None and url is None:
        # Any gateway could listen at the default port, and would be asked for its own file.
        raise ConfigError(unreadable)
    admin = written if isinstance(written, dict) else {}
    kept = {key: admin[key] for key in _KEYS if key in admin}
    config, found = validate(Layers({"admin": kept}, layers.origins), Files())
    if config is None:
        raise ConfigError([problem for _, problem in found])
    token = config.admin.token.get_secret_value() if config.admin.token is not None else ""
    if url is not None:
        return _named(url, token)
    if not config.admin.enabled:
        raise NotReached("admin.enabled is false: send SIGHUP to the gateway's process")
    if config.admin.port == 0:
        raise NotReached("admin.port is 0, so the port is not known: name it with --url")
    tls = unverified() if config.admin.tls else None
    return AdminPlace(on_this_machine(config.admin.host), config.admin.port, token, tls)


def _named(url: str, token: str) -> AdminPlace:
    """Return the admin listener at a URL, perhaps below a proxy's path. Raises `NotReached`."""
    try:
        checked = checked_base_url(url)
    except InvalidValue as fault:
        example = "write the admin listener's URL, like http://127.0.0.1:9090"
        raise NotReached(f"--url {fault.message}; {example}") from None
    tls = ssl.create_default_context() if checked.startswith("https:") else None
    path = path_of(checked).removesuffix("/reload")
    return AdminPlace(host_of(checked), port_of(checked), token, tls, path)


def ask_to_reload(place: AdminPlace) -> ReloadResult:
    """Have the gateway reload; return how it ended. Raises `NotReached`."""
    connection = _connection(place)
    headers = {"x-admin-token": place.token} if place.token else {}
    where = f"the admin listener at {place.host}, port {place.port}"
    try:
        connection.request("POST", f"{place.path}/reload", headers=headers)
        reply = connection.getresponse()
        content = json.loads(reply.read())
        if "reloaded" in content:
            return ReloadResult(content["reloaded"], content["message"])
        if reply.status == http.client.UNAUTHORIZED:
            raise NotReached(f"{where}: {_SIGNAL_IT if place.token else _ASKS_FOR_ONE}")
        if reply.status == http.client.NOT_FOUND:
            raise NotReached(f"{where}: {_ELSEWHERE}")
        raise NotReached(f"{where}: status {reply.status}: {content['error']['message']}")
    except (OSError, http.client.HTTPException) as error:
        raise NotReached(f"{where}: {reason_of(error)}") from None
    except (ValueError, TypeError, KeyError):
        raise NotReached(f"{where}: what answers there is not a gateway") from None
    finally:
        connection.close()


def _connection(place: AdminPlace) -> http.client.HTTPConnection:
    if place.tls is None:
        return http.client.HTTPConnection(place.host, place.port, timeout=PATIENCE)
    return http.client.HTTPSConnection(place.host, place.port, timeout=PATIENCE, context=place.tls)
