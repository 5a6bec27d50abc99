from gateway.resolve.refusals.destinations import TO_CHAT
from gateway.resolve.refusals.endpoint_rule import rule
from gateway.shapes import Shape


def test_a_rule_is_a_text_in_any_letters_and_where_it_leads() -> None:
    made = rule("Not here", TO_CHAT, "a", "b", calls=(Shape.RESPONSES,), needs="x", codes=("c",))
    assert made.pattern.match("not HERE, please")
    assert not made.pattern.match("It is not here")
    assert (made.destination, made.serves) == (TO_CHAT, ("a", "b"))
    assert (made.calls, made.needs) == ((Shape.RESPONSES,), "x")
    assert made.codes == frozenset({"c"})
