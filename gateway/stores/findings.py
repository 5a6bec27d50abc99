"""Findings in the form in which processes share them: learned endpoints, corrected parameters.

A finding is keyed by the upstream, the fingerprint of the credential (which is made under the
gateway's secret, and differs for another address of the upstream), and the model.
"""

from hashlib import blake2b

import msgspec

from gateway.config.secret import Secret
from gateway.exchange.params.known_fixes import FixesKey, Worked
from gateway.resolve.memory import CacheScope, EndpointKey, Learned
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape

MAX_BYTES = 8192
"""Limit of an encoded finding; a client's invented name of a model can be long."""

_encode = msgspec.json.Encoder(order="deterministic").encode


class EndpointFinding(msgspec.Struct, frozen=True, omit_defaults=True, tag="endpoint"):
    """An entry of `LearnedEndpoints`; `shape` None: it was forgotten. `at` is Unix time."""

    upstream: str
    fingerprint: str
    model: str
    at: float
    holds_for: Shape | frozenset[str] | None = None
    shape: Shape | None = None

    @classmethod
    def of(cls, key: EndpointKey, learned: Learned | None, at: float) -> "EndpointFinding":
        """Return the finding of an entry."""
        scope, model, holds_for = key
        shape = learned.shape if learned is not None else None
        return cls(scope.upstream, scope.fingerprint, model, at, holds_for, shape)

    @property
    def key(self) -> EndpointKey:
        """The key of its entry."""
        return CacheScope(self.upstream, self.fingerprint), self.model, self.holds_for

    @property
    def is_forgotten(self) -> bool:
        """Whether it no longer holds."""
        return self.shape is None


class FixesFinding(msgspec.Struct, frozen=True, omit_defaults=True, tag="fixes"):
    """An entry of `KnownFixes`; `fixes` None: it was forgotten. `at` is Unix time."""

    upstream: str
    fingerprint: str
    model: str
    at: float
    endpoint: Shape
    fixes: tuple[ParameterFix, ...] | None = None

    @classmethod
    def of(cls, key: FixesKey, worked: Worked | None, at: float) -> "FixesFinding":
        """Return the finding of an entry."""
        scope, model, endpoint = key
        fixes = worked.fixes if worked is not None else None
        return cls(scope.upstream, scope.fingerprint, model, at, endpoint, fixes)

    @property
    def key(self) -> FixesKey:
        """The key of its entry."""
        return CacheScope(self.upstream, self.fingerprint), self.model, self.endpoint

    @property
    def is_forgotten(self) -> bool:
        """Whether it no longer holds."""
        return self.fixes is None


Finding = EndpointFinding | FixesFinding

_decoder: msgspec.json.Decoder[Finding] = msgspec.json.Decoder(Finding)


def encoded(finding: Finding) -> bytes:
    """Return the JSON that is stored."""
    return _encode(finding)


def decoded(text: bytes) -> Finding | None:
    """Return the finding; None for anything else, such as one that another release has written."""
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def name_of(finding: Finding) -> str:
    """Return the name under which a finding is stored: the same for findings with the same key."""
    if isinstance(finding, EndpointFinding):
        bare: Finding = msgspec.structs.replace(finding, at=0.0, shape=None)
    else:
        bare = msgspec.structs.replace(finding, at=0.0, fixes=None)
    return blake2b(_encode(bare), digest_size=16).hexdigest()


def space_of(secret: Secret) -> str:
    """Return the name of the space that gateways with this secret share, and no others."""
    key = derived(secret, b"shared space")
    return key[:8].hex()


def derived(secret: Secret, purpose: bytes) -> bytes:
    """Return the 32 bytes that gateways with this secret share for a purpose (16 bytes at most)."""
    return blake2b(secret.reveal().encode(), digest_size=32, person=purpose).digest()
