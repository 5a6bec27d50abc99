"""What is wrong in a configuration by the knowledge of other layers, imported only if needed."""

from collections.abc import Iterable

from gateway.config.problems import InvalidValue, KeyPath
from gateway.config.settings import Settings


def refusals(settings: Settings) -> Iterable[tuple[KeyPath, InvalidValue]]:
    """Return every reason not to start, with the key it is about."""
    if not _has_params(settings):
        return ()
    from gateway.exchange import param_values

    return param_values.refusals(settings)


def doubts(settings: Settings) -> Iterable[str]:
    """Return a sentence for everything that is allowed but probably unintended."""
    if not _has_params(settings):
        return ()
    from gateway.exchange import param_values

    return param_values.doubts(settings)


def _has_params(settings: Settings) -> bool:
    return any(rule.params is not None for rule in settings.models)
