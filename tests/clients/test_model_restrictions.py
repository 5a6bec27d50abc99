"""`clients[].models` holds, whatever a request looks like: nothing else reaches the upstream."""

import gzip
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import openai
import pytest

from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import CredentialPolicy, ModelRule, Settings, UpstreamSettings
from gateway.shapes import Shape
from tests import kinds
from tests.clients.recording import Answer, Recorder, exchanged, recording_upstream
from tests.clients.running import running_gateway
from tests.clients.test_isolation import client_settings
from tests.rows import module_fixture
from tests.waiting import PATIENCE

KEY, ANYONE = "gw-restricted-0123456789", "gw-anyone-0123456789abcd"
RULES = (
    ModelRule("allowed-chat", endpoints=(Shape.CHAT,)),
    ModelRule("*", endpoints=(Shape.CHAT,)),
)
AS_JSON = "Content-Type: application/json"
AS_FORM = "Content-Type: multipart/form-data; boundary=XyZ"


@dataclass
class Running:
    upstream: Recorder
    base_url: str

    def ask(self, target: str, body: bytes = b"", *fields: str, **more: Any) -> Answer:
        key = more.pop("key", KEY)
        return exchanged(
            self.base_url, target, body, f"Authorization: Bearer {key}", *fields, **more
        )

    def refuses(self, target: str, body: bytes, *fields: str, **more: Any) -> Answer:
        """Ask, and see that it is refused with a reason and that nothing went upstream."""
        before = len(self.upstream.requests)
        answer = self.ask(target, body, *fields, **more)
        assert answer.status in (400, 403, 415), (target, answer.status, answer.body[:300])
        assert len(answer.error["message"]) > 20
        assert b"forbidden" not in self.upstream.since(before).lower()
        return answer

    def serves(self, target: str, body: bytes, *fields: str, **more: Any) -> bytes:
        """Ask, and return what reached the upstream."""
        before = len(self.upstream.requests)
        answer = self.ask(target, body, *fields, **more)
        assert answer.status == 200, answer.body[:500]
        assert len(self.upstream.requests) > before
        return self.upstream.since(before)


@module_fixture
def running() -> Iterator[Running]:
    with recording_upstream() as upstream:
        settings = Settings(
            (
                UpstreamSettings(
                    "up", upstream.base_url, kinds.OTHER, CredentialPolicy.NONE, max_connections=8
                ),
            ),
            models=RULES,
            clients=(
                client_settings("narrow", KEY, "allowed-*"),
                client_settings("anyone", ANYONE, "*"),
            ),
            admin=AdminSettings(enabled=True),
        )
        with running_gateway(settings) as gateway:
            yield Running(upstream, gateway.base_url)
        assert b"forbidden" not in upstream.since(0).lower()


# --- JSON ---------------------------------------------------------------------------------------

GENERATION = {
    "/v1/chat/completions": '"messages":[{"role":"user","content":"Hi"}]',
    "/v1/completions": '"prompt":"Hi"',
    "/v1/responses": '"input":"Hi"',
}
JSON_PATHS = {
    **GENERATION,
    "/v1/embeddings": '"input":"Hi"',
    "/v1/moderations": '"input":"Hi"',
    "/v1/images/generations": '"prompt":"Hi"',
    "/v1/audio/speech": '"input":"Hi","voice":"alloy"',
    "/v1/fine_tuning/jobs": '"training_file":"file-1"',
    "/v1/rerank": '"query":"Hi"',
    "/v1/videos": '"prompt":"Hi"',
    "/v1/threads/runs": '"assistant_id":"asst_1"',
    "/v1/threads/thread_1/runs": '"assistant_id":"asst_1"',
    "/v1/realtime/sessions": '"voice":"alloy"',
    "/v1/responses/compact": '"input":"Hi"',
    "/openai/v1/embeddings": '"input":"Hi"',
    "/v1/engines/allowed-e/embeddings": '"input":"Hi"',
    "/v1/v1/embeddings": '"input":"Hi"',
    "//v1//chat//completions": '"messages":[{"role":"user","content":"Hi"}]',
    "/v1//v1/engines/allowed-e/embeddings": '"input":"Hi"',
}
EVASIONS = {
    "plain": '{"model":"forbidden",X}',
    "first of two": '{"model":"forbidden","model":"allowed-chat",X}',
    "last of two": '{"model":"allowed-chat",X,"model":"forbidden"}',
    "escaped key": '{"\\u006dodel":"forbidden",X,"model":"allowed-chat"}',
    "escaped keys": '{"\\u006d\\u006fdel":"forbidden",X}',
    "capital": '{"Model":"forbidden",X,"model":"allowed-chat"}',
    "capital behind": '{"model":"allowed-chat",X,"MODEL":"forbidden"}',
    "capital alone": '{"MODEL":"forbidden",X}',
    "full width": '{"model":"allowed-chat",X,"\uff4dodel":"forbidden"}',
    "with a space": '{"model":"allowed-chat",X,"model ":"forbidden"}',
    "with a NUL": '{"model":"allowed-chat",X,"model\\u0000x":"forbidden"}',
    "models": '{"model":"allowed-chat",X,"models":["allowed-a","forbidden"]}',
    "models in capitals": '{"model":"allowed-chat",X,"Models":["forbidden"]}',
    "long s": '{"model":"allowed-chat",X,"model\u017f":["forbidden"]}',
    "models as text": '{"model":"allowed-chat",X,"models":"allowed-a, forbidden"}',
    "list": '{"model":["allowed-chat","forbidden"],X}',
    "object": '{"model":{"id":"forbidden"},X}',
    "commas": '{"model":"allowed-chat,forbidden",X}',
    "fallbacks": '{"model":"allowed-chat",X,"fallbacks":["forbidden"]}',
    "fallback objects": '{"model":"allowed-chat",X,"fallbacks":[{"model":"forbidden"}]}',
    "fallback map": '{"model":"allowed-chat",X,"fallbacks":[{"allowed-chat":["forbidden"]}]}',
    "fallback keys": '{"model":"allowed-chat",X,"fallbacks":[{"forbidden":["allowed-a"]}]}',
    "context fallbacks": '{"model":"allowed-chat",X,"context_window_fallbacks":["forbidden"]}',
    "extra body": '{"model":"allowed-chat",X,"extra_body":{"model":"forbidden"}}',
    "extra models": '{"model":"allowed-chat",X,"extra_body":{"models":["forbidden"]}}',
    "extra capital": '{"model":"allowed-chat",X,"extra_body":{"Model":"forbidden"}}',
    "tool": '{"model":"allowed-chat",X,"tools":[{"type":"image_generation","model":"forbidden"}]}',
    "plugin": '{"model":"allowed-chat",X,"plugins":[{"id":"a","allowed_models":["forbidden"]}]}',
    "adapter": '{"model":"allowed-chat",X,"lora_path":"forbidden"}',
    "adapters": '{"model":"allowed-chat",X,"adapters":"forbidden"}',
    "engine in Extra_Body": '{"model":"allowed-chat",X,"Extra_Body":{"engine":"forbidden"}}',
    "adapter in extra body": '{"model":"allowed-chat",X,"extra_body":{"lora_path":"forbidden"}}',
    "preset": '{"model":"allowed-chat",X,"preset":"forbidden"}',
    "deployment": '{"model":"allowed-chat",X,"deployment_id":"forbidden"}',
    "moderation": '{"model":"allowed-chat",X,"moderation":{"model":"forbidden"}}',
    "comment": '{/*"*/"model":"forbidden"/*"*/,X,"model":"allowed-chat"}',
    "single quotes": "{'model':'forbidden',X}",
    "trailing comma": '{"model":"forbidden",X,}',
    "two documents": '{"model":"allowed-chat",X}{"model":"forbidden"}',
    "lone surrogate": '{"model":"forbidden",X,"x":"\\ud800","model":"allowed-chat"}',
    "NaN": '{"model":"forbidden",X,"x":NaN,"model":"allowed-chat"}',
    "list around": '[{"model":"forbidden",X}]',
}
TYPES = {
    "json": [AS_JSON],
    "none": [],
    "text": ["Content-Type: text/plain"],
    "problem": ["Content-Type: application/vnd.api+json; charset=utf-8"],
    "urlencoded": ["Content-Type: application/x-www-form-urlencoded"],
    "multipart": [AS_FORM],
    "two": [AS_JSON, "Content-Type: text/plain"],
}


def filled(template: str, path: str) -> bytes:
    return template.replace("X", JSON_PATHS[path]).encode()


@pytest.mark.parametrize("evasion", EVASIONS)
def test_json_that_could_name_a_forbidden_model(running: Running, evasion: str) -> None:
    for path in JSON_PATHS:
        running.refuses(path, filled(EVASIONS[evasion], path), AS_JSON)


@pytest.mark.parametrize("key", ["Model", "model ", "\uff4dodel", "mo-del"])
def test_a_key_that_is_not_quite_model_names_none(running: Running, key: str) -> None:
    for path in JSON_PATHS:
        answer = running.refuses(path, filled(f'{{"{key}":"allowed-chat",X}}', path), AS_JSON)
        assert answer.status == 400, path


@pytest.mark.parametrize("declared", TYPES)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
def test_content_types_that_lie_change_nothing(running: Running, path: str, declared: str) -> None:
    fields = TYPES[declared]
    for evasion in ("plain", "first of two", "capital", "models", "comment"):
        running.refuses(path, filled(EVASIONS[evasion], path), *fields)
    body = filled('{"model":"allowed-chat",X}', path)
    if declared in ("multipart", "two"):
        running.refuses(path, body, *fields)
    else:
        assert b"allowed-chat" in running.serves(path, body, *fields)


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/completions", "/v1/embeddings"])
@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf%b",
        b"%b\xff",
        b"\x00%b",
    ],
)
def test_bodies_that_are_not_plain_utf8(running: Running, path: str, raw: bytes) -> None:
    body = filled('{"model":"forbidden",X}', path)
    running.refuses(path, raw % body, AS_JSON)
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        running.refuses(path, body.decode().encode(encoding), AS_JSON)
        running.refuses(path, body.decode().encode(encoding), f"{AS_JSON}; charset={encoding}")
    hidden = filled('{"model":"allowed-chat",X,"x":"+ACI-,+ACI-model+ACI-:+ACI-forbidden"}', path)
    for charset in ("utf-7", '"utf-7"', "UTF-8; charset=utf-7", "shift_jis", "unicode_escape"):
        running.refuses(path, hidden, f"{AS_JSON}; charset={charset}")


@pytest.mark.parametrize("path", JSON_PATHS)
def test_honest_requests_are_served(running: Running, path: str) -> None:
    model = "allowed-e" if "engines" in path else "allowed-chat"
    body = filled(f'{{"model":"{model}",X,"metadata":{{"Model":"illicit-word"}}}}', path)
    if "edits" not in path:
        sent = running.serves(path, body, AS_JSON)
        assert model.encode() in sent


def test_what_a_request_is_about_is_not_what_it_asks_for(running: Running) -> None:
    schema = {
        "type": "object",
        "properties": {"model": {"type": "string", "default": "illicit-car"}},
        "required": ["model"],
        "examples": [{"model": "T-800"}],
    }
    tool = {"type": "function", "function": {"name": "model", "parameters": schema}}
    call = {"id": "c1", "type": "function"}
    call["function"] = {"name": "model", "arguments": '{"model":"illicit-car"}'}  # type: ignore[assignment]
    body = {
        "model": "allowed-chat",
        "messages": [
            {"role": "user", "content": '{"model": "illicit-car", "models": ["x"]}'},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "model: illicit-car"},
        ],
        "tools": [tool],
        "metadata": {"model": "illicit-car"},
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    }
    raw = json.dumps(body).encode()
    assert raw in running.serves("/v1/chat/completions", raw, AS_JSON)


def test_a_client_for_every_model_is_not_looked_at(running: Running) -> None:
    raw = b'{"model":"illicit","Model":"x","models":["y"],"messages":[]}'
    assert raw in running.serves("/v1/chat/completions", raw, AS_JSON, key=ANYONE)
    assert b"file-1" in running.serves(
        "/v1/batches", b'{"input_file_id":"file-1"}', AS_JSON, key=ANYONE
    )
    odd = form(("name='model'", "illicit"))
    assert odd in running.serves("/v1/files", odd, AS_FORM, key=ANYONE)


def test_compressed_bodies_are_not_passed_on(running: Running) -> None:
    body = gzip.compress(b'{"model":"forbidden"}')
    for path in ("/v1/embeddings", "/v1/files", "/v1/chat/completions"):
        assert running.refuses(path, body, AS_JSON, "Content-Encoding: gzip").status == 415


# --- queries and paths --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        *("model=forbidden", "Model=forbidden", "%6dodel=forbidden", "a=b&model=forbidden"),
        *("model=allowed-a&model=forbidden", "model[]=forbidden", "models=allowed-a,forbidden"),
        *("a=b;model=forbidden", "fallbacks=forbidden", "model%00x=forbidden", "engine=forbidden"),
        *("model=%66orbidden", "model[0]=forbidden", "model[id]=forbidden", "deployment=forbidden"),
    ],
)
def test_a_query_names_no_forbidden_model(running: Running, query: str) -> None:
    for path in ("/v1/chat/completions", "/v1/embeddings", "/openai/v1/responses"):
        body = b'{"model":"allowed-chat","messages":[],"input":"Hi"}'
        assert running.refuses(f"{path}?{query}", body, AS_JSON).status in (400, 403)
    for path in ("/v1/realtime", "/v1/models", "/v1/files", "/v1/fine-tunes", "/v1/engines"):
        running.refuses(f"{path}?{query}", b"", method="GET")


@pytest.mark.parametrize(
    "path",
    [
        "/openai/deployments/forbidden/chat/completions",
        "/openai/deployments/forbidden/embeddings",
        "/openai/deployments/%66orbidden/completions",
        "/v1/engines/forbidden/completions",
        "/v1/engines/forbidden/embeddings",
    ],
)
def test_a_path_names_no_forbidden_model(running: Running, path: str) -> None:
    for model in ("", '"model":"allowed-chat",'):
        running.refuses(path, f'{{{model}"prompt":"Hi","messages":[]}}'.encode(), AS_JSON)


def test_a_path_that_names_an_allowed_model_is_served(running: Running) -> None:
    body = b'{"messages":[{"role":"user","content":"Hi"}]}'
    path = "/openai/deployments/allowed-chat/chat/completions"
    assert b"allowed-chat" in running.serves(path, body, AS_JSON)
    path = "/openai/deployments/allowed-chat/embeddings"
    assert b"allowed-chat" in running.serves(path, b'{"input":"Hi"}', AS_JSON)
    doubled = b'{"model":"forbidden","model":"allowed-chat","messages":[],"input":"x"}'
    for path in ("chat/completions", "embeddings"):
        running.refuses(f"/openai/deployments/allowed-chat/{path}", doubled, AS_JSON)


def test_model_cards_stay_judged(running: Running) -> None:
    for method in ("GET", "DELETE", "HEAD"):
        before = len(running.upstream.requests)
        answer = running.ask("/v1/models/forbidden", method=method)
        assert answer.status == 404
        assert len(running.upstream.requests) == before
    running.serves("/v1/models/allowed-x", b"", method="DELETE")


# --- calls that carry their model elsewhere -----------------------------------------------------

UNREADABLE = {
    "/v1/batches": {"input_file_id": "file-1", "endpoint": "/v1/chat/completions"},
    "/v1/batches?x=1": {"input_file_id": "file-1", "model": "allowed-chat"},
    "/v1/%62atches": {"input_file_id": "file-1", "model": "allowed-chat"},
    "/openai/v1/batches": {"input_file_id": "file-1"},
    "/batches/": {"input_file_id": "file-1"},
    "/v1/evals/eval_1/runs": {"data_source": {"model": "allowed-chat"}},
    "/v1/threads/t/runs": {"assistant_id": "asst_1"},
    "/v1/threads/runs": {"assistant_id": "asst_1", "model": None},
    "/v1/threads/t/runs/r/submit_tool_outputs": {"tool_outputs": [], "model": "allowed-a"},
    "/v1/realtime/client_secrets": {"session": {"type": "realtime"}},
    "/v1/realtime/client_secrets?model=allowed-a": {"model": "allowed-a"},
    "/v1/realtime/sessions": {"voice": "alloy"},
    "/v1/realtime/transcription_sessions": {"model": "allowed-a"},
    "/v1/realtime/calls/c/accept": {"type": "realtime"},
    "/v1/fine_tuning/jobs": {"training_file": "file-1"},
    "/v1/fine_tuning/jobs/j/resume": {},
    "/v1/fine_tuning/checkpoints/allowed-a/permissions": {"project_ids": ["p"]},
    "/v1/responses": {"prompt": {"id": "pmpt_1"}},
    "/v1/responses/compact": {"input": "x"},
    "/v1/images/generations": {"prompt": "x"},
    "/v1/images/edits": {"prompt": "x", "model": None},
    "/v1/moderations": {"input": "x"},
    "/v1/audio/speech": {"input": "x"},
    "/v1/videos": {"prompt": "x"},
    "/v1/videos/v/remix": {"prompt": "x", "model": "allowed-a"},
    "/v1/videos/edits": {"prompt": "x"},
    "/v1/chatkit/sessions": {"workflow": {"id": "w"}},
    "/v1/organization/projects": {"name": "x"},
    "/v1/load_lora_adapter": {"lora_name": "x", "model": "allowed-a"},
    "/v1/unknown": {"model": "allowed-a"},
    "/v1/agents/sessions": {"agent_id": "a", "model": "allowed-a"},
    "/v1/live/sessions": {"transport": {"sdp": "v=0"}, "model": "allowed-a"},
    "/v1/live/sessions/s/fork": {"session": {"model": "allowed-a"}},
    "/v1/agents/completions": {"agent_id": "ag", "model": "allowed-a"},
    "/v1/models/allowed-x:generateContent": {"contents": []},
}


@pytest.mark.parametrize("target", UNREADABLE)
def test_a_call_whose_model_cannot_be_judged_is_refused(running: Running, target: str) -> None:
    before = len(running.upstream.requests)
    answer = running.refuses(target, json.dumps(UNREADABLE[target]).encode(), AS_JSON)
    assert answer.status == 403
    assert (answer.error["code"], answer.error["param"]) == ("model_not_allowed", "model")
    assert "cannot be determined" in answer.error["message"]
    assert len(running.upstream.requests) == before


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/v1/batches", "/v1/assistants", "/v1/unknown/x"])
def test_other_methods_are_refused_where_nothing_is_known(
    running: Running, method: str, path: str
) -> None:
    assert running.refuses(path, b"", method=method).status == 403


JUDGED = {
    "/v1/assistants": {"model": "MODEL"},
    "/v1/assistants/asst_1": {"model": "MODEL"},
    "/v1/evals": {"testing_criteria": [{"type": "label_model", "model": "MODEL"}]},
    "/v1/fine_tuning/alpha/graders/run": {"grader": {"graders": {"a": {"model": "MODEL"}}}},
    "/v1/fine_tuning/jobs": {
        "model": "allowed-a",
        "method": {"reinforcement": {"grader": {"type": "score_model", "model": "MODEL"}}},
    },
    "/v1/threads/t/runs": {"assistant_id": "a", "model": "MODEL"},
    "/v1/realtime/client_secrets": {"session": {"type": "realtime", "model": "MODEL"}},
    "/v1/realtime/client_secrets?t": {
        "session": {
            "type": "transcription",
            "audio": {"input": {"transcription": {"model": "MODEL"}}},
        }
    },
    "/v1/realtime/client_secrets?r": {
        "session": {
            "type": "realtime",
            "model": "allowed-a",
            "audio": {"input": {"transcription": {"model": "MODEL"}}},
        }
    },
    "/v1/realtime/translations/client_secrets": {"session": {"model": "MODEL"}},
    "/v1/realtime/transcription_sessions": {"input_audio_transcription": {"model": "MODEL"}},
    "/v1/live/sessions": {"session": {"model": "MODEL"}, "transport": {"sdp": "v=0"}},
    "/v1/conversations/c/items": {
        "items": [{"type": "tool_search_output", "tools": [{"model": "MODEL"}]}]
    },
    "/v1/responses": {"model": "MODEL", "prompt": {"id": "pmpt_1"}, "input": "Hi"},
    "/v1/vector_stores/v/search": {"query": "x", "reranker_model": "MODEL"},
    "/v1/threads/runs": {"assistant_id": "a", "model": "allowed-a", "tools": [{"model": "MODEL"}]},
}


@pytest.mark.parametrize("target", JUDGED)
def test_a_call_is_judged_by_the_model_that_it_carries(running: Running, target: str) -> None:
    body = json.dumps(JUDGED[target])
    answer = running.refuses(target, body.replace("MODEL", "forbidden").encode(), AS_JSON)
    assert answer.status == 403
    assert answer.error["code"] == "model_not_allowed"
    if target != "/v1/responses":  # a prompt of the store goes to no chat endpoint
        assert b"allowed-b" in running.serves(
            target, body.replace("MODEL", "allowed-b").encode(), AS_JSON
        )


@pytest.mark.parametrize("doubled", ["session", "Session"])
def test_what_holds_the_model_counts_once(running: Running, doubled: str) -> None:
    body = f'{{"session":{{"model":"allowed-a"}},"{doubled}":{{}}}}'.encode()
    answer = running.refuses("/v1/realtime/client_secrets", body, AS_JSON)
    assert answer.status == 400


@pytest.mark.parametrize(
    ("method", "target"),
    [
        *(("POST", "/v1/batches/b/cancel"), ("POST", "/v1/uploads"), ("POST", "/v1/threads")),
        *(("POST", "/v1/responses/resp_1/cancel"), ("POST", "/v1/vector_stores")),
        *(("POST", "/v1/conversations"), ("POST", "/v1/containers"), ("GET", "/v1/batches")),
        *(("GET", "/v1/files/f/content"), ("DELETE", "/v1/files/f"), ("GET", "/v1/videos/v")),
        *(("DELETE", "/v1/responses/resp_1"), ("GET", "/v1/unknown"), ("GET", "/v1/realtime")),
        *(("POST", "/v1/chat/completions/c"), ("POST", "/v1/skills"), ("GET", "/v1/threads/t")),
    ],
)
def test_what_runs_no_model_stays_open(running: Running, method: str, target: str) -> None:
    running.serves(target, b"", method=method)
    if method == "POST":
        running.serves(target, b'{"metadata":{"a":"b"}}', AS_JSON)
    else:
        running.refuses(target, b'{"model":"forbidden"}', AS_JSON, method=method)


# --- forms --------------------------------------------------------------------------------------


def form(*parts: tuple[str, str] | tuple[str, str, str], end: str = "\r\n") -> bytes:
    """A form of (what follows `form-data; `, value, further head lines) with the boundary XyZ."""
    text = ""
    for disposition, value, *more in parts:
        text += f"--XyZ{end}Content-Disposition: form-data; {disposition}{end}"
        text += "".join(f"{line}{end}" for line in more) + f"{end}{value}{end}"
    return (text + f"--XyZ--{end}").encode()


FILE = ('name="file"; filename="a.wav"', "RIFF....")
ALLOWED = ('name="model"', "allowed-chat")
FORMS = {
    "plain": form(('name="model"', "forbidden"), FILE),
    "two, first": form(('name="model"', "forbidden"), ALLOWED, FILE),
    "two, last": form(ALLOWED, FILE, ('name="model"', "forbidden")),
    "single quotes": form(ALLOWED, ("name='model'", "forbidden"), FILE),
    "LF only": form(('name="model"', "forbidden"), FILE, end="\n"),
    "CR only": form(('name="model"', "forbidden"), FILE, end="\r"),
    "extended name": form(ALLOWED, ("name*=utf-8''model", "forbidden"), FILE),
    "both names": form(ALLOWED, ("name=\"x\"; name*=utf-8''model", "forbidden"), FILE),
    "two names": form(ALLOWED, ('name="x"; name="model"', "forbidden"), FILE),
    "backslash": form(ALLOWED, ('name="m\\odel"', "forbidden"), FILE),
    "file": form(ALLOWED, ('name="model"; filename="m"', "forbidden"), FILE),
    "file first": form(('filename="m"; name="model"', "forbidden"), ALLOWED, FILE),
    "file, extended": form(ALLOWED, ("name=\"model\"; filename*=utf-8''m", "forbidden"), FILE),
    "capital": form(ALLOWED, ('name="Model"', "forbidden"), FILE),
    "capital alone": form(('name="MODEL"', "forbidden"), FILE),
    "header in capitals": form(ALLOWED, FILE).replace(
        b"--XyZ--",
        b'--XyZ\r\nCONTENT-DISPOSITION: FORM-DATA; NAME="model"\r\n\r\nforbidden\r\n--XyZ--',
    ),
    "array": form(ALLOWED, ('name="model[]"', "forbidden"), FILE),
    "indexed": form(ALLOWED, ('name="model[0]"', "forbidden"), FILE),
    "dotted": form(ALLOWED, ('name=".model"', "forbidden"), FILE),
    "with a space": form(ALLOWED, ('name="model "', "forbidden"), FILE),
    "percent": form(ALLOWED, ('name="mod%65l"', "forbidden"), FILE),
    "models": form(ALLOWED, ('name="models"', '["allowed-a","forbidden"]'), FILE),
    "models by commas": form(ALLOWED, ('name="models[]"', "allowed-a,forbidden"), FILE),
    "target models": form(ALLOWED, ('name="target_model_names"', "forbidden"), FILE),
    "fallbacks": form(ALLOWED, ('name="fallbacks"', "forbidden"), FILE),
    "nested name": form(ALLOWED, ('name="tools[0][model]"', "forbidden"), FILE),
    "JSON field": form(ALLOWED, ('name="x"', '{"model":"forbidden"}'), FILE),
    "base64": form(
        ALLOWED, ('name="x"', "Zm9yYmlkZGVu", "Content-Transfer-Encoding: base64"), FILE
    ),
    "quoted-printable": form(
        ('name="model"', "forbidden=", "Content-Transfer-Encoding: quoted-printable"), FILE
    ),
    "UTF-7": form(
        ('name="model"', "allowed-+AGY-orbidden", "Content-Type: text/plain; charset=utf-7"), FILE
    ),
    "charset field": form(('name="_charset_"', "utf-7"), ALLOWED, FILE),
    "type first": form(FILE).replace(
        b"--XyZ--",
        b'--XyZ\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name="model"\r\n\r\n'
        b"forbidden\r\n--XyZ--",
    ),
    "folded": form(ALLOWED, ('\r\n name="model"', "forbidden"), FILE),
    "folded name": form(ALLOWED, ('name="x";\r\n\tname="model"', "forbidden"), FILE),
    "two dispositions": form(
        ALLOWED, ('name="x"', "forbidden", 'Content-Disposition: form-data; name="model"'), FILE
    ),
    "nested form": form(
        ALLOWED,
        (
            'name="files"',
            '--In\r\nContent-Disposition: form-data; name="model"\r\n\r\nforbidden\r\n--In--',
            "Content-Type: multipart/mixed; boundary=In",
        ),
    ),
    "preamble": b'x\r\n--Q\r\nContent-Disposition: form-data; name="model"\r\n\r\nforbidden\r\n'
    + form(ALLOWED, FILE),
    "epilogue": form(ALLOWED, FILE) + form(('name="model"', "forbidden"), FILE),
    "padded boundary": form(ALLOWED, ('name="model"', "forbidden"), FILE).replace(
        b"allowed-chat\r\n--XyZ", b"allowed-chat\r\n--XyZ  "
    ),
    "no name": form(ALLOWED, ("x=y", "forbidden"), FILE),
    "attachment": form(ALLOWED, FILE).replace(
        b'form-data; name="file"', b'attachment; name="model"'
    ),
    "cut off": form(ALLOWED, ('name="model"', "forbidden"))[:-9],
    "json": b'{"model":"forbidden"}',
    "NUL": form(ALLOWED, ('name="model\0x"', "forbidden"), FILE),
    "value with a NUL": form(('name="model"', "allowed-\0forbidden"), FILE),
    "not UTF-8": form(ALLOWED, FILE).replace(b"allowed-chat", b"allowed-\xff"),
}
FORM_PATHS = [
    *("/v1/audio/transcriptions", "/v1/images/edits", "/v1/videos", "/v1/files"),
    "/v1/realtime/calls",
]


@pytest.mark.parametrize("path", FORM_PATHS)
@pytest.mark.parametrize("evasion", FORMS)
def test_a_form_that_could_name_a_forbidden_model(
    running: Running, path: str, evasion: str
) -> None:
    # In a form whose framing is written anew, what a file holds is nobody's field.
    running.refuses(path, FORMS[evasion].replace(b"forbidden", b"FORBIDDEN"), AS_FORM)
    running.refuses(path, FORMS[evasion], AS_FORM)


@pytest.mark.parametrize(
    "declared",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=XyZ; boundary=Q",
        "multipart/form-data; boundary*=utf-8''XyZ",
        "multipart/form-data; boundary=XyZ; charset=utf-16",
        "multipart/form-data; boundary=XyZ; x=y",
        "multipart/mixed; boundary=XyZ",
        "multipart/form-data, application/json; boundary=XyZ",
        "application/json; x=multipart/form-data; boundary=XyZ",
        'Multipart/Form-Data; boundary="Xy\\Z"',
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
    ],
)
def test_a_form_under_an_odd_type_is_not_passed_on(running: Running, declared: str) -> None:
    for parts in ([ALLOWED, FILE], [('name="model"', "forbidden"), FILE]):
        running.refuses("/v1/audio/transcriptions", form(*parts), f"Content-Type: {declared}")
    running.refuses("/v1/audio/transcriptions", form(ALLOWED, FILE), AS_FORM, AS_JSON)


@pytest.mark.parametrize("urlencoded", ["model=forbidden", "model=allowed-chat&model=forbidden"])
def test_urlencoded_forms_are_not_passed_on(running: Running, urlencoded: str) -> None:
    for declared in ("application/x-www-form-urlencoded", "text/plain"):
        for path in ("/v1/embeddings", "/v1/chat/completions", "/v1/audio/speech"):
            running.refuses(path, urlencoded.encode(), f"Content-Type: {declared}")
    both = b'{"model":"allowed-chat","input":"&model=forbidden&"}'
    running.refuses("/v1/embeddings", both, "Content-Type: application/x-www-form-urlencoded")


@pytest.mark.parametrize("size", [10, 300_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_an_honest_form_is_streamed_on(running: Running, size: int, chunked: bool) -> None:
    content = "é" + "x" * size + "--XyZ-not\r\n-"
    parts = form(
        ALLOWED,
        ('name="timestamp_granularities[]"', "word"),
        ('name="prompt"', '{"model": "a car", "model": 1}'),
        (
            'filename="m\\"ü.wav"; name="file"; filename*=utf-8\'\'m.wav',
            "DATA",
            "Content-Type: audio/wav",
        ),
    ).replace(b"DATA", content.replace("--XyZ", "--Xyz").encode())
    fields, body = [AS_FORM], parts
    if chunked:
        fields.append("Transfer-Encoding: chunked")
        body = b"".join(
            b"%x\r\n%b\r\n" % (len(piece), piece)
            for piece in (parts[i : i + 7_001] for i in range(0, len(parts), 7_001))
        )
        body += b"0\r\n\r\n"
    sent = running.serves("/v1/audio/transcriptions", body, *fields)
    head, _, received = sent.partition(b"\r\n\r\n")
    received = unchunked(received) if b"transfer-encoding: chunked" in head.lower() else received
    assert b"XyZ" not in head
    assert b'name="model"\r\n\r\nallowed-chat\r\n' in received
    assert b'name="timestamp_granularities[]"\r\n\r\nword\r\n' in received
    assert 'name="file"; filename="m_ü.wav"\r\nContent-Type: audio/wav\r\n'.encode() in received
    assert content.replace("--XyZ", "--Xyz").encode() in received


def unchunked(data: bytes) -> bytes:
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        whole += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]
    return whole


def test_what_looks_like_a_field_within_a_file_is_none(running: Running) -> None:
    inner = 'Content-Disposition: form-data; name="model"'
    for hidden in (
        f"\n--XyZ\n{inner}\n\nillicit\n--XyZ\n",
        f"--XyZ\r\n{inner}\r\n\r\nillicit\r\n-XyZ",
        f"\r\n\r\n{inner}\r\n\r\nillicit\r\n",
        f'\r\n--"XyZ"\r\n{inner}\r\n\r\nillicit\r\n',
    ):
        sent = running.serves("/v1/files", form(ALLOWED, (FILE[0], hidden)), AS_FORM)
        head, _, received = sent.partition(b"\r\n\r\n")
        boundary = head.lower().partition(b"boundary=")[2].partition(b"\r\n")[0]
        # No parser that goes by this boundary sees more than the two parts.
        assert len(boundary) > 32
        assert received.count(boundary) == 3
        assert hidden.encode() in received


@pytest.mark.parametrize("first", [[], [ALLOWED]])
def test_a_streamed_upload_names_no_model_behind_its_file(
    running: Running, first: list[tuple[str, str]]
) -> None:
    big = ('name="file"; filename="a"', "x" * 400_000)
    for name in ("model", "Model", "models", "session"):
        body = form(*first, big, (f'name="{name}"', "forbidden"))
        running.refuses("/v1/audio/transcriptions", body, AS_FORM)
        running.refuses("/v1/files", body, AS_FORM)
    body = form(*first, big, ("name='model'", "forbidden"))
    running.refuses("/v1/audio/transcriptions", body, AS_FORM)


def test_an_upload_that_goes_on_slowly_is_judged_as_it_goes(running: Running) -> None:
    body = form(
        ALLOWED, ('name="file"; filename="a"', "x" * 200_000), ('name="model"', "forbidden")
    )
    cut = body.index(b"forbidden") - 100
    port = int(running.base_url.split(":")[2].partition("/")[0])
    head = (
        f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {KEY}\r\n{AS_FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    before = len(running.upstream.requests)
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(head.encode() + body[:cut])
        client.sendall(body[cut:])
        received = b""
        while piece := client.recv(65536):
            received += piece
    assert received.startswith(b"HTTP/1.1 400")
    assert b"before the file" in received
    assert b"forbidden" not in running.upstream.since(before)


def test_a_realtime_call_is_judged_by_its_session(running: Running) -> None:
    sdp = ('name="sdp"', "v=0")
    for session, served in (
        ('{"type":"realtime","model":"allowed-a"}', True),
        ('{"type":"realtime","model":"forbidden"}', False),
        ('{"type":"realtime","model":"allowed-a","model":"forbidden"}', False),
        ('{"type":"realtime","audio":{"input":{"transcription":{"model":"forbidden"}}}}', False),
        ('{"type":"realtime"}', False),
        ("{type:'realtime',model:'forbidden'}", False),
        ("forbidden", False),
    ):
        body = form(sdp, ('name="session"', session, "Content-Type: application/json"))
        if served:
            assert session.encode() in running.serves("/v1/realtime/calls", body, AS_FORM)
        else:
            running.refuses("/v1/realtime/calls", body, AS_FORM)
    good = ('name="session"', '{"type":"realtime","model":"allowed-a"}')
    for name in ("session", "Session", "session[model]", "session.model"):
        running.refuses("/v1/realtime/calls", form(sdp, good, (f'name="{name}"', "{}")), AS_FORM)
    running.refuses("/v1/realtime/calls", b"v=0", "Content-Type: application/sdp")


def test_the_gateway_goes_on(running: Running) -> None:
    body = b'{"model":"allowed-chat","messages":[{"role":"user","content":"Hi"}]}'
    for _ in range(20):  # more than the upstream's connections: no refusal has kept one
        assert running.serves("/v1/chat/completions", body, AS_JSON)


def test_openais_own_client_is_served(running: Running) -> None:
    client = openai.OpenAI(api_key=KEY, base_url=running.base_url, max_retries=0)
    before = len(running.upstream.requests)
    audio = ('a ü".wav', b"RIFF" + b"\r\n--" * 50_000, "audio/wav")
    with client:
        client.audio.transcriptions.create(
            model="allowed-a", file=audio, timestamp_granularities=["word"], prompt="{"
        )
        client.images.edit(model="allowed-a", image=[b"a", b"b"], prompt="x", size="1024x1024")
        client.files.create(file=audio, purpose="user_data")
        client.embeddings.create(model="allowed-a", input="x", encoding_format="float")
        client.chat.completions.create(
            model="allowed-chat", messages=[{"role": "user", "content": "Hi"}]
        )
        with pytest.raises(openai.PermissionDeniedError, match="does not allow the model"):
            client.audio.transcriptions.create(model="forbidden", file=audio)
        with pytest.raises(openai.PermissionDeniedError, match="cannot be determined"):
            client.batches.create(
                input_file_id="f", endpoint="/v1/responses", completion_window="24h"
            )
    assert len(running.upstream.requests) == before + 5
