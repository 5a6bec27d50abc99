from gateway.config.settings import TimeoutSettings
from gateway.errors import Reason
from gateway.upstream.transport.connection import Connection
from gateway.upstream.transport.terms import Terms

TERMS = Terms(
    "local", TimeoutSettings(first_byte=5.0, stream_idle=7.5), Connection.abort, lambda: None
)


def test_silence_names_the_setting_that_has_run_out() -> None:
    before, after = (TERMS.silence(head_complete=complete) for complete in (False, True))
    assert str(before) == "Upstream 'local' sent no reply within 5 s (timeouts.first_byte)."
    assert before.reason is Reason.FIRST_BYTE_TIMEOUT
    assert "nothing for 7.5 s" in str(after)
    assert "(timeouts.stream_idle)" in str(after)
    assert after.reason is not Reason.FIRST_BYTE_TIMEOUT


def test_a_reply_given_up_is_named_by_its_upstream() -> None:
    assert str(TERMS.given_up()) == ("The reply of upstream 'local' was given up before its end.")
