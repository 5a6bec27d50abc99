from gateway.config.secret import Secret


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("sk-canary")
    assert secret.reveal() == "sk-canary"
    assert "canary" not in f"{secret} {secret!r} {[secret]}"


def test_secrets_compare_by_value_and_only_with_secrets() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
