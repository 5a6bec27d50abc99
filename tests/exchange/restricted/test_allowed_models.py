import pytest

from gateway.config.settings import ClientSettings
from gateway.errors import PermissionDenied
from gateway.exchange.restricted.allowed_models import check_allowed, is_allowed


def test_a_client_may_use_what_its_patterns_match() -> None:
    client = ClientSettings("team", ("0" * 64,), ("gpt-4o*", "exact"))
    assert is_allowed(None, "anything")
    assert is_allowed(client, "gpt-4o-mini")
    assert is_allowed(client, "exact")
    for name in ("GPT-4o", "exact-not", "o1"):
        assert not is_allowed(client, name)
        with pytest.raises(PermissionDenied, match="client 'team' does not allow") as refused:
            check_allowed(client, name)
        assert (refused.value.status, refused.value.param) == (403, "model")
