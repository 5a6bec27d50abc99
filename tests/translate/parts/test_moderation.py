from gateway.shapes import Json
from gateway.translate.parts.moderation import (
    chat_moderation,
    moderation_of_all,
    responses_moderation,
)
from tests.translate.openai_schema import check_schema

CALM: Json = {
    "type": "moderation_result",
    "model": "omni-moderation-latest",
    "flagged": False,
    "categories": {"violence": False},
    "category_scores": {"violence": 0.25},
    "category_applied_input_types": {"violence": ["text"]},
}
ALARMED: Json = {
    **CALM,
    "flagged": True,
    "categories": {"violence": True, "hate": False},
    "category_scores": {"violence": 0.125, "hate": 0.5},
    "category_applied_input_types": {"violence": ["image"], "hate": ["text"]},
}
FAILED: Json = {"type": "error", "code": "server_error", "message": "busy"}


def chats(*results: Json) -> Json:
    return {"type": "moderation_results", "model": "omni-moderation-latest", "results": [*results]}


def test_one_result_is_a_list_of_one_in_chat() -> None:
    found = {"input": CALM, "output": FAILED}
    check_schema("Moderation", found)
    written = chat_moderation(found)
    check_schema("ChatCompletionModeration", written)
    assert written == {"input": chats(CALM), "output": FAILED}
    assert responses_moderation(written) == found


def test_of_several_results_the_more_alarming_counts() -> None:
    written = responses_moderation({"input": chats(CALM, ALARMED), "output": chats()})
    check_schema("Moderation", written)
    assert written["input"] == {
        **ALARMED,
        "category_scores": {"violence": 0.25, "hate": 0.5},
        "category_applied_input_types": {"violence": ["text", "image"], "hate": ["text"]},
    }
    assert not written["output"]["flagged"]


def test_the_replies_to_all_calls_have_one_moderation() -> None:
    first: Json = {"input": chats(CALM), "output": chats(CALM)}
    failed: Json = {"input": chats(CALM), "output": FAILED}
    last: Json = {"input": chats(CALM), "output": chats(ALARMED)}
    both = {"input": chats(CALM), "output": chats(CALM, ALARMED)}
    assert moderation_of_all([first, None, failed, last]) == both
    assert moderation_of_all([None, failed]) == failed
    assert moderation_of_all([failed, last]) == last
    assert moderation_of_all([first]) == first
    assert moderation_of_all([None, "odd"]) is None


def test_what_has_neither_form_stays() -> None:
    odd: Json = {"input": None, "output": {"results": None}, "own": 1}
    assert chat_moderation(odd) == responses_moderation(odd) == odd
    assert chat_moderation({}) == {}
    crooked = [None, {"categories": {"violence": "yes"}, "category_scores": []}]
    united = responses_moderation({"input": {"results": crooked}})["input"]
    assert united["categories"] == united["category_scores"] == {}
