"""Whether the gateway of a configuration is alive: for HEALTHCHECK and probes that run a command.

Only the address is taken from the configuration: errors elsewhere in a changed file do not affect a
gateway that still runs with the settings that it read at start.
"""

import contextlib
import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.config.checks.problems import ConfigError, Problem
from gateway.config.reading.files import Files
from gateway.config.reading.layers import Layers, merge_document, merge_environment, merge_overrides
from gateway.config.reading.section import read_for_section
from gateway.ip_addresses import is_ip

DEFAULTS = ("127.0.0.1", 8080)
"""Host and port without a configuration."""

_THIS_MACHINE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
_PLACE_KEYS = ("host", "port")
_DIGITS, _LAST = 5, 65535
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST"})
"""What OpenSSL calls the reply of a server without TLS."""


class Unhealthy(Exception):
    """The gateway does not answer as expected; the text gives the reason."""


@dataclass(frozen=True, slots=True)
class Place:
    """The address of a gateway on this machine."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


def place_of(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any]
) -> tuple[Place, list[Problem]]:
    """Return the address of a gateway with this file, environment and command line.

    Also return the problems of an unreadable file; environment and command line apply then.
    Raises `ConfigError` if host or port are wrong.
    """
    layers, problems = readable_layers(path, environ, overrides, "server")
    written = layers.data.get("server")
    server = written if isinstance(written, dict) else {}
    kept = {key: server[key] for key in _PLACE_KEYS if key in server}
    host, port = _usual(kept) or _validated(kept, layers)
    return Place(on_this_machine(host), port, _has_tls(server.get("tls"))), problems


def _usual(server: Mapping[str, Any]) -> tuple[str, int] | None:
    """Return host and port if they are an IP address and a number; None: the schema decides.

    A check of health runs every few seconds, and the schema takes most of its time and memory.
    """
    host, port = server.get("host", DEFAULTS[0]), str(server.get("port", DEFAULTS[1]))
    is_port = port.isascii() and port.isdecimal() and len(port) <= _DIGITS and int(port) <= _LAST
    return (host, int(port)) if is_ip(host) and is_port else None


def _validated(server: dict[str, Any], layers: Layers) -> tuple[str, int]:
    from gateway.config.checks.validate import validate

    config, found = validate(Layers({"server": server}, layers.origins), Files())
    if config is None:
        raise ConfigError([problem for _, problem in found])
    return config.server.host, config.server.port


def on_this_machine(host: str) -> str:
    """Return the address at which this machine calls a listener of its own."""
    return _THIS_MACHINE.get(host, host)


def readable_layers(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any], section: str
) -> tuple[Layers, list[Problem]]:
    """Return what can be read for a section, and the problems of an unreadable file.

    If the file is not YAML elsewhere, the section alone is read.
    """
    layers, problems = Layers(), list[Problem]()
    if path is not None:
        files = Files(path.parent)
        document, problems = read_for_section(path, files, section)
        list(merge_document(layers, document, environ, files))
    # `serve` and `check` report other problems.
    list(merge_environment(layers, environ, (section,)))
    merge_overrides(layers, overrides)
    return layers, problems


def _has_tls(written: object) -> bool:
    return isinstance(written, dict) and any(value is not None for value in written.values())


def ask(place: Place, timeout: float) -> None:
    """Call `/healthz`; `timeout` is in seconds, for each step. Raises `Unhealthy`."""
    if place.port == 0:
        raise Unhealthy("server.port is 0, so the port is not known: name one")
    try:
        status = _status(place, timeout)
    except (OSError, http.client.HTTPException) as error:
        raise Unhealthy(f"{place}: {reason_of(error)}") from None
    if status != http.client.OK:
        raise Unhealthy(f"{place}: status {status}")


def reason_of(error: OSError | http.client.HTTPException) -> str:
    """Return why a call of this machine itself failed, in words."""
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused; is the gateway running?"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its TLS certificate is not accepted ({error.verify_message})"
    # The attribute is there only where OpenSSL itself has raised the error.
    if isinstance(error, ssl.SSLError) and getattr(error, "reason", None) in _NOT_TLS:
        return "it speaks no TLS there (http://)"
    if isinstance(error, http.client.RemoteDisconnected):
        return "it closed the connection without a reply; does it speak TLS (https://)?"
    system = error.strerror if isinstance(error, OSError) else None
    return system or str(error) or type(error).__name__


def _status(place: Place, timeout: float) -> int:
    with contextlib.closing(_connection(place, timeout)) as connection:
        connection.request("GET", "/healthz")
        return connection.getresponse().status


def _connection(place: Place, timeout: float) -> http.client.HTTPConnection:
    if not place.tls:
        return http.client.HTTPConnection(place.host, place.port, timeout=timeout)
    return http.client.HTTPSConnection(
        place.host, place.port, timeout=timeout, context=unverified()
    )


def unverified() -> ssl.SSLContext:
    """Return a context for calls of this machine itself: the certificate has clients' name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def serve_arguments(process: int) -> list[str]:
    """Return the arguments after `serve` in that process's command line; empty without them.

    They are read from `/proc`; on systems without it there are none.
    """
    try:
        line = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return []
    words = line.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return words[words.index("serve") + 1 :] if "serve" in words else []
