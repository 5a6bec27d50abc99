"""Makes a call's request line: its method, and a path below the base URL, or one of Azure's."""

import re
from collections.abc import Callable

from gateway.config.settings import UpstreamSettings
from gateway.errors import InvalidRequest
from gateway.shapes import UpstreamCall
from gateway.upstream.azure_paths import AzurePaths, split_api_version
from gateway.upstream.credentials import Credentials
from gateway.upstream.origin import Origin

Targets = Callable[[UpstreamCall], bytes]
"""Returns a call's request target; raises `InvalidRequest` when it would leave the base URL."""

_METHOD = re.compile(r"[A-Z]{1,32}")


def method_of(call: UpstreamCall) -> bytes:
    """Return a call's method as it is sent; raises `InvalidRequest` for an invalid one."""
    if not _METHOD.fullmatch(call.method):
        raise InvalidRequest("The request method is not a word of capital letters.")
    return call.method.encode("ascii")


def targets_of(upstream: UpstreamSettings, origin: Origin, credentials: Credentials) -> Targets:
    """Return the function that makes the targets of an upstream's calls.

    Credentials in a query are treated like those in header fields. `api-version` is sent to Azure
    only: clients written for Azure always send it, and some other servers refuse unknown queries.
    """
    if upstream.kind.deployments:
        azure = AzurePaths(origin, upstream.api_version).target

        def target_at_azure(call: UpstreamCall) -> bytes:
            query = credentials.query(call.query)
            return azure(call if query == call.query else call.copy(query=query))

        return target_at_azure

    def target(call: UpstreamCall) -> bytes:
        query = split_api_version(credentials.query(call.query))[0]
        return origin.target(call.path, query, root=call.root)

    return target
