"""From a request's path to the one that the routes know: OpenAI's, below `/v1`.

Base URLs take many forms, and old ones stay in use. Supported are

* `/v1/chat/completions`, and the same without `/v1` or with a trailing slash;
* `/v1/v1/engines/…`: openai-python up to 0.11 adds the first `/v1` itself;
* `//v1/models`, `/v1//models`, `/v1/chat//completions`: base URLs that end in a slash;
* `/v1/chat/completions/chat/completions`, `/v1/messages/v1/messages`: base URLs that are endpoints;
* `/openai/v1/chat/completions`: Azure's v1 API;
* `/openai/deployments/{deployment}/chat/completions?api-version=…`: Azure's dated API, which the
  `AzureOpenAI` client of openai-python calls. The deployment is the model. Many clients leave its
  slashes as they are, which Azure's names cannot have: `/openai/deployments/org/name/completions`;
* `/openai/models`, `/openai/files`, …: the rest of that API;
* `/anthropic/v1/messages`: where servers with two APIs have Anthropic's. Its clients add `/v1` by
  themselves, also to base URLs that end in it: `/v1/v1/messages`.

Paths with their own replies, such as `/v1/engines/{engine}/completions`, are not alternative
spellings: they stay unchanged.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

WITHOUT_V1 = frozenset(
    {
        *("completions", "chat", "responses", "messages", "embeddings", "models", "moderations"),
        *("audio", "images", "videos", "files", "uploads", "batches", "fine_tuning"),
        *("vector_stores", "assistants", "threads", "conversations", "containers", "evals"),
        *("realtime", "live", "edits", "engines", "fine-tunes"),
        *("search", "answers", "classifications"),
    }
)
"""First segments of OpenAI's paths (openai-openapi), retired ones included, and of Anthropic's."""

_AT_DEPLOYMENTS = (
    *("completions", "chat/completions", "extensions/chat/completions", "responses", "messages"),
    *("embeddings", "images/generations", "images/edits", "realtime"),
    *("audio/speech", "audio/transcriptions", "audio/translations"),
)
"""Where a name with slashes can end: of several such ends, the longest counts."""
_DEPLOYMENT = re.compile(
    r"/openai/deployments/"
    rf"(?P<deployment>[^/]+(?:(?:/[^/]+)*?(?=/(?:{'|'.join(_AT_DEPLOYMENTS)})\Z))?)"
    r"(?P<below>/.+)\Z",
    re.DOTALL,
)
_PREFIXES = ("/v1/", "/openai/v1/", "/openai/", "/anthropic/v1/")
_USUAL = frozenset({b"/v1/chat/completions", b"/v1/completions", b"/v1/responses", b"/v1/messages"})
"""Almost all paths, which need no search."""
_TWICE = re.compile(
    rb"\A(?P<once>(?:/openai)?(?:/v1)?/(?P<endpoint>chat/completions|completions|responses|messages))"
    rb"(?:/+(?:v1/+)?(?P=endpoint))+/?\Z"
)
_DOUBLED = re.compile(rb"//|^/(?:v1|openai)/(?:v1|openai)(?:/|\Z)|^/anthropic/v1/v1/")
_BASE = re.compile(rb"\A(?:/+anthropic)?(?:/+(?:v1|openai)(?=/|\Z))+")
_JOINT = re.compile(
    rb"\A(?P<base>/v1|/openai)?/+"
    rb"(?:(?P<family>(?:chat|audio|images|fine_tuning|realtime|models)/)/*)?"
)
"""Where base URLs end. Other segments are followed by an id: `/threads//runs` lacks one, and is not
`/threads/runs`."""


@dataclass(slots=True)
class Place:
    """The meaning of a path. Never changed."""

    below: str
    """The path below `/v1`, with a leading slash, still percent-encoded."""
    model: str | None = None
    """The model in the path, decoded. It comes from the client: check it."""

    @property
    def canonical(self) -> str:
        """The path as OpenAI documents it, still percent-encoded, for the route table."""
        return f"/v1{self.below}"


def without_duplicates(raw_path: bytes) -> bytes:
    """Return a path without the duplicates that joining a base URL and a path can leave.

    All decisions use the returned path, the guard's checks included, which refuse remaining double
    slashes. `raw_path` is percent-encoded and has no query.
    """
    if raw_path in _USUAL:
        return raw_path
    if _DOUBLED.search(raw_path) is None:
        twice = _TWICE.match(raw_path)
        return raw_path if twice is None else twice["once"]
    path = _BASE.sub(_last_base, raw_path.rstrip(b"/"))
    path = _JOINT.sub(rb"\g<base>/\g<family>", path)
    return _TWICE.sub(rb"\g<once>", path) or b"/"


def _last_base(bases: re.Match[bytes]) -> bytes:
    return b"/openai" if bases[0].endswith(b"openai") else b"/v1"


def place_of(raw_path: bytes) -> Place | None:
    """Return the meaning of a path, or None if the gateway does not serve it.

    `raw_path` is percent-encoded and has no query (ASGI's `raw_path`).
    """
    path = raw_path.decode("ascii", "replace").removesuffix("/")
    deployment = _DEPLOYMENT.match(path)
    if deployment is not None:
        return Place(deployment["below"], unquote(deployment["deployment"]))
    for prefix in _PREFIXES:
        if path.startswith(prefix):
            return Place(path[len(prefix) - 1 :])
    known = path.startswith("/") and path[1:].partition("/")[0] in WITHOUT_V1
    return Place(path) if known else None
