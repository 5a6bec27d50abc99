"""Which upstreams are called with a key of the gateway's own: an `api_key`, or a fixed header."""

import re

from gateway.config.settings import CredentialPolicy, UpstreamSettings
from gateway.headers import CREDENTIAL_HEADERS

_CREDENTIAL = re.compile(
    r"""(?:^|[-_.])                           # x-auth-token, x-goog-api-key, private-token
        (?:key|token|secret|auth|authori[sz]ation|credentials?|password|passwd|passphrase
          |jwt|bearer|signature|cookie)
        (?:[-_.]?(?:id|value|v?\d+))?\Z       # x-api-key-2
      | (?:key|token|secret|password)\Z       # apikey, accesstoken
      | \A(?:auth|cookie|credentials?)\b      # auth-…, cookie2
    """,
    re.VERBOSE,
)
_NO_CREDENTIAL = re.compile(r"(?:idempotency|cache|surrogate|routing|partition)[-_]?key\Z")
"""Keys that open nothing: they distinguish requests or entries."""

_LEAST_SECRET = 16
"""The least number of characters that make a key a secret."""


def is_credential(name: str) -> bool:
    """Whether a field's name says that its value is a credential; the case does not matter."""
    lower = name.lower()
    return bool(_CREDENTIAL.search(lower)) and not _NO_CREDENTIAL.search(lower)


def holds_key(upstream: UpstreamSettings) -> bool:
    """Whether calls to the upstream are made on the gateway's own account."""
    return upstream.api_key is not None or any(is_credential(name) for name, _ in upstream.headers)


def quotes_key(upstream: UpstreamSettings, body: bytes) -> bool:
    """Whether an upstream's error quotes a key of the gateway's own, whole and in clear.

    Short ones are no secrets, but placeholders for servers that want some key (`EMPTY`).
    """
    fields = [value for name, value in upstream.headers if is_credential(name)]
    keys = fields if upstream.api_key is None else [upstream.api_key, *fields]
    words = [word for key in keys for word in key.reveal().split()]
    return any(len(word) >= _LEAST_SECRET and word.encode() in body for word in words)


def forwards_callers_key(upstream: UpstreamSettings) -> bool:
    """Whether calls carry the caller's own key: not if a fixed header has its name."""
    return upstream.credential is CredentialPolicy.CALLER and not any(
        name.lower().encode() in CREDENTIAL_HEADERS for name, _ in upstream.headers
    )
