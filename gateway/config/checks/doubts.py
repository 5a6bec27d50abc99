"""What a configuration may have, but probably should not: warnings, at `check` and at start."""

import re
from collections.abc import Iterator
from importlib.util import find_spec

from gateway.config.checks.addresses import host_of, is_loopback, is_private, path_of
from gateway.config.checks.own_keys import holds_key
from gateway.config.checks.problems import show_key, show_path
from gateway.config.checks.safety import addresses, is_encrypted
from gateway.config.checks.without_effect import without_effect
from gateway.config.globs import Globs
from gateway.config.settings import CredentialPolicy, ModelRule, Settings, UpstreamSettings

_REPEATED = re.compile(r"(/[^/]+)\1\Z")
_VARIABLE = re.compile(r"\$(?:[A-Za-z_]\w*|\{[^{}]*\})\Z", re.ASCII)
_EXPRESSION = re.compile(r"\A[\^!]|\$\Z|\.\+|[\\|(){}]|(?:\A|-)\.\*")
_QUOTED = re.compile(r"([\"']).*\1\Z", re.DOTALL)


def warnings(settings: Settings) -> list[str]:
    """Return a sentence for everything that is allowed but probably unintended."""
    return [
        *_upstream_warnings(settings),
        *_access_warnings(settings),
        *_rule_warnings(settings),
        *_pattern_warnings(settings),
        *_tokenizer_warnings(settings),
        *_secret_warnings(settings),
        *without_effect(settings),
    ]


def _upstream_warnings(settings: Settings) -> Iterator[str]:
    for upstream in settings.upstreams:
        key = f"upstreams.{upstream.name}"
        encrypted = is_encrypted(upstream)
        for path, url in addresses(upstream):
            yield from (f"{show_path(path)}: {doubt}" for doubt in _address_doubts(upstream, url))
        if upstream.verify is False and encrypted:
            yield f"{key}.verify: is off, so anyone on the path can read the keys; name a CA bundle"


def _address_doubts(upstream: UpstreamSettings, url: str) -> Iterator[str]:
    sends_key = upstream.credential != CredentialPolicy.NONE or holds_key(upstream)
    if sends_key and url.startswith("http://") and not is_private(host_of(url)):
        yield "keys travel unencrypted to a public host; use https://"
    if repeated := _REPEATED.search(path_of(url)):
        yield f"has {repeated[1]} twice; write it once"
    # Its other API may be below any path.
    doubt = upstream.kind.path_doubt(path_of(url)) if url != upstream.messages_url else None
    if doubt is not None:
        yield doubt


def _access_warnings(settings: Settings) -> Iterator[str]:
    server = settings.server
    if settings.clients and server.allow_anonymous:
        yield "server.allow_anonymous: has no effect, since there are clients"
    elif server.allow_anonymous and not is_loopback(server.host):
        yield "server.allow_anonymous: anyone who reaches it can use its upstreams"


def _rule_warnings(settings: Settings) -> Iterator[str]:
    exact = {rule.pattern for rule in settings.models if not rule.is_glob}
    globs = Globs((at, rule.pattern) for at, rule in enumerate(settings.models) if rule.is_glob)
    for position, rule in enumerate(settings.models):
        key = _rule_key(rule)
        if rule.model in exact and rule.model != rule.pattern:
            yield (
                f"{key}.model: is itself a name under models; aliases are not chained, the name "
                "is sent upstream as it is"
            )
        earlier = globs.first(rule.pattern, before=position)
        if earlier is not None:
            yield (
                f'{key}: is never reached, "{show_key(settings.models[earlier].pattern)}" above it '
                "matches first; move it up"
            )


def _pattern_warnings(settings: Settings) -> Iterator[str]:
    patterns = [
        *((_rule_key(rule), rule.pattern) for rule in settings.models),
        *(
            (f"clients.{show_key(client.name)}.models", pattern)
            for client in settings.clients
            for pattern in client.models
        ),
    ]
    for key, pattern in patterns:
        if _EXPRESSION.search(pattern):
            yield (
                f"{key}: looks like a regular expression; patterns are globs: * stands for any "
                "characters, ? for one"
            )


def _tokenizer_warnings(settings: Settings) -> Iterator[str]:
    rules = [rule for rule in settings.models if rule.translation is not None]
    wanted = [
        *(["translation"] if settings.translation.tokenizer else []),
        *(_rule_key(rule) for rule in rules if rule.translation and rule.translation.tokenizer),
    ]
    if wanted and find_spec("tiktoken") is None:
        yield f"{wanted[0]}.tokenizer: needs the extra tiktoken (endpoint-gateway[tiktoken])"


def _secret_warnings(settings: Settings) -> Iterator[str]:
    secrets = {
        **{f"upstreams.{each.name}.api_key": each.api_key for each in settings.upstreams},
        "admin.token": settings.admin.token,
        "secret": settings.secret,
    }
    for key, secret in secrets.items():
        text = secret.reveal() if secret is not None else ""
        if _VARIABLE.match(text):
            yield (
                f"{key}: is a variable's name, not its value; write ${{VAR}} in the file: values "
                "from the environment are taken as they are"
            )
        elif _QUOTED.match(text):
            yield f"{key}: has quotes that are part of it; remove them where the value is set"


def _rule_key(rule: ModelRule) -> str:
    return f'models["{show_key(rule.pattern)}"]'
