"""System messages within a conversation, as text of the user."""

from gateway.translate.parts.messages.late_system import in_system_tags


def test_what_the_system_says_can_be_told_from_what_the_user_says() -> None:
    assert in_system_tags("Be brief.") == "<system>\nBe brief.\n</system>"
