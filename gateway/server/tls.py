"""TLS towards clients: a context from a certificate and its key, and what is doubtful about them.

Each application has a context of its own, so a reload that brings a new certificate replaces it:
connections that are open keep theirs.
"""

import contextlib
import ssl
from datetime import UTC, datetime

from gateway.config.settings import TlsSettings

HANDSHAKE_SECONDS = 10.0
"""How long a client may take for its handshake."""
SHUTDOWN_SECONDS = 2.0
"""How long a client may take to agree to the end of its connection."""

_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME (x509_vfy.h), which `ssl` does not name."""
_MISMATCH = "the key does not belong to the first certificate of the chain"
_REASONS = {
    "KEY_VALUES_MISMATCH": _MISMATCH,
    "KEY_TYPE_MISMATCH": _MISMATCH,
    "NO_CERTIFICATE_ASSIGNED": _MISMATCH,
    "EE_KEY_TOO_SMALL": "the certificate's key is too short: make one with 2048 bits or more",
}


def server_context(tls: TlsSettings | None) -> ssl.SSLContext | None:
    """Return the context for a listener; None without TLS. Raises `ValueError` with the reason."""
    try:
        return None if tls is None else _context(tls)
    except ValueError as error:
        raise ValueError(f"server.tls: {error}") from None


def _context(tls: TlsSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except (ssl.SSLError, OSError) as error:
        raise ValueError(_reason(error)) from None
    return context


def refusal(tls: TlsSettings) -> str:
    """Return why no listener can have this certificate; empty: it can."""
    try:
        _context(tls)
    except ValueError as error:
        return str(error)
    return ""


def doubts(tls: TlsSettings | None) -> list[str]:
    """Return a sentence for a certificate that clients will refuse, or soon will."""
    if tls is None:
        return []
    try:
        first, last = _validity(tls)
    except (OSError, ValueError):
        return []  # `server_context` says why
    now = datetime.now(UTC)
    if now < first:
        return [f"server.tls.certificate: is not valid before {first:%Y-%m-%d}"]
    if now > last:
        return [f"server.tls.certificate: expired on {last:%Y-%m-%d}; clients refuse it"]
    return []


def _validity(tls: TlsSettings) -> tuple[datetime, datetime]:
    """Return from when to when the certificate is valid, as a client learns it in a handshake.

    `ssl` shows the fields of a certificate only to who has verified it.
    """
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_side.check_hostname = False
    client_side.load_verify_locations(tls.certificate)
    client_side.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server)
    server = _context(tls).wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    fields = client.getpeercert() or {}
    first, last = (
        datetime.fromtimestamp(ssl.cert_time_to_seconds(str(fields[name])), UTC)
        for name in ("notBefore", "notAfter")
    )
    return first, last


def _no_password() -> str:
    """Refuse an encrypted key, instead of asking for its password on the terminal."""
    raise OSError("the key is encrypted: decrypt it, with openssl pkey -in KEY -out NEW")


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        # OpenSSL often says no more than "PEM lib".
        return _REASONS.get(error.reason or "", "certificate and key must be intact PEM files")
    return error.strerror or str(error)
