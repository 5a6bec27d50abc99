"""The configuration's rules for model names: `models`, and the redirects of retired ones."""

from collections.abc import Iterator

from gateway.config.globs import Globs
from gateway.config.settings import ModelRule, Settings
from gateway.config.translation_settings import ParamSettings
from gateway.resolve.evidence import Evidence, Source


class Rules:
    """The configured rules and redirects."""

    def __init__(self, settings: Settings) -> None:
        self._rules = settings.models
        self._rewriting = [rule for rule in settings.models if rule.rewrites]
        self._redirects = dict(settings.retired.redirect)
        self._patterns = Globs((at, rule.pattern) for at, rule in enumerate(settings.models))

    @property
    def names(self) -> list[str]:
        """The names that the configuration itself defines."""
        exact = dict.fromkeys(rule.pattern for rule in self._rules if not rule.is_glob)
        return [*exact, *self._redirects]

    def redirected(self, model: str) -> str | None:
        """Return the name that is substituted for a retired model, if any."""
        return self._redirects.get(model)

    def rule_for(self, model: str) -> ModelRule | None:
        """Return the first rule that matches, exact name or glob, in the order as written."""
        position = self._patterns.first(model)
        return None if position is None else self._rules[position]

    def knows_apart(self, model: str, other: str) -> bool:
        """Whether the configuration treats a name differently from another."""
        if model in self._redirects:
            return True
        rule = self.rule_for(model)
        return rule is not None and rule is not self.rule_for(other)

    def sent(self, model: str) -> str:
        """Return the name that a model is sent under, redirects included."""
        served = self.redirected(model) or model
        rule = self.rule_for(served)
        return (rule and rule.model_for(served)) or served

    def names_for(self, model: str, upstream: str) -> Iterator[str]:
        """Yield the other names under which globs that rewrite names serve an upstream's model."""
        for rule in self._rewriting:
            name = rule.name_for(model)
            if name is None or name == model or rule.upstream not in (None, upstream):
                continue
            if self.rule_for(name) is rule:
                yield name

    @property
    def params(self) -> list[ParamSettings]:
        """What rules change in requests."""
        return [rule.params for rule in self._rules if rule.params is not None]

    def params_for(self, model: str) -> ParamSettings | None:
        """Return what the rule of a model changes in requests, redirects included."""
        rule = self.rule_for(self.redirected(model) or model)
        return None if rule is None else rule.params

    def evidence(self, model_asked: str, model_sent: str) -> Iterator[Evidence]:
        """Yield what the configuration says about a model, by its names as asked and as sent."""
        served = self.redirected(model_asked) or model_asked
        if served != model_asked:
            yield Evidence(Source.CONFIG, f"retired.redirect puts {served!r} in its place")
        rule = self.rule_for(served)
        if rule is None:
            return
        target = f" to {model_sent}" if model_sent != served else " here"
        endpoints = f" at {', '.join(rule.endpoints)}" if rule.endpoints else ""
        yield Evidence(
            Source.CONFIG, f"rule {rule.pattern!r} leads{target}{endpoints}", rule.endpoints
        )
