"""TLS towards clients: a context from a certificate and its key, and what is doubtful about them.

Each application has a context of its own, so a reload that brings a new certificate replaces it:
connections that are open keep theirs.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from gateway.config.settings import TlsSettings

HANDSHAKE_SECONDS = 10.0
"""How long a client may take for its handshake."""
SHUTDOWN_SECONDS = 2.0
"""How long a client may take to agree to the end of its connection."""

_MISMATCH = "the key does not belong to the first certificate of the chain"
_REASONS = {
    "KEY_VALUES_MISMATCH": _MISMATCH,
    "KEY_TYPE_MISMATCH": _MISMATCH,
    "NO_CERTIFICATE_ASSIGNED": _MISMATCH,
    "EE_KEY_TOO_SMALL": "the certificate's key is too short: make one with 2048 bits or more",
}


def server_context(tls: TlsSettings | None) -> ssl.SSLContext | None:
    """Return the context for a listener; None without TLS. Raises `ValueError` with the reason."""
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except (ssl.SSLError, OSError) as error:
        raise ValueError(f"server.tls: {_reason(error)}") from None
    return context


def doubts(tls: TlsSettings | None) -> list[str]:
    """Return a sentence for a certificate that clients will refuse, or soon will."""
    if tls is None:
        return []
    # Imported late: few gateways have certificates.
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificates(Path(tls.certificate).read_bytes())[0]
    except (OSError, ValueError):
        return []  # `server_context` says why
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    now = datetime.now(UTC)
    if now < first:
        return [f"server.tls.certificate: is not valid before {first:%Y-%m-%d}"]
    if now > last:
        return [f"server.tls.certificate: expired on {last:%Y-%m-%d}; clients refuse it"]
    return []


def _no_password() -> str:
    """Refuse an encrypted key, instead of asking for its password on the terminal."""
    raise OSError("the key is encrypted: decrypt it, with openssl pkey -in KEY -out NEW")


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        # OpenSSL often says no more than "PEM lib".
        return _REASONS.get(error.reason or "", "certificate and key must be intact PEM files")
    return error.strerror or str(error)
