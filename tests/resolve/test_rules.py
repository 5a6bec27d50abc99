"""What the configuration says about a model's name."""

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from gateway.config.settings import ModelRule, RetiredSettings, Settings, UpstreamSettings
from gateway.resolve.evidence import Evidence, Source
from gateway.resolve.rules import Rules
from gateway.shapes import Shape

UPSTREAM = UpstreamSettings("a", "https://a.example/v1")
CHAT_ONLY = ModelRule("new", model="newest", endpoints=(Shape.CHAT,))


def rules(*given: ModelRule, redirect: tuple[tuple[str, str], ...] = ()) -> Rules:
    return Rules(Settings((UPSTREAM,), models=given, retired=RetiredSettings(redirect)))


def test_the_first_rule_that_matches_wins() -> None:
    glob, exact, later = ModelRule("gpt-*"), ModelRule("gpt-4"), ModelRule("o1")
    both = rules(glob, exact, later, ModelRule("o1", model="x"))
    assert both.rule_for("gpt-4") is glob
    assert both.rule_for("o1") is later
    assert both.rule_for("O1") is None
    assert both.names == ["gpt-4", "o1"]


def test_without_rules_nothing_is_said() -> None:
    none = rules()
    assert none.redirected("old") is None
    assert none.names == []
    assert list(none.evidence("old", "old")) == []


def test_a_redirect_is_evidence_before_the_rule_of_the_name_it_leads_to() -> None:
    both = rules(CHAT_ONLY, redirect=(("old", "new"),))
    assert both.redirected("old") == "new"
    assert both.redirected("new") is None
    assert both.names == ["new", "old"]
    assert list(both.evidence("old", "newest")) == [
        Evidence(Source.CONFIG, "retired.redirect puts 'new' in its place"),
        Evidence(Source.CONFIG, "rule 'new' leads to newest at chat", (Shape.CHAT,)),
    ]


def test_a_rule_that_changes_no_name_leads_here() -> None:
    (piece,) = rules(ModelRule("m")).evidence("m", "m")
    assert (piece.detail, piece.shapes) == ("rule 'm' leads here", ())


VENDOR = ModelRule("openai/*", model="*", upstream="a")


def test_a_rewritten_name_is_evidence_with_the_name_that_is_sent() -> None:
    both = rules(VENDOR, redirect=(("old", "openai/gpt-4o"),))
    assert both.sent("old") == both.sent("openai/gpt-4o") == "gpt-4o"
    (piece,) = both.evidence("openai/gpt-4o", "gpt-4o")
    assert piece.detail == "rule 'openai/*' leads to gpt-4o"


def test_models_have_the_names_under_which_rules_serve_them() -> None:
    taken = ModelRule("openai/o1", model="o3")
    several = rules(taken, VENDOR, ModelRule("*-v2", model="*"), ModelRule("gpt-*", model="gpt-*"))
    assert list(several.names_for("gpt-4o", "a")) == ["openai/gpt-4o", "gpt-4o-v2"]
    assert list(several.names_for("llama", "a")) == ["openai/llama", "llama-v2"]
    assert list(several.names_for("llama", "b")) == ["llama-v2"]
    assert list(several.names_for("o1", "a")) == ["o1-v2"]


PATTERNS = st.one_of(
    st.text("ab-", min_size=1, max_size=3),
    st.text("ab-*?[]", min_size=1, max_size=5),
    st.text("ab-", max_size=3).map(lambda text: f"{text}*"),
    st.text("ab-", max_size=3).map(lambda text: f"*{text}"),
    st.just("*"),
)


@given(st.lists(PATTERNS, max_size=40), st.text("ab-*?[]", max_size=6))
def test_the_first_rule_is_found_as_by_trying_them_all(patterns: list[str], model: str) -> None:
    written = [ModelRule(pattern) for pattern in patterns]
    first = next(
        (
            rule
            for rule in written
            if (fnmatchcase(model, rule.pattern) if rule.is_glob else model == rule.pattern)
        ),
        None,
    )
    assert rules(*written).rule_for(model) is first
