from gateway.translate.parts.tools.hashed_names import hashed_name


def test_the_same_name_gives_the_same_hash_whatever_begins_it() -> None:
    assert hashed_name("a", "abc") == "a_ba7816bf"
    assert hashed_name("b", "abc") == "b_ba7816bf"
    assert hashed_name("a", "\ud800") == hashed_name("a", "?")
