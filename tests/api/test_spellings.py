"""No spelling of a path evades what clients of certain models are held to."""

import re
from functools import partial
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from gateway.api.admission import Admission
from gateway.exchange.restricted.permissions import DELETED, POSTED, permission_for
from gateway.request import GenerationRequest, Head
from gateway.shapes import ClientHeaders
from tests.api.client import Client
from tests.fakes import json_reply

GATEWAY = Client(lambda _: json_reply({})).gateway
METHODS = ("GET", "POST", "DELETE", "PUT")
PATHS = [
    *("/completions", "/chat/completions", "/responses", "/models", "/models/forbidden"),
    *("/engines/forbidden/completions", "/organization/users", "/fine_tuning/checkpoints/m/x"),
    *(path.replace("{id}", "x-1") for path in (*POSTED, *DELETED)),
]
SEGMENTS = st.sampled_from(
    [
        *("v1", "openai", "V1", "%76%31", "deployments", "forbidden", "models", "engines", ""),
        *("organization", "Projects", "chat", "completions", "embeddings", "threads", "runs"),
        *("fine_tuning", "checkpoints", "agents", "files", ".", "..", "%2e", "a%2Fb", "%2f"),
    ]
)


def admitted(method: str, path: str) -> Admission:
    headers = ClientHeaders([(b"host", b"gateway.test")])
    return GATEWAY.admit(Head(method, path.encode("ascii"), b"", headers))


def described(admission: Admission) -> object:
    """What an admission comes to, but for its handler's identity."""
    request, handler = admission.request, admission.handler
    served = handler if not isinstance(handler, partial) else (handler.func, handler.keywords)
    error = admission.error
    shape = request.shape if isinstance(request, GenerationRequest) else None
    status = (error.status, error.code) if error is not None else served
    return (request.method, request.path, request.model, shape, admission.whole, status)


def as_a_lenient_server_reads(path: str) -> str:
    """Return a path below `/v1` as one reads it that merges slashes and what is doubled."""
    merged = re.sub(r"/+", "/", unquote(path))
    return re.sub(r"\A(?:/(?:v1|openai)(?=/|\Z))+", "", merged.lower())


@given(
    st.sampled_from(METHODS),
    st.sampled_from(PATHS),
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["v1", "openai"])), max_size=4),
    st.integers(1, 3),
    st.integers(0, 3),
)
def test_a_base_url_in_any_spelling_admits_the_same(
    method: str, path: str, bases: list[tuple[int, str]], joint: int, behind: int
) -> None:
    base = "".join("/" * slashes + segment for slashes, segment in bases)
    spelt = admitted(method, f"{base}{'/' * joint}{path[1:]}{'/' * behind}")
    if not bases and spelt.error is not None and spelt.error.code == "unknown_url":
        return  # without a base, not all of the paths are known
    assert described(spelt) == described(admitted(method, f"/v1{path}"))


@given(st.sampled_from(METHODS), st.lists(SEGMENTS, max_size=7))
def test_what_a_lenient_server_would_read_is_what_is_judged(
    method: str, segments: list[str]
) -> None:
    request = (admission := admitted(method, "/" + "/".join(segments))).request
    if admission.error is not None or request.model is not None:
        return  # refused, or judged by the model that the path names
    assert "//" not in request.path
    judged = permission_for(method, unquote(request.path))
    read = permission_for(method, as_a_lenient_server_reads(request.path))
    assert judged.refused or not read.refused


@given(st.sampled_from(METHODS), st.lists(SEGMENTS, max_size=7))
def test_a_model_that_a_path_names_is_the_one_that_is_asked_for(
    method: str, segments: list[str]
) -> None:
    path = "/" + "/".join(segments)
    model = admitted(method, path).request.model
    if model is not None:
        named = re.search(r"/+openai/+deployments/(?P<below>.+)", path)
        assert named is not None
        assert unquote(named["below"]).startswith(f"{model}/")
