"""Whom the tests trust: nobody, so that a TLS context does not read hundreds of certificates.

That takes 30 ms, hundreds of times. Nothing here leaves the machine but what installs clients.
"""

import os
import ssl
from pathlib import Path
from typing import Any

_VARIABLE = "SSL_CERT_FILE"
_BEFORE = "SSL_CERT_FILE_BEFORE_THE_TESTS"
"""Remembered where processes that run tests for this one find it."""
_NOBODY = str(Path(__file__).with_name("nobody.pem"))
_BUNDLE = 50_000
"""Size in bytes of a file that has the CAs of a whole system rather than those of a test."""


def trust_nobody() -> None:
    """Let OpenSSL and httpx take one CA for the system's; OpenSSL in processes of the tests too."""
    os.environ.setdefault(_BEFORE, os.environ.get(_VARIABLE, ""))
    os.environ[_VARIABLE] = _NOBODY
    load = ssl.SSLContext.load_verify_locations

    def load_one(context: ssl.SSLContext, cafile: Any = None, *more: Any, **named: Any) -> None:
        load(context, _NOBODY if cafile and _is_bundle(Path(cafile)) else cafile, *more, **named)

    ssl.SSLContext.load_verify_locations = load_one  # type: ignore[assignment,method-assign]


def _is_bundle(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > _BUNDLE


def for_programs(**variables: str) -> dict[str, str]:
    """Return the environment of a client's program: `PATH`, whom to trust, and these variables.

    Nothing of this process's own settings (proxies, keys, base URLs) may reach it. A program that
    makes a client for each call reads the CAs each time.
    """
    path = os.environ.get("PATH", "")
    return {"PATH": path, "NO_PROXY": "*", _VARIABLE: _NOBODY, **variables}


def for_installers() -> dict[str, str]:
    """Return the environment of what goes to PyPI and npm: with the system's CAs."""
    others = {name: value for name, value in os.environ.items() if name != _VARIABLE}
    return {**others, _VARIABLE: others[_BEFORE]} if others.get(_BEFORE) else others
