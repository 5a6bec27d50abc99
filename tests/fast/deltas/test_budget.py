"""When the search for templates pauses, and when it ends."""

from gateway.fast.deltas.budget import Budget


def test_a_search_that_finds_enough_goes_on() -> None:
    budget = Budget()
    for _ in range(100):
        budget.spend(Budget.FIND)
        budget.served += Budget.FIND * Budget.WORTH
    assert not budget.exhausted


def test_a_search_that_finds_too_little_ends() -> None:
    budget = Budget()
    states = []
    budget.spend(Budget.TRIAL - 1)
    states.append(budget.exhausted)
    budget.spend(1)
    states.append(budget.exhausted)
    budget.served += Budget.TRIAL * Budget.WORTH
    states.append(budget.exhausted)
    assert states == [False, True, False]


def test_after_misses_in_a_row_it_pauses_until_it_begins_again() -> None:
    budget = Budget()
    for _ in range(Budget.TRIAL):
        assert not budget.pauses
        budget.miss()
    assert budget.pauses
    budget.begin()
    assert not budget.pauses
