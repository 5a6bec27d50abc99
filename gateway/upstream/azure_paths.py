"""The paths of Azure OpenAI, where a model is a *deployment* and is named in the path.

Azure has two APIs below a resource's address (azure-rest-api-specs, cognitiveservices/OpenAI):

* the dated one, `/openai/deployments/{deployment}/chat/completions?api-version=2024-10-21`, which
  every deployment answers at, and which has files, jobs and models at `/openai/…`;
* v1, `/openai/v1/…`, OpenAI's own paths with the model in the body. It knows no dated version, and
  it is the only one with responses, conversations, containers and realtime as they are now. The
  dated API has a preview of realtime sockets, `/openai/realtime?deployment=…`, for clients that ask
  for a dated version of it.

A base URL that ends in `/openai/v1` asks for v1 throughout.
"""

import re
from dataclasses import replace
from urllib.parse import quote, unquote_to_bytes

from gateway.errors import InvalidRequest
from gateway.safe_path import check_path
from gateway.shapes import UpstreamCall
from gateway.upstream.origin import Origin

DEPLOYMENT_ENDPOINTS = frozenset(
    {
        "/completions",
        "/chat/completions",
        "/embeddings",
        "/audio/transcriptions",
        "/audio/translations",
        "/audio/speech",
        "/images/generations",
        "/images/edits",
    }
)
"""The paths that belong to a deployment, as openai-python has them (`lib/azure.py`)."""

V1_ONLY = frozenset({"responses", "conversations", "containers", "realtime", "live"})
"""First segments of the paths that the dated API lacks, or has as a preview only."""

_REALTIME = "/realtime"
_DATED = re.compile(rb"\d{4}-\d{2}-\d{2}(?:-preview)?")
_API_VERSION = b"api-version"


class AzurePaths:
    """The request targets of one Azure resource.

    `origin` is the resource's root, with or without `/openai` or `/openai/v1` at its end.
    `api_version` (`2024-10-21`) is for the calls of clients that name none.
    """

    def __init__(self, origin: Origin, api_version: str) -> None:
        self._v1_throughout = origin.base_path.endswith("/openai/v1")
        root = origin.base_path.removesuffix("/v1") if self._v1_throughout else origin.base_path
        self._root = replace(origin, base_path=root.removesuffix("/openai"))
        self._api_version = api_version.encode("ascii")

    def target(self, call: UpstreamCall) -> bytes:
        """Return the request target of a call.

        Raises `InvalidRequest` with `param: model` for a model that cannot be the name of a
        deployment, and as `Origin.target` does.
        """
        query, version = split_api_version(call.query)
        dated = _DATED.fullmatch(version) is not None
        below = call.path.removeprefix("/")
        if dated and call.path == _REALTIME and not self._v1_throughout:
            query = _of_deployment(query)
        elif self._v1_throughout or below.partition("/")[0] in V1_ONLY:
            query = _with_api_version(query, b"" if dated else version)
            return self._root.target(f"/openai/v1/{below}", query)
        if call.model is not None and call.path in DEPLOYMENT_ENDPOINTS:
            below = f"deployments/{_segment(call.model)}/{below}"
        # v1's own versions (`preview`, `v1`) mean nothing to the dated API.
        query = _with_api_version(query, version if dated else self._api_version)
        return self._root.target(f"/openai/{below}", query)


def split_api_version(query: bytes) -> tuple[bytes, bytes]:
    """Return a query without its `api-version`s, and the first of these, still percent-encoded."""
    if not query:
        return b"", b""
    kept: list[bytes] = []
    versions: list[bytes] = []
    for field in query.split(b"&"):
        name, _, value = field.partition(b"=")
        if unquote_to_bytes(name).lower() == _API_VERSION:
            versions.append(value)
        else:
            kept.append(field)
    return b"&".join(kept), next(filter(None, versions), b"")


def _of_deployment(query: bytes) -> bytes:
    """Return a query that names its model as a deployment."""
    fields = [field.partition(b"=") for field in query.split(b"&")]
    return b"&".join(
        b"deployment=" + value if name == b"model" else name + equals + value
        for name, equals, value in fields
    )


def _with_api_version(query: bytes, version: bytes) -> bytes:
    fields = (query, b"api-version=" + version if version else b"")
    return b"&".join(filter(None, fields))


def _segment(model: str) -> str:
    """Return a deployment's name as one path segment."""
    segment = quote(model, safe="", errors="replace")
    try:
        check_path(f"/{segment}")
    except InvalidRequest as error:
        raise InvalidRequest(
            f"'model' cannot be the name of an Azure deployment: {error.message}",
            param="model",
            code="invalid_value",
        ) from None
    return segment
