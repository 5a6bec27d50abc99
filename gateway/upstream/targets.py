"""From a call to its request target: OpenAI's paths below the base URL, or Azure's own."""

from collections.abc import Callable

from gateway.config.settings import UpstreamSettings
from gateway.shapes import UpstreamCall
from gateway.upstream.azure_paths import AzurePaths, split_api_version
from gateway.upstream.origin import Origin

Targets = Callable[[UpstreamCall], bytes]
"""Returns a call's request target; raises `InvalidRequest` when it would leave the base URL."""


def targets_of(upstream: UpstreamSettings, origin: Origin) -> Targets:
    """Return how the targets of an upstream's calls are made.

    `api-version` is Azure's and stays there: a client that was written for Azure sends it always,
    and some servers refuse queries that they do not know.
    """
    if upstream.kind.deployments:
        return AzurePaths(origin, upstream.api_version).target

    def target(call: UpstreamCall) -> bytes:
        return origin.target(call.path, split_api_version(call.query)[0], root=call.root)

    return target
