"""TLS towards upstreams: whom the gateway trusts, and how it proves its own identity."""

import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gateway.certificates import load_certificate
from gateway.config.settings import UpstreamSettings
from gateway.errors import Reason, UpstreamError, UpstreamUnavailable

_REQUIRED: Final = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
_NOT_ACCEPTED: Final = {
    "SSLV3_ALERT_BAD_CERTIFICATE": "bad certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "certificate expired",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "certificate revoked",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "certificate unknown",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "unsupported certificate",
    "TLSV1_ALERT_ACCESS_DENIED": "access denied",
    "TLSV1_ALERT_DECRYPT_ERROR": "decrypt error",
    "TLSV1_ALERT_UNKNOWN_CA": "unknown CA",
}
"""A server's alerts about a client's certificate (RFC 8446 section 6.2), by OpenSSL's names."""


def client_context(upstream: UpstreamSettings) -> ssl.SSLContext:
    """Return the context for connections to an upstream.

    Servers are verified by the system's CAs, or by those of a PEM file or of a directory of hashed
    ones, or not at all. Raises `ValueError` when the files that the settings name cannot be used.
    """
    context = _verifying(upstream.verify)
    if upstream.tls is not None:
        try:
            load_certificate(context, upstream.tls)
        except ValueError as error:
            raise ValueError(f"tls: {error}") from None
    return context


def _verifying(verify: bool | str) -> ssl.SSLContext:
    if isinstance(verify, str):
        path = Path(verify)
        try:
            if path.is_dir():
                return ssl.create_default_context(capath=verify)
            return ssl.create_default_context(cafile=verify)
        except OSError as error:
            raise ValueError(f"verify: no usable CA bundle at {verify!r}") from error
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


_NOT_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST"})
"""OpenSSL's names for the reply of a server without TLS."""


def failed_handshake(error: ssl.SSLError, whose: str = "its") -> str:
    """Return why a handshake with an upstream has failed.

    `whose` are words for the owner of the certificate that may be at fault.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{whose} TLS certificate is not accepted ({error.verify_message})"
    # The attribute is there only where OpenSSL itself has raised the error.
    given = getattr(error, "reason", None) or "no reason given"
    why = f"the TLS handshake failed ({given})"
    if given in _NOT_TLS:
        why += "; it seems to speak no TLS there: its base_url may have to begin with http://"
    return why


_AT_ONCE: Final = 2.0
"""A server that refuses a certificate ends the connection within so many seconds, since it looks at
no request; a server that fails takes longer."""


class CertificateRefused(UpstreamUnavailable):
    """The upstream has ended the handshake without a client certificate that it accepts.

    With TLS 1.3 the client's side of a handshake ends first, so the upstream's alert comes in place
    of the reply to the first request, which the upstream has not read. If the request's body was a
    stream, a part of it is used up.
    """

    reason = Reason.TLS


def certificate_refused(upstream: str, error: BaseException | None) -> CertificateRefused | None:
    """Return the error for a failure that is about the gateway's certificate; else None."""
    # The attribute is there only where OpenSSL itself has raised the error.
    reason = getattr(error, "reason", None) if isinstance(error, ssl.SSLError) else None
    if reason == _REQUIRED:
        why = "it requires a client certificate; set tls.certificate and tls.key"
    elif reason in _NOT_ACCEPTED:
        # Before TLS 1.3, some say this of a certificate that is missing.
        reply = _NOT_ACCEPTED[reason]
        why = f"it accepts no client certificate that it was shown ({reply}); check tls.certificate"
    else:
        return None
    return CertificateRefused(f"Upstream '{upstream}' cannot be reached: {why}.")


def suspect_certificate(error: UpstreamError, upstream: UpstreamSettings, seconds: float) -> None:
    """Add a guess to the error for a new connection that ended so soon without a reply.

    Many servers (those of Python, uvicorn among them) refuse a client's certificate without an
    alert, and a reset overtakes the alert of others: then only the circumstances tell. Well-known
    services ask for no certificate.
    """
    why = ""
    if upstream.tls is not None:
        why = " It may not accept the certificate that it is shown; check tls.certificate."
    elif not upstream.kind.hosts:
        why = " If it requires a client certificate, set tls.certificate and tls.key."
    if why and seconds <= _AT_ONCE:
        error.message += why
        error.args = (error.message,)


_ENDED: Final = (ssl.SSLEOFError, ConnectionResetError, ConnectionAbortedError)
"""The ends of a handshake that the other side breaks off without an alert."""
_HANDSHAKE_FAILURE: Final = "SSLV3_ALERT_HANDSHAKE_FAILURE"
"""The alert of servers before TLS 1.3 that were shown no certificate; also one about ciphers."""


def suspect_handshake(
    error: UpstreamError, failures: Iterable[BaseException], upstream: UpstreamSettings
) -> None:
    """Add the same guess to the error for a connection that failed, if that may be the reason."""
    ends = _ENDED if upstream.tls is not None else ()
    for failure in failures:
        if isinstance(failure, ends) or getattr(failure, "reason", None) == _HANDSHAKE_FAILURE:
            suspect_certificate(error, upstream, 0.0)
            return
