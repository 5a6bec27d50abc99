"""A process that serves; real ones are in tests/server/test_workers.py and tests/changing."""

from gateway.process import _LARGE_BLOCK, _settle_allocator


def test_large_blocks_go_back_to_the_system() -> None:
    assert _LARGE_BLOCK == 256 * 1024
    _settle_allocator()
