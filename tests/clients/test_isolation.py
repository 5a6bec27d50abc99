"""What one caller's key may see, no other caller learns; and no key goes where it must not."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    ServerSettings,
    Settings,
    UpstreamSettings,
)
from gateway.config.store_settings import ResponsesSettings
from gateway.demo import emulator
from gateway.demo.journal import RecordedRequest
from gateway.demo.models import ACME_MODELS, PRIVATE_MODEL, PUBLIC_MODELS
from tests import kinds
from tests.clients.running import RunningGateway, Stage, running_gateway, stage

ALICE = "sk-alice-0123456789abcdef"
BOB = "sk-bob-fedcba9876543210"
PUBLIC = [model.id for model in PUBLIC_MODELS]
HIDDEN = [*(model.id for model in ACME_MODELS), PRIVATE_MODEL]
"""What Alice sees and Bob does not."""
NOWHERE = {
    "acme-support-v7": "acme-support-x9",
    "acme-writer-v2": "acme-writer-x9",
    "ft:gpt-3.5-turbo-0613:acme:bot:8abc1234": "ft:gpt-3.5-turbo-0613:acme:bot:8xyz9999",
    PRIVATE_MODEL: "ft:davinci-002:secretive:diary:8xyz9999",
}
"""Ids that exist for Alice, each with one like it that exists for nobody."""


def two_accounts() -> emulator.Emulator:
    return emulator.build(keys={ALICE: [*PUBLIC, *HIDDEN], BOB: PUBLIC}, earlier_jobs=2)


@contextmanager
def caller(gateway: RunningGateway, key: str) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=gateway.base_url, headers=headers, trust_env=False) as client:
        yield client


@contextmanager
def callers(running: Stage) -> Iterator[tuple[httpx2.Client, httpx2.Client]]:
    with caller(running.gateway, ALICE) as alice, caller(running.gateway, BOB) as bob:
        yield alice, bob


GIVEN: dict[str, dict[str, Any]] = {
    "/completions": {"prompt": "Hi", "max_tokens": 5},
    "/chat/completions": {"messages": [{"role": "user", "content": "Hi"}]},
    "/responses": {"input": "Hi"},
}


PATHS = tuple(GIVEN)


def body_for(path: str, model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, **GIVEN[path], **more}


def ask(client: httpx2.Client, path: str, model: str, **more: Any) -> httpx2.Response:
    return client.post(path, json=body_for(path, model, **more))


def seen_of(reply: httpx2.Response, model: str) -> tuple[int, str, list[tuple[str, str]]]:
    """Return everything that a caller sees of a reply, the model's own name left out."""
    changing = {"date", "x-request-id", "content-length"}
    headers = [
        (name, value.replace(model, "MODEL"))
        for name, value in reply.headers.multi_items()
        if name not in changing
    ]
    return reply.status_code, reply.text.replace(model, "MODEL"), headers


@pytest.fixture
def running() -> Iterator[Stage]:
    with stage(ModelRule("bot", "gpt-4o-mini"), upstream=two_accounts()) as both:
        yield both


# --- what is hidden looks like what does not exist --------------------------------------------


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("hidden", "nowhere"), NOWHERE.items())
def test_a_hidden_model_looks_like_none_even_after_its_owner_used_it(
    running: Stage, path: str, hidden: str, nowhere: str
) -> None:
    with callers(running) as (alice, bob):
        for generation in PATHS[:2]:
            assert ask(alice, generation, hidden).status_code == 200
        denied = seen_of(ask(bob, path, hidden), hidden)
        missing = seen_of(ask(bob, path, nowhere), nowhere)
    assert denied == missing
    assert denied[0] in (400, 404)


@pytest.mark.parametrize(("hidden", "nowhere"), NOWHERE.items())
def test_a_hidden_models_card_looks_like_none(running: Stage, hidden: str, nowhere: str) -> None:
    with callers(running) as (alice, bob):
        assert alice.get(f"/models/{hidden}").json()["id"] == hidden
        denied = seen_of(bob.get(f"/models/{hidden}"), hidden)
        assert denied == seen_of(bob.get(f"/models/{nowhere}"), nowhere)
    assert denied[0] == 404


def test_each_caller_lists_its_own_models(running: Stage) -> None:
    with callers(running) as (alice, bob):
        for _ in range(2):
            hers = {card["id"] for card in alice.get("/models").json()["data"]}
            his = {card["id"] for card in bob.get("/models").json()["data"]}
            assert hers == {*PUBLIC, *HIDDEN, "bot"}
            assert his == {*PUBLIC, "bot"}


def test_the_nearest_ids_are_among_those_that_the_caller_sees(running: Stage) -> None:
    with callers(running) as (alice, bob):
        hers = ask(alice, "/chat/completions", "acme-writer-v3").json()["error"]["message"]
        his = ask(bob, "/chat/completions", "acme-writer-v3").json()["error"]["message"]
        assert "Did you mean 'acme-writer-v2'?" in hers
        assert "v2" not in his
        typo = ask(bob, "/chat/completions", "gpt-4o-mimi").json()["error"]["message"]
        assert "Did you mean 'gpt-4o-mini'" in typo


@pytest.mark.parametrize(("hidden", "nowhere"), NOWHERE.items())
def test_the_explanation_shows_each_caller_its_own_evidence(
    running: Stage, hidden: str, nowhere: str
) -> None:
    def explained(model: str, key: str | None) -> Any:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        url = f"{running.gateway.admin_url}/resolve"
        query = {"model": model, "from": "chat"}
        reply = httpx2.get(url, params=query, headers=headers, trust_env=False)
        answer = reply.json()
        for piece in answer["evidence"]:
            del piece["age_seconds"]
        return answer, str(answer).replace(model, "MODEL")

    with callers(running) as (alice, _):
        assert ask(alice, "/chat/completions", hidden).status_code == 200
    hers, _ = explained(hidden, ALICE)
    assert any("in the model list" in piece["detail"] for piece in hers["evidence"])
    assert explained(hidden, BOB)[1] == explained(nowhere, BOB)[1]
    assert explained(hidden, None)[1] == explained(nowhere, None)[1]


# --- what one caller taught is no other's -----------------------------------------------------


@contextmanager
def unfamiliar() -> Iterator[Stage]:
    """An upstream of an unknown kind, where only refusals teach what lives where."""
    with emulator.serve(two_accounts()) as served:
        upstream = UpstreamSettings("local", served.base_url, kinds.OTHER)
        with running_gateway(Settings((upstream,))) as gateway:
            yield Stage(served, gateway)


def attempts(reply: httpx2.Response) -> tuple[int, str, str]:
    headers = reply.headers
    return (
        reply.status_code,
        headers["x-gateway-attempts"],
        headers["x-gateway-resolved-by"],
    )


def test_a_learned_endpoint_serves_only_who_taught_it() -> None:
    with unfamiliar() as running, callers(running) as (alice, bob):
        assert attempts(ask(alice, "/completions", "gpt-4o-mini")) == (200, "2", "default")
        assert attempts(ask(alice, "/completions", "gpt-4o-mini")) == (200, "1", "learned")
        assert attempts(ask(bob, "/completions", "gpt-4o-mini")) == (200, "2", "default")


def test_a_fixed_parameter_serves_only_who_taught_it(running: Stage) -> None:
    with callers(running) as (alice, bob):
        asked = ("/chat/completions", "gpt-4o-mini")
        assert attempts(ask(alice, *asked, frobnicate=50))[:2] == (200, "2")
        assert attempts(ask(alice, *asked, frobnicate=50))[:2] == (200, "1")
        assert attempts(ask(bob, *asked, frobnicate=50))[:2] == (200, "2")


@pytest.mark.parametrize("model", ["acme-writer-v2", "gpt-4o-mini", "no-such-model"])
@pytest.mark.parametrize("path", PATHS[:2])
def test_a_caller_causes_the_same_look_ups_no_matter_who_asked_before(
    model: str, path: str
) -> None:
    def requests_of_bob(*, after_alice: bool) -> list[str]:
        with stage(upstream=two_accounts()) as running, callers(running) as (alice, bob):
            if after_alice:
                ask(alice, path, model)
            before = len(running.upstream.journal)
            ask(bob, path, model)
            records = list(running.upstream.journal)[before:]
            assert {record.headers["authorization"] for record in records} == {f"Bearer {BOB}"}
            return [f"{record.method} {record.path}?{record.query}" for record in records]

    assert requests_of_bob(after_alice=True) == requests_of_bob(after_alice=False)


def test_two_projects_of_one_key_are_two_callers(running: Stage) -> None:
    with caller(running.gateway, ALICE) as alice:
        first = {"openai-project": "proj_first"}
        second = {"openai-project": "proj_second"}
        body = body_for("/chat/completions", "acme-writer-v2")
        for headers in (first, second):
            before = len(running.upstream.journal)
            reply = alice.post("/chat/completions", headers=headers, json=body)
            assert reply.status_code == 200
            records = list(running.upstream.journal)[before:]
            assert "/v1/models" in [record.path for record in records]
            projects = {record.headers.get("openai-project") for record in records}
            assert projects == set(headers.values())


def test_a_kept_response_is_there_for_its_maker_only() -> None:
    kept = ResponsesSettings("memory://")
    with (
        stage(upstream=two_accounts(), responses=kept) as running,
        callers(running) as (alice, bob),
    ):
        made = ask(alice, "/responses", "gpt-3.5-turbo").json()["id"]
        nowhere = made[:-4] + "9999"
        for method, path in (("GET", ""), ("GET", "/input_items"), ("DELETE", "")):
            denied = seen_of(bob.request(method, f"/responses/{made}{path}"), made)
            assert denied == seen_of(bob.request(method, f"/responses/{nowhere}{path}"), nowhere)
            assert denied[0] >= 400
        further = seen_of(ask(bob, "/responses", "gpt-3.5-turbo", previous_response_id=made), made)
        nothing = ask(bob, "/responses", "gpt-3.5-turbo", previous_response_id=nowhere)
        assert further == seen_of(nothing, nowhere)
        assert further[0] in (400, 404)
        mine = ask(alice, "/responses", "gpt-3.5-turbo", previous_response_id=made)
        assert mine.status_code == 200
        assert alice.get(f"/responses/{made}").json()["id"] == made
        assert alice.delete(f"/responses/{made}").json()["deleted"] is True
        assert alice.get(f"/responses/{made}").status_code == 404


def test_a_kept_response_is_its_makers_where_a_forwarded_field_says_who_that_is() -> None:
    kept = ResponsesSettings("memory://")
    with emulator.serve(emulator.build(keys={OWN: PUBLIC})) as served:
        upstream = UpstreamSettings(
            "local",
            served.base_url,
            kinds.OTHER,
            CredentialPolicy.KEY,
            Secret(OWN),
            forward_headers=("X-User",),
        )
        settings = Settings((upstream,), responses=kept)
        with running_gateway(settings) as gateway, caller(gateway, "sk-of-all") as client:
            made = client.post(
                "/responses",
                json=body_for("/responses", "gpt-3.5-turbo"),
                headers={"x-user": "alice"},
            ).json()["id"]
            for user, status in (({"x-user": "bob"}, 404), ({}, 404), ({"x-user": "alice"}, 200)):
                assert client.get(f"/responses/{made}", headers=user).status_code == status


# --- where keys go, and where they do not -----------------------------------------------------

OWN = "sk-own-aaaaaaaaaaaaaaaa"
TEAM = "gw-team-key-bbbbbbbbbbbbbbbb"
NARROW = "gw-narrow-key-cccccccccccc"


def everything_in(record: RecordedRequest) -> str:
    return f"{record.path}?{record.query} {record.headers} {record.body!r}"


def a_bit_of_everything(client: httpx2.Client, *models: str) -> list[httpx2.Response]:
    """Make calls of every sort, good and bad."""
    replies = [ask(client, path, model) for path in PATHS for model in (*models, "no-such-model")]
    replies += [ask(client, PATHS[0], model, stream=True) for model in models]
    replies += [client.get("/models"), client.get("/models/no-such-model")]
    replies += [client.get("/files"), client.get("/no-such-path"), client.post(PATHS[0])]
    speech = {"model": "tts-1", "input": "Hello", "voice": "alloy"}
    replies.append(client.post("/audio/speech", json=speech))
    purpose, file = {"purpose": "fine-tune"}, {"file": ("a.txt", b"text")}
    replies.append(client.post("/files", data=purpose, files=file))
    return replies


def test_no_key_is_in_a_reply_a_log_record_or_a_metric(
    running: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with callers(running) as (alice, bob):
        replies = a_bit_of_everything(alice, "acme-writer-v2", "bot", PRIVATE_MODEL)
        replies += a_bit_of_everything(bob, "acme-writer-v2", "bot", PRIVATE_MODEL)
    assert {reply.status_code for reply in replies} >= {200, 400, 404}
    metrics = httpx2.get(f"{running.gateway.admin_url}/metrics", trust_env=False).text
    assert "gateway_requests_total" in metrics
    shown = [f"{reply.headers} {reply.text}" for reply in replies]
    shown += [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    for key in (ALICE, BOB):
        assert not [text for text in [*shown, metrics] if key in text]
    assert not [model for model in HIDDEN if model in metrics]


def test_a_key_that_is_refused_is_not_repeated_by_the_gateway(
    running: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    unknown = "sk-unknown-1234567890abcdef"
    with caller(running.gateway, unknown) as stranger:
        replies = [ask(stranger, path, "gpt-4o-mini") for path in PATHS[:2]]
    assert [reply.status_code for reply in replies] == [401, 401]
    assert not [reply for reply in replies if unknown in reply.text]
    assert unknown not in caplog.text


@contextmanager
def two_upstreams(
    *rules: ModelRule,
    first: CredentialPolicy = CredentialPolicy.CALLER,
    clients: tuple[ClientSettings, ...] = (),
) -> Iterator[tuple[emulator.Served, emulator.Served, RunningGateway]]:
    """The default upstream, and a second one that the gateway has a key of its own for."""
    with emulator.serve() as openai, emulator.serve() as other:
        key = Secret(OWN)
        upstreams = (
            UpstreamSettings(
                "openai",
                openai.base_url,
                kinds.OPENAI,
                first,
                key if first is CredentialPolicy.KEY else None,
            ),
            UpstreamSettings("other", other.base_url, kinds.OTHER, CredentialPolicy.KEY, key),
        )
        settings = Settings(upstreams, ServerSettings(), rules, clients)
        with running_gateway(settings) as gateway:
            yield openai, other, gateway


def test_each_upstream_gets_its_own_credential_and_no_other() -> None:
    rule = ModelRule("other-*", model="gpt-4o-mini", upstream="other")
    with two_upstreams(rule) as (openai, other, gateway), caller(gateway, ALICE) as alice:
        account = {"openai-organization": "org-alice", "openai-project": "proj-alice"}
        alice.headers.update(account)
        replies = a_bit_of_everything(alice, "gpt-4o-mini", "other-bot", "only-somewhere")
        asked = httpx2.get(
            f"{gateway.admin_url}/resolve",
            params={"model": "other-bot"},
            headers={"authorization": f"Bearer {ALICE}", **account},
            trust_env=False,
        )
    assert asked.status_code == 200
    hers, own = [list(served.journal) for served in (openai, other)]
    assert {record.headers["authorization"] for record in hers} == {f"Bearer {ALICE}"}
    assert {record.headers["authorization"] for record in own} == {f"Bearer {OWN}"}
    assert {"/v1/models", "/v1/chat/completions"} <= {record.path for record in own}
    for record in own:
        assert ALICE not in everything_in(record)
        assert "alice" not in everything_in(record)
    for record in hers:
        assert OWN not in everything_in(record)
    assert not [reply for reply in replies if OWN in f"{reply.headers} {reply.text}"]


def client_settings(name: str, key: str, *models: str) -> ClientSettings:
    return ClientSettings(name, (hashlib.sha256(key.encode()).hexdigest(),), models or ("*",))


CLIENTS = (client_settings("team", TEAM), client_settings("narrow", NARROW, "gpt-4o*"))


@pytest.mark.parametrize("first", [CredentialPolicy.KEY, CredentialPolicy.CALLER])
def test_the_gateways_own_client_keys_are_forwarded_nowhere(
    first: CredentialPolicy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    rule = ModelRule("other-*", model="gpt-4o-mini", upstream="other")
    with two_upstreams(rule, first=first, clients=CLIENTS) as (openai, other, gateway):
        replies = []
        for key in (TEAM, NARROW):
            with caller(gateway, key) as client:
                replies += a_bit_of_everything(client, "gpt-4o-mini", "other-bot")
            by_azures_header = httpx2.post(
                f"{gateway.base_url}/chat/completions",
                json=body_for("/chat/completions", "gpt-4o-mini"),
                headers={"api-key": key},
                trust_env=False,
            )
            replies.append(by_azures_header)
    records = [*openai.journal, *other.journal]
    assert len(records) > 20
    assert not [record for record in records if "gw-" in everything_in(record)]
    assert not [reply for reply in replies if "gw-" in f"{reply.headers} {reply.text}"]
    assert not [r for r in caplog.records if "gw-" in f"{r.getMessage()} {vars(r)}"]


def test_a_client_of_the_gateway_cannot_tell_what_others_may_use() -> None:
    with two_upstreams(first=CredentialPolicy.KEY, clients=CLIENTS) as (openai, _, gateway):
        with caller(gateway, TEAM) as team:
            assert ask(team, "/chat/completions", "acme-writer-v2").status_code == 200
        before = len(openai.journal)
        with caller(gateway, NARROW) as narrow:
            for path in PATHS:
                denied = seen_of(ask(narrow, path, "acme-writer-v2"), "acme-writer-v2")
                missing = seen_of(ask(narrow, path, "acme-writer-v9"), "acme-writer-v9")
                assert denied == missing
                assert denied[0] == 403
            for method in ("GET", "DELETE", "HEAD"):
                denied, missing = (
                    seen_of(narrow.request(method, f"/models/{model}"), model)
                    for model in ("acme-writer-v2", "acme-writer-v9")
                )
                assert denied == missing
                assert denied[0] == 404
            near = ask(narrow, "/chat/completions", "gpt-4o-mimi").json()["error"]["message"]
            assert "gpt-4o-mini" in near
            assert "acme" not in near
            listed = {card["id"] for card in narrow.get("/models").json()["data"]}
        assert listed == {"gpt-4o-mini", "gpt-4o-mini-2024-07-18"}
        asked = {record.path for record in list(openai.journal)[before:]}
        assert not [path for path in asked if "acme" in path]
