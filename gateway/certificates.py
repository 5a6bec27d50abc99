"""A certificate and its key, for either side of TLS: loaded, or why not, and if it is valid."""

import contextlib
import ssl
from datetime import UTC, datetime

from gateway.config.settings import TlsSettings

_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME (x509_vfy.h), which `ssl` does not name."""
_MISMATCH = "the key does not belong to the first certificate of the chain"
_REASONS = {
    "KEY_VALUES_MISMATCH": _MISMATCH,
    "KEY_TYPE_MISMATCH": _MISMATCH,
    "NO_CERTIFICATE_ASSIGNED": _MISMATCH,
    "EE_KEY_TOO_SMALL": "the certificate's key is too short: make one with 2048 bits or more",
}


def load_certificate(context: ssl.SSLContext, tls: TlsSettings) -> None:
    """Have a context prove its identity with a certificate. Raises `ValueError` with the reason."""
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except (ssl.SSLError, OSError) as error:
        raise ValueError(_reason(error)) from None


def bundle_refusal(path: str) -> str:
    """Return why the file is not a usable CA bundle; empty: it is."""
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        return "names no usable CA bundle: its certificates must be intact, in PEM form"
    except OSError as error:
        return f"names no usable CA bundle: {_reason(error)}"
    return ""


def refusal(tls: TlsSettings) -> str:
    """Return why this certificate cannot be used; empty: it can be."""
    try:
        load_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), tls)
    except ValueError as error:
        return str(error)
    return ""


def doubts(tls: TlsSettings, key: str, *, is_client: bool) -> list[str]:
    """Return a sentence for a certificate that the other side will refuse, or does until a day.

    `key` is where the configuration has it; a client's is for upstreams.
    """
    try:
        first, last = _validity(tls, is_client=is_client)
    except (OSError, ValueError):
        return []  # `refusal` says why
    now = datetime.now(UTC)
    if now < first:
        return [f"{key}.certificate: is not valid before {first:%Y-%m-%d}"]
    if now > last:
        who = "the upstream refuses" if is_client else "clients refuse"
        return [f"{key}.certificate: expired on {last:%Y-%m-%d}; {who} it"]
    return []


def _validity(tls: TlsSettings, *, is_client: bool) -> tuple[datetime, datetime]:
    """Return from when to when the certificate is valid, as the other side learns in a handshake.

    `ssl` shows the fields of a certificate only to a peer that has verified it, for the side that
    presented it: many certificates are meant for one side only.
    """
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_side.check_hostname, client_side.verify_mode = False, ssl.CERT_NONE
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for context in (client_side, server_side):
        load_certificate(context, tls)
    verifying = server_side if is_client else client_side
    verifying.verify_mode = ssl.CERT_REQUIRED
    verifying.load_verify_locations(tls.certificate)
    verifying.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    fields = (server if is_client else client).getpeercert() or {}
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
