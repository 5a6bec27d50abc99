"""The state of a realtime session."""

import pytest

from gateway.demo.refusals import Refused
from gateway.demo.sockets.realtime_session import RealtimeSession


def test_a_response_has_settings_of_its_own() -> None:
    session = RealtimeSession("m", 1, 0)
    session.update({"instructions": "a"})
    own = session.settings_for({"instructions": "b", "audio": {"output": {"voice": "cedar"}}})
    assert (own["instructions"], own["voice"]["voice"]) == ("b", "cedar")
    assert session.settings["instructions"] == "a"
    assert session.settings["audio"]["output"]["voice"] == "marin"


def test_items_are_inserted_where_they_belong() -> None:
    session = RealtimeSession("m", 1, 0)
    given = {"type": "function_call_output", "call_id": "c", "output": "x"}
    assert session.add(session.item({**given, "id": "a"})) is None
    assert session.add(session.item({**given, "id": "c"})) == "a"
    assert session.add(session.item({**given, "id": "b"}), "a") == "a"
    assert session.add(session.item({**given, "id": "0"}), "root") is None
    assert [item["id"] for item in session.items] == ["0", "a", "b", "c"]
    with pytest.raises(Refused, match="no item with id 'none'"):
        session.add(session.item(given), "none")
