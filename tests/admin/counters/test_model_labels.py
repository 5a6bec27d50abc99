"""The names of models in metrics."""

import pytest

from gateway.admin.counters.model_labels import ModelLabels
from gateway.config.settings import ModelRule, RetiredSettings, Settings, UpstreamSettings
from gateway.resolve.names.catalogue import Catalogue

SETTINGS = Settings(
    (UpstreamSettings("a", "http://a/v1"),),
    models=(ModelRule("fast", model="gpt-4o-mini"), ModelRule("llama-*")),
    retired=RetiredSettings((("text-davinci-003", "gpt-4o"),)),
)


@pytest.mark.parametrize(
    ("asked", "sent", "label"),
    [
        ("", "", "none"),
        ("fast", "gpt-4o-mini", "fast"),
        ("llama-3.1-8b", "llama-3.1-8b", "llama-*"),
        ("text-davinci-003", "gpt-4o", "text-davinci-003"),
        ("invented-by-a-client", "", "other"),
        ("invented-by-a-client", "invented-by-a-client", "other"),
    ],
)
def test_labels_come_from_the_configuration(asked: str, sent: str, label: str) -> None:
    assert ModelLabels(SETTINGS, Catalogue.load()).label(asked, sent) == label


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-2024-08-06", "openai/gpt-4o"])
def test_other_known_models_have_that_of_their_family(model: str) -> None:
    catalogue = Catalogue.load()
    label = ModelLabels(SETTINGS, catalogue).label(model, model)
    assert label in {entry.pattern for entry in catalogue.entries}
