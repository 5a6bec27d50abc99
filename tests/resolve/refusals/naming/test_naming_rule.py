from gateway.resolve.refusals.naming.naming_rule import by_model, by_server


def test_a_rule_says_whether_the_model_is_the_reason() -> None:
    ours = by_model("no (?P<name>x)", "a", "b", value_only=True, beside_others=True)
    theirs = by_server("no (?P<name>x)", about=("y",), unknown=True)
    assert (ours.by_model, ours.value_only, ours.beside_others) == (True, True, True)
    assert ours.serves == ("a", "b")
    assert (theirs.by_model, theirs.unknown, theirs.about) == (False, True, ("y",))
    assert ours.pattern.match("no x at all")
