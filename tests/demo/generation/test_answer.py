import json

from gateway.demo.generation.answer import ReplyIds, data_event, encoded


def test_ids_have_openais_form_and_one_number_for_a_reply() -> None:
    ids = ReplyIds(7, 1_788_220_800)
    assert ids.prefixed("chatcmpl-") == "chatcmpl-demo00000007"
    assert ids.prefixed("resp_") == "resp_demo00000007"


def test_json_stands_on_one_line_with_its_characters_as_they_are() -> None:
    data = encoded({"text": "é 😀\n"})
    assert b"\n" not in data
    assert "é 😀" in data.decode()
    assert json.loads(data) == {"text": "é 😀\n"}


def test_an_event_has_a_name_where_it_is_given_one() -> None:
    assert data_event({"a": 1}) == b'data: {"a":1}\n\n'
    assert data_event({"a": 1}, "error") == b'event: error\ndata: {"a":1}\n\n'
