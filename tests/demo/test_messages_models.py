from gateway.demo.messages_models import MESSAGES_MODELS
from gateway.demo.models import ALL_MODELS
from gateway.servers.anthropic import PROFILE

BY_ID = {model.id: model for model in MESSAGES_MODELS}


def test_the_gateway_reads_the_cards() -> None:
    assert PROFILE.capability is not None
    assert PROFILE.abilities is not None
    for model in MESSAGES_MODELS:
        card = model.card()
        assert PROFILE.capability(card) is not None
        abilities = PROFILE.abilities(card)
        assert abilities is not None
        assert abilities.max_output_tokens == model.max_output
        assert abilities.thinking == model.thinking
        assert bool(abilities.efforts) is model.effort


def test_a_model_that_ends_says_when() -> None:
    card = BY_ID["claude-demo-haiku-3-5"].card()
    assert card["lifecycle"] == "deprecated"
    assert (card["deprecated_at"], card["retires_at"]) == (
        "2027-07-05T00:00:00Z",
        "2028-01-01T00:00:00Z",
    )
    active = BY_ID["claude-demo-opus-5"].card()
    assert (active["lifecycle"], active["retires_at"]) == ("active", None)


def test_the_models_are_not_ones_of_openai() -> None:
    assert not BY_ID.keys() & {model.id for model in ALL_MODELS}
