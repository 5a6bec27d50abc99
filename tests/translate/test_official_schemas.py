"""Whatever the gateway sends and says is valid by OpenAI's own description, in every pair.

The emulator checks each upstream request a second time, as strictly as the real server
(`demo_upstream`); what a client gets is read by `what_clients_see`, which checks every reply and
every event. Messages, of which there is no such description, are checked by these two alone.
"""

import pytest

from gateway.demo.rules import messages as messages_rules
from gateway.errors import GatewayError, InvalidRequest
from gateway.shapes import Json, Shape
from tests.exchange.scene import Exchanged
from tests.translate.demo_upstream import REQUEST_SCHEMAS, DemoUpstream, scene_at
from tests.translate.openai_schema import check_schema
from tests.translate.pair_table import CHAT, COMPLETIONS, MESSAGES, MODELS, PAIRS, RESPONSES
from tests.translate.pair_variants import (
    LOGPROBS,
    SECOND_TURN,
    STRUCTURED,
    TEXT_ANSWERED,
    TOOLS,
    VARIANTS,
    Variant,
)
from tests.translate.what_clients_see import (
    Seen,
    read_anthropics_error,
    reply_seen,
    respaced,
    stream_seen,
)

ASKED = [
    pytest.param(client, home, variant, id=f"{client} to {home}, {name}")
    for client, home in PAIRS
    for name, variant in VARIANTS.items()
    if client in variant.asked
]


def played(
    client: Shape, home: Shape, variant: Variant, *, stream: bool
) -> tuple[Exchanged, DemoUpstream]:
    """Play a request; the network checks what is sent."""
    upstream = DemoUpstream()
    body = {"model": MODELS[home], **TEXT_ANSWERED[client], **variant.asked[client]}
    check_request(client, body)
    if stream:
        body["stream"] = True
        if client in (COMPLETIONS, CHAT):
            body["stream_options"] = {"include_usage": True}
    return scene_at(home, MODELS[home], upstream).generate(client, body), upstream


def check_request(client: Shape, body: Json) -> None:
    """Check that the client's own request is valid, too."""
    if client is MESSAGES:
        messages_rules.check(body, "2023-06-01", ())
    elif client is not COMPLETIONS:
        # `user` and `metadata` are in all shapes.
        check_schema(REQUEST_SCHEMAS[client], body)


def check_envelope(client: Shape, error: GatewayError) -> None:
    """Check an error about the request in the envelope that the client gets."""
    if client is MESSAGES:
        assert read_anthropics_error(error) == "invalid_request_error"
    else:
        check_schema("ErrorResponse", error.envelope())


def refusal(client: Shape, home: Shape, variant: Variant, *, stream: bool) -> str | None:
    """Check that a pair refuses a variant that it cannot do; return None if it can."""
    param = variant.refused.get((client, home))
    if param is None:
        return None
    with pytest.raises(InvalidRequest) as refused:
        played(client, home, variant, stream=stream)
    check_envelope(client, refused.value)
    assert refused.value.param == param
    return param


@pytest.mark.parametrize(("client", "home", "variant"), ASKED)
def test_whole_replies_are_valid(client: Shape, home: Shape, variant: Variant) -> None:
    if refusal(client, home, variant, stream=False):
        return
    answer, upstream = played(client, home, variant, stream=False)
    assert upstream.requests
    check_content(client, variant, answer, whole_seen(client, home, answer))


@pytest.mark.parametrize(("client", "home", "variant"), ASKED)
def test_streams_are_valid_and_say_the_same(client: Shape, home: Shape, variant: Variant) -> None:
    if refusal(client, home, variant, stream=True):
        return
    answer, _ = played(client, home, variant, stream=True)
    seen = stream_seen(client, answer)
    whole, _ = played(client, home, variant, stream=False)
    assert seen == whole_seen(client, home, whole)


def whole_seen(client: Shape, home: Shape, answer: Exchanged) -> list[Seen]:
    seen = reply_seen(client, answer.json)
    return [respaced(choice) for choice in seen] if home is MESSAGES else seen


def check_content(client: Shape, variant: Variant, answer: Exchanged, seen: list[Seen]) -> None:
    """Check that what was asked for is there, not only allowed to be."""
    assert len(seen) == variant.asked[client].get("n", 1)
    assert all(each.text or each.calls for each in seen)
    if variant is TOOLS:
        assert seen[0].calls == ['weather {"city": "call weather"}']
    if variant is SECOND_TURN:
        assert seen[0].text == "The tool said: sunny"
    if variant is STRUCTURED:
        assert seen[0].text == '{"name": "Hello", "age": 1}'
    if variant is LOGPROBS:
        tokens = tokens_of(client, answer.json)
        assert "".join(tokens) == seen[0].text
        assert len(tokens) > 1


def tokens_of(client: Shape, reply: Json) -> list[str]:
    if client is RESPONSES:
        (item,) = reply["output"]
        return [entry["token"] for entry in item["content"][0]["logprobs"]]
    logprobs: Json = reply["choices"][0]["logprobs"]
    if client is COMPLETIONS:
        return list(logprobs["tokens"])
    return [entry["token"] for entry in logprobs["content"]]


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_errors_are_valid_and_name_what_the_client_sent(client: Shape, home: Shape) -> None:
    body = {"model": MODELS[home], **TEXT_ANSWERED[client], "temperature": 99}
    with pytest.raises(GatewayError) as failed:
        scene_at(home, MODELS[home], DemoUpstream()).generate(client, body)
    check_envelope(client, failed.value)
    assert (failed.value.status, failed.value.param) == (400, "temperature")
