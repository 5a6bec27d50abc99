"""The table of calls, beside generation, that are permitted to clients with a list of models.

A call is permitted if it names its model where the gateway reads it, and the client may use that
model, or if the call by its nature runs no model. All other calls are refused, and so are all paths
that are not in the table, since it is unknown what they run. Further models that a call names are
judged, too (`named_models`).

Sources: openai-openapi, revision of 2026-08, and openai-python 3.57 (every path of both was gone
through; a test compares the table with the installed client); for
`rerank`, `score`, `classify`, `pooling` vLLM's OpenAI-compatible server; for `messages` Anthropic's
API as vLLM, LiteLLM and OpenRouter have it; for `ocr`, `fim` and `classifications` Mistral's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from gateway.exchange.restricted.named_models import MODEL, Place


@dataclass(frozen=True, slots=True)
class Permission:
    """What a call of a path must have; one of `places`, if there are any, must name its model."""

    places: tuple[Place, ...] = ()
    transcription: tuple[Place, ...] = ()
    """The places that count instead for a realtime session of the type `transcription`."""
    refused: str = ""
    """Why the call cannot be judged, as the end of a sentence; empty if it can be."""


BY_MODEL = Permission((MODEL,))
RUNS_NONE = Permission()
_SESSION = Permission(
    (("session", "model"),), (("session", "audio", "input", "transcription", "model"),)
)
_BY_SESSION = Permission((("session", "model"),))
_UNKNOWN = Permission(refused="the gateway does not know where this call names its model")


def _elsewhere(reason: str) -> Permission:
    return Permission(refused=reason)


_EARLIER_VIDEO = _elsewhere("the model is that of an earlier video")
_AGENT = _elsewhere("the models are those of a stored agent")
_ACCOUNT = _elsewhere("the call is about the upstream's account, which is not this client's alone")

POSTED: Mapping[str, Permission] = {
    # Generation has its own endpoints in the gateway, and is judged there by the same rules.
    "/responses/compact": BY_MODEL,
    "/responses/input_tokens": BY_MODEL,
    "/responses/{id}/cancel": RUNS_NONE,
    "/chat/completions/{id}": RUNS_NONE,
    "/embeddings": BY_MODEL,
    "/moderations": BY_MODEL,  # without a model OpenAI takes one of its own
    "/audio/speech": BY_MODEL,
    "/audio/transcriptions": BY_MODEL,
    "/audio/translations": BY_MODEL,
    "/images/generations": BY_MODEL,
    "/images/edits": BY_MODEL,
    "/images/variations": BY_MODEL,
    "/videos": BY_MODEL,
    "/videos/{id}/remix": _EARLIER_VIDEO,
    "/videos/edits": _EARLIER_VIDEO,
    "/videos/extensions": _EARLIER_VIDEO,
    "/files": RUNS_NONE,
    "/uploads": RUNS_NONE,
    "/uploads/{id}/parts": RUNS_NONE,
    "/uploads/{id}/complete": RUNS_NONE,
    "/uploads/{id}/cancel": RUNS_NONE,
    "/batches": _elsewhere("the models are named in the batch's file"),
    "/batches/{id}/cancel": RUNS_NONE,
    "/fine_tuning/jobs": BY_MODEL,
    "/fine_tuning/jobs/{id}/cancel": RUNS_NONE,
    "/fine_tuning/jobs/{id}/pause": RUNS_NONE,
    "/fine_tuning/jobs/{id}/resume": _elsewhere("the model is that of a job started before"),
    "/fine_tuning/alpha/graders/run": RUNS_NONE,  # a grader's model is in the body, if it has one
    "/fine_tuning/alpha/graders/validate": RUNS_NONE,
    "/evals": RUNS_NONE,  # its graders' models are in the body
    "/evals/{id}": RUNS_NONE,
    "/evals/{id}/runs": _elsewhere("the graders, and their models, are stored with the eval"),
    "/evals/{id}/runs/{id}": RUNS_NONE,  # cancels it
    "/evals/{id}/runs/{id}/cancel": RUNS_NONE,
    "/assistants": RUNS_NONE,
    "/assistants/{id}": RUNS_NONE,
    "/threads": RUNS_NONE,
    "/threads/{id}": RUNS_NONE,
    "/threads/{id}/messages": RUNS_NONE,
    "/threads/{id}/messages/{id}": RUNS_NONE,
    "/threads/runs": BY_MODEL,  # without a model it is the assistant's
    "/threads/{id}/runs": BY_MODEL,
    "/threads/{id}/runs/{id}": RUNS_NONE,
    "/threads/{id}/runs/{id}/cancel": RUNS_NONE,
    "/threads/{id}/runs/{id}/submit_tool_outputs": _elsewhere(
        "the model is that of a run started before"
    ),
    "/conversations": RUNS_NONE,
    "/conversations/{id}": RUNS_NONE,
    "/conversations/{id}/items": RUNS_NONE,
    "/containers": RUNS_NONE,
    "/containers/{id}/files": RUNS_NONE,
    "/vector_stores": RUNS_NONE,
    "/vector_stores/{id}": RUNS_NONE,
    "/vector_stores/{id}/search": RUNS_NONE,
    "/vector_stores/{id}/files": RUNS_NONE,
    "/vector_stores/{id}/files/{id}": RUNS_NONE,
    "/vector_stores/{id}/file_batches": RUNS_NONE,
    "/vector_stores/{id}/file_batches/{id}/cancel": RUNS_NONE,
    "/skills": RUNS_NONE,
    "/skills/{id}": RUNS_NONE,
    "/skills/{id}/versions": RUNS_NONE,
    "/realtime/sessions": BY_MODEL,
    "/realtime/transcription_sessions": Permission((("input_audio_transcription", "model"),)),
    "/realtime/client_secrets": _SESSION,
    "/realtime/translations/client_secrets": _BY_SESSION,
    "/realtime/calls": _SESSION,
    "/realtime/calls/{id}/accept": BY_MODEL,
    "/realtime/calls/{id}/hangup": RUNS_NONE,
    "/realtime/calls/{id}/refer": RUNS_NONE,
    "/realtime/calls/{id}/reject": RUNS_NONE,
    "/live/sessions": _BY_SESSION,
    "/live/sessions/{id}/accept": BY_MODEL,
    "/live/sessions/{id}/fork": _elsewhere("the model is that of the session that is forked"),
    "/live/sessions/{id}/hangup": RUNS_NONE,
    "/live/sessions/{id}/refer": RUNS_NONE,
    "/live/sessions/{id}/reject": RUNS_NONE,
    "/decisions": BY_MODEL,
    "/chatkit/sessions": _elsewhere("the models are those of a stored workflow"),
    "/chatkit/sessions/{id}/cancel": RUNS_NONE,
    # Endpoints of OpenAI's past, and other servers' own.
    "/search": BY_MODEL,
    "/answers": BY_MODEL,
    "/classifications": BY_MODEL,
    "/chat/classifications": BY_MODEL,
    "/chat/moderations": BY_MODEL,
    "/fim/completions": BY_MODEL,
    "/ocr": BY_MODEL,
    "/messages": BY_MODEL,
    "/messages/count_tokens": BY_MODEL,
    "/messages/batches": _elsewhere("the models are named in each of the batch's requests"),
    "/messages/batches/{id}/cancel": RUNS_NONE,
    "/rerank": BY_MODEL,
    "/score": BY_MODEL,
    "/classify": BY_MODEL,
    "/pooling": BY_MODEL,
}
"""What may be posted, by path below `/v1`. PUT and PATCH are nowhere in OpenAI's API."""

NESTED_MODELS: Mapping[str, tuple[Place, ...]] = {
    path: nested
    for path, permission in POSTED.items()
    if (nested := tuple(p for p in (*permission.places, *permission.transcription) if len(p) > 1))
}
"""Where bodies name their model if they do so below the top level, by path."""

_OF_A_SESSION = _elsewhere("the model is that of a session begun before")

SOCKETS: Mapping[str, Permission] = {
    "/realtime": BY_MODEL,
    "/realtime/translations": BY_MODEL,
    "/live": BY_MODEL,
    "/live/sessions": BY_MODEL,
}
"""The paths of sockets that name their model in the query; other sockets join a session.

What a session says later, such as the model of its transcription, is not judged."""

DELETED = (
    *("/files/{id}", "/responses/{id}", "/chat/completions/{id}", "/videos/{id}", "/evals/{id}"),
    *("/evals/{id}/runs/{id}", "/assistants/{id}", "/threads/{id}", "/threads/{id}/messages/{id}"),
    *("/conversations/{id}", "/conversations/{id}/items/{id}", "/vector_stores/{id}"),
    *("/vector_stores/{id}/files/{id}", "/containers/{id}", "/containers/{id}/files/{id}"),
    "/messages/batches/{id}",
    *("/skills/{id}", "/skills/{id}/versions/{id}", "/chatkit/threads/{id}"),
)
"""The paths that may be deleted, beside the client's own models: things that clients make."""

_OF_THE_ACCOUNT = re.compile(
    r"(?:/(?:v1|openai))*"
    r"/(?:organization|projects|fine_tuning/checkpoints|vaults|webhook_endpoints)[.\s]*(?:[/;]|\Z)"
)
_OF_AGENTS = re.compile(r"/agents(?:/|\Z)")
_MODEL_CARD = re.compile(r"/models/.+", re.DOTALL)
_ID = r"[A-Za-z0-9_.:@~-]{1,256}"


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(r"\{id\}", _ID))


_POSTED = [(_pattern(path), permission) for path, permission in POSTED.items() if "{" in path]
_DELETED = [_pattern(path) for path in DELETED]


def _decoded(path: str) -> str:
    """Return a path without any escapes; how often it is encoded was checked before."""
    while (further := unquote(path)) != path:
        path = further
    return path


def permission_for_socket(path: str) -> Permission:
    """Return the permission for opening a socket; `path` is below `/v1`, decoded."""
    return SOCKETS.get(path.lower(), _OF_A_SESSION)


def permission_for(method: str, path: str) -> Permission:
    """Return the permission for a call; `path` is below `/v1`, decoded.

    Reading runs no model and is permitted, but for the account's administration. A model's card is
    judged by its name where it is served (`listing`). The path is compared leniently: some servers
    ignore the case of paths, a second `/v1`, all after a semicolon (Java's), or dots and blanks at
    the end of a segment (Windows'), and some decode a path twice.
    """
    path = path.lower()
    if _OF_THE_ACCOUNT.match(_decoded(path)):
        return _ACCOUNT
    if method in ("GET", "HEAD", "OPTIONS"):
        return RUNS_NONE
    if _OF_AGENTS.match(path):
        return _AGENT
    if method == "DELETE":
        known = _MODEL_CARD.fullmatch(path) or any(each.fullmatch(path) for each in _DELETED)
        return RUNS_NONE if known else _UNKNOWN
    if method != "POST":
        return _UNKNOWN
    permission = POSTED.get(path) if "{" not in path else None
    if permission is not None:
        return permission
    return next((found for each, found in _POSTED if each.fullmatch(path)), _UNKNOWN)
