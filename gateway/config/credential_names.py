"""Which header fields carry a credential, told by their names: the one place that knows."""

import re

KNOWN = frozenset({"authorization", "proxy-authorization", "cookie", "api-key"})
"""The fields of HTTP itself (RFC 9110 section 11, RFC 6265), and Azure's."""

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
"""Keys that open nothing: they tell requests or entries apart."""


def is_credential(name: str) -> bool:
    """Whether a field's name says that its value opens something; the case does not matter."""
    lower = name.lower()
    if lower in KNOWN:
        return True
    return bool(_CREDENTIAL.search(lower)) and not _NO_CREDENTIAL.search(lower)
