"""TLS towards clients: a context from a certificate and its key.

Each application has a context of its own, which a reload with a new certificate replaces. Open
connections keep theirs.
"""

import ssl

from gateway.certificates import load_certificate
from gateway.config.settings import TlsSettings

HANDSHAKE_SECONDS = 10.0
"""How long a client may take for its handshake."""
SHUTDOWN_SECONDS = 2.0
"""How long a client that has read everything may take to agree to the end of its connection."""
UNLIMITED_SECONDS = 366 * 86_400.0
"""The time that asyncio gives a client to read everything and agree to the end of its connection:
no limit, since the connection has limits of its own."""


def server_context(tls: TlsSettings | None) -> ssl.SSLContext | None:
    """Return the context for a listener; None without TLS. Raises `ValueError` with the reason."""
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        load_certificate(context, tls)
    except ValueError as error:
        raise ValueError(f"server.tls: {error}") from None
    return context
