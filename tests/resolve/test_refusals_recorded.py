import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.error_envelopes import read_error
from gateway.resolve.refusals.classify import Refusal, Verdict, classify
from gateway.resolve.refusals.history.template_words import is_of_template
from gateway.shapes import Shape
from tests.resolve.recorded_errors import (
    RECORDED,
    RecordedError,
    acts,
    in_openai_envelope,
    label_of,
)

VETOES = (401, 402, 407, 408, 409, 410, 411, 412, 413, 414, 415, 425, 429, 503, 504, 529)


RECORDED_JSON = [entry for entry in RECORDED if not isinstance(entry.body, str)]
OTHERS = [entry for entry in RECORDED if entry.label == "other"]
MEANT = [entry for entry in RECORDED if entry.label != "other"]


def acts_without_text(refusal: Refusal, body: object) -> bool:
    """Whether a code or the structure of a body is enough to act on."""
    reply = read_error(body)
    by_structure = reply is not None and bool(reply.unknown_fields or reply.given)
    return refusal.code == "unsupported_api_for_model" or by_structure


def each(entries: list[RecordedError]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("recorded", entries, ids=lambda entry: entry.id)


def labelled(label: str) -> list[RecordedError]:
    return [entry for entry in RECORDED if entry.label == label]


def asks_for_stream(entry: RecordedError) -> bool:
    """Whether a reply is about a `stream` that was not asked for."""
    return any(fix.action == "stream" for fix in entry.fixes)


def with_message(body: object, change: str) -> object:
    """Return a body whose message is put into `change` at `{}`."""
    if isinstance(body, list):
        return [with_message(body[0], change), *body[1:]]
    assert isinstance(body, dict)
    for key in ("message", "issues"):
        several = body.get(key)
        if isinstance(several, list):
            first = several[0]
            changed = (
                change.replace("{}", first)
                if isinstance(first, str)
                else with_message(first, change)
            )
            return {**body, key: [changed, *several[1:]]}
    for key in ("error", "message", "detail"):
        value = body.get(key)
        if isinstance(value, dict):
            return {**body, key: with_message(value, change)}
        if isinstance(value, str):
            return {**body, key: change.replace("{}", value)}
    return body


def test_the_file_is_whole() -> None:
    assert len(RECORDED) == 344
    assert len({entry.id for entry in RECORDED}) == 344


@each(RECORDED)
def test_a_recorded_reply_is_classified_as_labelled(recorded: RecordedError) -> None:
    for status in recorded.statuses:
        refusal = recorded.classify(status=status)
        assert label_of(refusal) == recorded.label
        first = refusal.alternatives[0].value if refusal.alternatives else refusal.other_endpoint
        assert first == recorded.right_endpoint
        assert frozenset(refusal.fixes) == recorded.fixes
        assert refusal.replacement == recorded.replacement


@each(RECORDED)
def test_bytes_and_decoded_bodies_are_classified_alike(recorded: RecordedError) -> None:
    if isinstance(recorded.body, str):
        raw = recorded.body.encode()
    else:
        raw = json.dumps(recorded.body).encode()
    assert recorded.classify(body=raw) == recorded.classify()


@each(MEANT)
def test_statuses_of_access_limits_and_overload_veto(recorded: RecordedError) -> None:
    for status in VETOES:
        refusal = recorded.classify(status=status)
        if status in recorded.statuses:
            assert label_of(refusal) == recorded.label  # OpenCode Zen's 401 of a model
        elif status == 410 and recorded.label == "model_retired":
            assert refusal.verdict is Verdict.MODEL_RETIRED
        else:
            acted_on = (refusal.verdict, refusal.fixes, refusal.alternatives)
            assert acted_on == (Verdict.OTHER, (), ()), status


@each(OTHERS)
def test_other_errors_stay_other_at_a_status_of_refusals(recorded: RecordedError) -> None:
    for status in (400, 404, 422):
        assert label_of(recorded.classify(status=status)) == "other", status


@each(RECORDED_JSON)
def test_what_relays_append_changes_nothing(recorded: RecordedError) -> None:
    before = recorded.classify()
    for suffix in (
        " (request id: abc)",
        " (request id: 20250718151005233935178p97L88vu) (request id: 2025)",
        ". Received Model Group=some-group\nAvailable Model Group Fallbacks=None",
    ):
        after = recorded.classify(body=with_message(recorded.body, "{}" + suffix))
        assert replace(after, message=before.message) == before, suffix


QUOTED = re.compile(r"(?<![\w(\[{])([`'\"])([^`'\"\n]{1,60})\1(?!\w)")


@each(RECORDED_JSON)
def test_other_quotation_marks_mean_the_same(recorded: RecordedError) -> None:
    reply = read_error(recorded.body)
    before = recorded.classify()
    if reply is None or any(mark in reply.message for mark in ("{", "[{", "('")):
        return  # a value that somebody printed
    for mark in ("'", '"', "`"):
        changed = QUOTED.sub(rf"{mark}\2{mark}", reply.message)
        body = in_openai_envelope(changed, reply.code, reply.type)
        as_written = in_openai_envelope(reply.message, reply.code, reply.type)
        if recorded.classify(body=as_written) == before:
            after = recorded.classify(body=body)
            assert replace(after, message=before.message) == before, changed


# Lists of fields are what a library prints, and content is told from a sentence by its capital.
EXACT = {
    "xai-file-content-on-chat",
    "gemini-unknown-name-reasoning",
    "gemini-unknown-name-frequency-penalty",
    "gemini-unknown-names-four",
    "bedrock-extraneous-keys-listed",
    "cerebras-history-listed",
    "groq-reasoning-content-listed",
}


@each([entry for entry in RECORDED_JSON if entry.id not in EXACT])
def test_small_letters_and_full_stops_mean_the_same(recorded: RecordedError) -> None:
    reply = read_error(recorded.body)
    assert reply is not None
    before = recorded.classify(body=in_openai_envelope(reply.message, reply.code, reply.type))
    for changed in (
        f"{reply.message[:1].lower()}{reply.message[1:]}",
        *((f"{reply.message}.",) if reply.message[-1:].isalpha() else ()),
    ):
        after = recorded.classify(body=in_openai_envelope(changed, reply.code, reply.type))
        assert (after.verdict, after.alternatives) == (before.verdict, before.alternatives), changed


@each(OTHERS)
def test_other_errors_stay_other_in_any_letters(recorded: RecordedError) -> None:
    reply = read_error(recorded.body)
    if reply is not None:
        for changed in (reply.message.lower(), reply.message.upper(), reply.message.capitalize()):
            body = in_openai_envelope(changed, reply.code, reply.type)
            assert label_of(recorded.classify(status=400, body=body)) == "other", changed


@each(RECORDED_JSON)
def test_a_text_in_the_middle_of_a_message_does_nothing(recorded: RecordedError) -> None:
    body = with_message(recorded.body, "The user wrote: {}")
    refusal = recorded.classify(body=body)
    assert not acts(refusal) or acts_without_text(refusal, body)


@each(RECORDED_JSON)
def test_a_reply_nested_in_litellms_message_is_understood(recorded: RecordedError) -> None:
    nested = json.dumps(recorded.body)
    message = f"litellm.BadRequestError: OpenAIException - {nested}. Received Model Group=x\nY=None"
    before = recorded.classify(status=400)
    after = recorded.classify(status=400, body={"error": {"message": message, "code": "400"}})
    assert (after.verdict, after.alternatives, after.fixes) == (
        before.verdict,
        before.alternatives,
        before.fixes,
    )


@each(RECORDED)
def test_a_text_within_a_successful_answer_is_not_a_refusal(recorded: RecordedError) -> None:
    text = json.dumps(recorded.body)
    answers: list[object] = [
        {"id": "chatcmpl-1", "choices": [{"message": {"role": "assistant", "content": text}}]},
        {"id": "resp_1", "error": None, "output": [{"content": [{"text": text}]}]},
        {"choices": [], "error": recorded.body},
        [recorded.body],
        json.dumps(text),
    ]
    for answer in answers:
        assert recorded.classify(status=200, body=answer).verdict is Verdict.OTHER


@each([entry for entry in labelled("unsupported_parameter") if not asks_for_stream(entry)])
def test_a_parameter_that_was_not_sent_is_not_what_it_is_about(recorded: RecordedError) -> None:
    for sent in ((), ("model",)):
        refusal = classify(recorded.called, 400, recorded.body, model="", sent=sent)
        assert refusal.verdict is Verdict.OTHER
        assert refusal.fixes == ()


@each(labelled("unsupported_parameter"))
def test_if_one_of_several_was_not_sent_none_is_touched(recorded: RecordedError) -> None:
    for fix in recorded.fixes:
        if len(recorded.fixes) > 1:
            sent = recorded.sent - {fix.name, f"{fix.name}[{fix.given}]"}
            refusal = classify(recorded.called, 400, recorded.body, model="", sent=sent)
            assert fix not in refusal.fixes
            assert refusal.fixes == ()


@each(labelled("wrong_endpoint"))
def test_the_endpoint_that_refused_is_never_proposed(recorded: RecordedError) -> None:
    assert recorded.called not in recorded.classify().alternatives


@each(MEANT)
def test_any_other_403_is_of_access(recorded: RecordedError) -> None:
    not_allowed = {
        "openai-not-allowed-to-sample-403",
        "openai-logprobs-403",
        "openai-logprobs-400-o-series",
        "perplexity-sonar-is-the-agent-api",
    }
    assert acts(recorded.classify(status=403)) == (recorded.id in not_allowed)


@each(MEANT)
def test_a_500_is_a_fault_unless_a_template_speaks_or_new_api_lacks_a_conversion(
    recorded: RecordedError,
) -> None:
    unconverted = recorded.id in ("newapi-codex-channel-chat", "newapi-responses-not-implemented")
    reply = read_error(recorded.body)
    is_templates = reply is not None and is_of_template(reply.message)
    if reply is not None:
        body = in_openai_envelope(reply.message, reply.code if unconverted else None)
        assert acts(recorded.classify(status=500, body=body)) == (unconverted or is_templates)
        assert not acts(recorded.classify(status=502, body=body))
    is_of_effort = recorded.id.endswith("-template-effort")
    assert is_templates == (is_of_effort or (is_templates and recorded.label == "wrong_endpoint"))


@each(MEANT)
def test_a_relays_fault_is_a_refusal_if_it_says_what_its_upstream_answered(
    recorded: RecordedError,
) -> None:
    reply = read_error(recorded.body)
    if reply is None or recorded.status not in (None, 400, 404, 422):
        return
    alone = in_openai_envelope(reply.message, "bad_response_status_code", "new_api_error")
    expected = recorded.classify(status=400, body=alone).verdict
    for status, answered, is_refused in ((500, 400, True), (502, 422, True), (500, 429, False)):
        message = f"bad response status code {answered}, message: {reply.message}"
        body = in_openai_envelope(message, "bad_response_status_code", "new_api_error")
        verdict = recorded.classify(status=status, body=body).verdict
        assert verdict is (expected if is_refused else Verdict.OTHER)


@each(RECORDED)
def test_a_501_is_about_endpoints_whole_replies_or_nothing(recorded: RecordedError) -> None:
    refusal = recorded.classify(status=501)
    if asks_for_stream(recorded):
        assert [fix.action for fix in refusal.fixes] == ["stream"]
    else:
        about = (Verdict.WRONG_ENDPOINT, Verdict.UNKNOWN_ROUTE, Verdict.OTHER)
        assert refusal.verdict in about


@given(
    st.sampled_from([None, *Shape]),
    st.sampled_from(RECORDED_JSON),
    st.text(min_size=1, max_size=30),
)
def test_no_foreign_text_before_a_message_acts(
    called: Shape | None, recorded: RecordedError, before: str
) -> None:
    body = with_message(recorded.body, f"x{before} {{}}")
    refusal = classify(called, 400, body, model="m", sent=recorded.sent)
    assert not acts(refusal) or acts_without_text(refusal, body)


@given(st.sampled_from(RECORDED), st.integers(0, 400))
def test_a_body_that_was_cut_off_is_not_a_refusal(recorded: RecordedError, length: int) -> None:
    raw = json.dumps(recorded.body).encode()
    if length < len(raw):
        assert not acts(recorded.classify(body=raw[:length]))
