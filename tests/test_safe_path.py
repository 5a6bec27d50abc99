import pytest

from gateway.errors import InvalidRequest
from gateway.safe_path import check_path


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/files/a%20b",
        "/v1/models/org%2Fname",
        "/a%C3%A9",
        "/a%25",
        "/..a/b..",
        "/a%zz",
        "/a;..",
        "/..a;b",
    ],
)
def test_paths_that_stay_below_their_base(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("a", "must start with"),
        ("/a b", "must be percent-encoded"),
        ("/a?b", "must be percent-encoded"),
        ("/a\\b", "must be percent-encoded"),
        ("/\xe9", "must be percent-encoded"),
        ("/%0a", "encoded control character"),
        ("/%2500", "encoded control character"),
        ("/a/../b", "segments"),
        ("/a%2f.%2E", "segments"),
        ("/a%5c%252e", "segments"),
        ("/a/..;/b", "segments"),
        ("/a/%2e%2e%3Bx=1/b", "segments"),
        ("/a/.;", "segments"),
        ("/%" + "25" * 4000 + "41", "too many times"),
    ],
)
def test_a_path_that_could_leave_its_base_is_refused(path: str, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem) as caught:
        check_path(path)
    assert caught.value.code == "invalid_path"
