"""Where configured names lead, before upstreams that answer, refuse and never answer."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway import cli
from gateway.checks import checking
from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, UpstreamSettings
from gateway.shapes import RawHeaders
from tests.waiting import PATIENCE

METADATA = 0.3
"""Seconds that an upstream has for its model list if it never answers."""


@dataclass
class Lister:
    """An upstream with a model list, and what it was asked for."""

    base_url: str = ""
    answers: bool = True
    asked: list[str] = field(default_factory=list)


@contextmanager
def lister(*models: str, status: int = 200, answers: bool = True) -> Iterator[Lister]:
    """Serve a model list until the block ends."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.asked.append(self.path)
            if not answers:
                over.wait()
            cards = [{"id": model, "object": "model"} for model in models]
            body = json.dumps({"object": "list", "data": cards}).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                seen.asked.append("left")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        seen = Lister(f"http://127.0.0.1:{server.server_port}/v1", answers)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            server.shutdown()
            thread.join()


@contextmanager
def until_asked(hung: Lister) -> Iterator[None]:
    """Let no time pass in event loops before an upstream is asked, and then what it has, at once.

    A busy machine would take longer than that to ask it.
    """
    begun = time.monotonic()
    over = begun + 2 * METADATA
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.BaseEventLoop, "time", lambda _: over if hung.asked else begun)
        yield


def check(folder: Path, models: dict[str, Any], **upstreams: Lister) -> Result:
    """Run `gateway check` with these rules, before these upstreams."""
    path = folder / "gateway.yaml"
    servers = {
        name: {
            "base_url": upstream.base_url,
            "kind": "vllm",
            "credential": "none",
            "timeouts": {"metadata": PATIENCE if upstream.answers else METADATA},
        }
        for name, upstream in upstreams.items()
    }
    path.write_text(json.dumps({"upstreams": servers, "models": models}))
    variables = {"GATEWAY_CONFIG": None, "OPENAI_API_KEY": None}
    return CliRunner().invoke(cli.main, ("check", "--config", str(path)), env=variables)


def resolve(folder: Path, name: str) -> Result:
    """Run `gateway resolve` with the rules of the last check."""
    variables = {"GATEWAY_CONFIG": None, "OPENAI_API_KEY": None}
    arguments = ("resolve", name, "--config", str(folder / "gateway.yaml"))
    return CliRunner().invoke(cli.main, arguments, env=variables)


def warning(upstream: str, reason: str) -> str:
    return (
        f"warning: upstreams.{upstream}: its model list could not be read ({reason}), so the "
        "names that lead there were not checked"
    )


def test_however_many_names_there_are_one_that_hangs_is_asked_once(tmp_path: Path) -> None:
    rules = {f"alias-{i}": f"model-{i}" for i in range(1200)}
    rules["last"] = "model-0"
    with lister(answers=False) as hung, until_asked(hung):
        result = check(tmp_path, rules, slow=hung)
        assert hung.asked.count("/v1/models") == 1
    assert result.exit_code == 0
    _, *names, good = result.stdout.splitlines()
    assert names == [
        f"{name} → {model} at slow: /v1/chat/completions (not checked)"
        for name, model in rules.items()
    ]
    assert good.endswith("good, as far as could be checked (1 upstream, 1201 rules)")
    assert result.stderr.splitlines().count(warning("slow", "no answer within 0.3 s")) == 1
    assert result.stderr.count("could not be read") == 1


def test_a_list_that_is_refused_is_said_once_for_each_upstream(tmp_path: Path) -> None:
    rules: dict[str, Any] = {
        "a": {"model": "x", "upstream": "one"},
        "b": {"model": "y", "upstream": "two", "endpoint": "chat"},
        "c": {"model": "z", "upstream": "two"},
    }
    with lister(status=403) as one, lister(status=429) as two, lister() as three:
        result = check(tmp_path, rules, one=one, two=two, three=three)
        assert (one.asked, two.asked) == (["/v1/models"], ["/v1/models"])
        assert three.asked == []
    assert result.exit_code == 0
    warnings = [line for line in result.stderr.splitlines() if line.startswith("warning")]
    assert warnings == [
        warning("one", "GET /models: status 403; set its api_key"),
        warning("two", "GET /models: status 429"),
    ]
    assert [line.endswith("(not checked)") for line in result.stdout.splitlines()] == [
        *(False, False, False),
        *(True, True, True),
        False,
    ]


def test_what_may_be_where_nobody_answers_is_not_missing(tmp_path: Path) -> None:
    rules = {"here": "there", "gone": "nowhere"}
    with lister("there") as good, lister(answers=False) as hung, until_asked(hung):
        result = check(tmp_path, rules, good=good, slow=hung)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[2:4] == [
        "here → there at good: /v1/chat/completions",
        "gone → nowhere at good: /v1/chat/completions (not checked)",
    ]
    assert warning("slow", "no answer within 0.3 s") in result.stderr


def test_what_is_sought_at_one_upstream_is_missing_there(tmp_path: Path) -> None:
    rules = {
        "here": {"model": "there", "upstream": "good"},
        "gone": {"model": "nowhere", "upstream": "good"},
        "by-rule": {"model": "unlisted", "upstream": "good", "endpoint": "responses"},
    }
    with lister("there") as good, lister(answers=False) as hung:
        result = check(tmp_path, rules, good=good, slow=hung)
        assert hung.asked == []
    assert result.exit_code == 1
    assert result.stdout.splitlines()[2:] == [
        "here → there at good: /v1/chat/completions",
        "by-rule → unlisted at good: /v1/responses",
    ]
    assert "gone → nowhere: not found\n" in result.stderr
    assert "1 alias leads to no model in" in result.stderr
    assert "could not be read" not in result.stderr


def test_names_of_the_upstream_that_are_near_to_a_missing_one_are_suggested(tmp_path: Path) -> None:
    rules = {"fast": "gpt-4o-minni", "gpt-4o-minny": "zzz", "ft-*": {"model": "ft-*"}}
    with lister("gpt-4o-mini", "other") as good:
        result = check(tmp_path, rules, good=good)
    assert result.stderr.splitlines()[:2] == [
        "fast → gpt-4o-minni: not found; did you mean 'gpt-4o-mini'?",
        "gpt-4o-minny → zzz: not found",
    ]


def test_a_name_that_a_rule_with_an_endpoint_sends_may_be_misspelt(tmp_path: Path) -> None:
    rules = {
        "fast": {"model": "gpt-4o-minni", "endpoint": "chat"},
        "hidden": {"model": "something-else", "endpoint": "chat"},
        "good": {"model": "gpt-4o-mini", "endpoint": ["chat", "responses"]},
    }
    doubt = "is not in the model list of a; did you mean 'gpt-4o-mini'?"
    with lister("gpt-4o-mini", "other") as good, lister(status=500) as silent:
        result = check(tmp_path, rules, a=good)
        asked = [resolve(tmp_path, name) for name in ("fast", "hidden", "good")]
        unread = check(tmp_path, rules, a=silent)
    assert result.exit_code == 0
    assert result.stderr == f"warning: fast → gpt-4o-minni: {doubt}\n"
    assert "fast → gpt-4o-minni at a: /v1/chat/completions\n" in result.stdout
    warned = [f"warning: 'fast', sent as 'gpt-4o-minni', {doubt}\n", "", ""]
    assert [each.stderr for each in asked] == warned
    assert "did you mean" not in unread.stderr


def test_who_is_sought_everywhere_is_in_no_list_and_may_be_near_in_each(tmp_path: Path) -> None:
    rules: dict[str, Any] = {"a": "mistrall", "b": {"model": "mistrall", "upstream": "one"}}
    with lister("llama") as one, lister("mistral", "llama") as two:
        result = check(tmp_path, rules, one=one, two=two)
        asked = [resolve(tmp_path, name) for name in ("mistrall", "b")]
    assert result.stderr.splitlines()[:2] == [
        "a → mistrall: not found; did you mean 'mistral'?",
        "b → mistrall: not found",
    ]
    anywhere, there = asked
    assert anywhere.stderr == (
        "Error: 'mistrall' is not in the model list of any upstream; did you mean 'mistral'?\n"
    )
    assert "'b', sent as 'mistrall', is not in the model list of one\n" in there.stderr


def test_a_list_that_is_not_found_may_be_below_another_path(tmp_path: Path) -> None:
    with lister(status=404) as server:
        right = check(tmp_path, {"a": "x"}, server=server)
        server.base_url = server.base_url.removesuffix("/v1")
        rootless = check(tmp_path, {"a": "x"}, server=server)
    assert warning("server", "GET /models: status 404") in right.stderr
    reason = "status 404; its base_url has no path; most servers listen below /v1"
    assert reason in rootless.stderr


@pytest.mark.parametrize(
    ("credential", "headers", "advice"),
    [
        (CredentialPolicy.KEY, (), "check its api_key or headers"),
        (CredentialPolicy.CALLER, (), "set OPENAI_API_KEY"),
        (CredentialPolicy.CALLER, ((b"authorization", b"Bearer k"),), "check OPENAI_API_KEY"),
        (CredentialPolicy.NONE, ((b"authorization", b"Bearer k"),), "set its api_key"),
    ],
)
def test_a_refused_key_is_named(
    credential: CredentialPolicy, headers: RawHeaders, advice: str
) -> None:
    key = Secret("k") if credential is CredentialPolicy.KEY else None
    upstream = UpstreamSettings("a", "http://a/v1", credential=credential, api_key=key)
    assert checking.key_advice(upstream, headers) == advice


def test_names_keep_their_order_however_many_are_resolved_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "MAX_AT_ONCE", 2)
    with lister("m") as good:
        result = check(tmp_path, {f"alias-{i}": "m" for i in range(5)}, good=good)
        assert good.asked == ["/v1/models"]
    assert [line.partition(" ")[0] for line in result.stdout.splitlines()[1:6]] == [
        f"alias-{i}" for i in range(5)
    ]


def test_a_name_that_a_pattern_of_the_list_matches_is_good(tmp_path: Path) -> None:
    with lister("openai/*", "other") as front:
        good = check(tmp_path, {"bot": "openai/gpt-mini"}, front=front)
        assert (good.exit_code, resolve(tmp_path, "openai/gpt-mini").exit_code) == (0, 0)
        assert "warning" not in good.stderr
        wrong = check(tmp_path, {"bot": "house/gpt-mini"}, front=front)
        assert wrong.exit_code == 1
        missing = resolve(tmp_path, "openai-gpt-mini")
        assert missing.exit_code == 1
        assert "openai/*'" not in missing.output
