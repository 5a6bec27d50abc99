"""What is wrong in a configuration by the knowledge of other layers, imported only if needed."""

from collections.abc import Iterable, Iterator

from gateway.config.checks.problems import InvalidValue, KeyPath, show_path
from gateway.config.settings import Settings


def refusals(settings: Settings) -> Iterable[tuple[KeyPath, InvalidValue]]:
    """Return every reason not to start, with the key it is about."""
    found: list[tuple[KeyPath, InvalidValue]] = []
    for place, certificate in settings.certificates.items():
        from gateway.certificates import refusal

        if reason := refusal(certificate):
            found.append((place, InvalidValue(reason)))
    for place, path in settings.bundles.items():
        from gateway.certificates import bundle_refusal

        if reason := bundle_refusal(path):
            found.append((place, InvalidValue(reason)))
    if _has_params(settings):
        from gateway.exchange.params import param_values

        found += param_values.refusals(settings)
    return [*found, *_template_faults(settings)]


def doubts(settings: Settings) -> Iterable[str]:
    """Return a sentence for everything that is allowed but probably unintended."""
    found: list[str] = []
    for place, certificate in settings.certificates.items():
        from gateway.certificates import doubts as doubtful

        found += doubtful(certificate, show_path(place), is_client=place[0] == "upstreams")
    if _has_params(settings):
        from gateway.exchange.params import param_values

        found += param_values.doubts(settings)
    if _has_tokenizers(settings):
        from gateway.tokenizers import unknown_encodings

        found += unknown_encodings(settings)
    return found


def _template_faults(settings: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    for rule in settings.models:
        if rule.template is not None and rule.template.source is not None:
            from gateway.translate.prompt.templates import compile_template

            try:
                compile_template(rule.template.source)
            except ValueError as error:
                yield (
                    ("models", rule.pattern, "template"),
                    InvalidValue(f"is not a template of Jinja: {rule.template.path}, {error}"),
                )


def _has_params(settings: Settings) -> bool:
    return any(
        rule.params is not None or rule.reasoning_effort is not None for rule in settings.models
    )


def _has_tokenizers(settings: Settings) -> bool:
    rules = [rule.translation for rule in settings.models if rule.translation is not None]
    return any(translation.tokenizer for translation in (settings.translation, *rules))
