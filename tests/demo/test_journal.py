import threading

from gateway.demo.journal import Journal, RecordedRequest


def record(path: str, method: str = "POST") -> RecordedRequest:
    return RecordedRequest(method, path, "", {})


def test_requests_are_kept_in_order() -> None:
    journal = Journal()
    first, second = record("/a"), record("/b")
    journal.add(first)
    journal.add(second)
    assert list(journal) == [first, second]
    assert (journal[0], journal[-1], len(journal)) == (first, second, 2)


def test_only_the_last_ones_are_kept() -> None:
    journal = Journal(2)
    for path in ("/a", "/b", "/c"):
        journal.add(record(path))
    assert [one.path for one in journal] == ["/b", "/c"]


def test_calls_are_those_of_one_path_and_method() -> None:
    journal = Journal()
    for one in (record("/a"), record("/a", "GET"), record("/b")):
        journal.add(one)
    assert len(journal.calls("/a")) == 1
    assert len(journal.calls("/a", "GET")) == 1


def test_a_cleared_journal_is_empty() -> None:
    journal = Journal()
    journal.add(record("/a"))
    journal.clear()
    assert list(journal) == []


def test_a_test_can_wait_for_requests_of_another_thread() -> None:
    journal = Journal()
    thread = threading.Thread(target=journal.add, args=(record("/a"),))
    thread.start()
    assert journal.wait_for(1)
    thread.join()
    assert not journal.wait_for(2, timeout=0)
