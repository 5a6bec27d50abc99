"""Whether parts of the gateway are being loaded."""

from concurrent.futures import ThreadPoolExecutor

from gateway.lazy import LOADING


def is_held() -> bool:
    """Return whether some thread holds the lock of loading, which only another one can tell."""
    with ThreadPoolExecutor(1) as other:
        return not other.submit(_is_free).result()


def _is_free() -> bool:
    is_free = LOADING.acquire(blocking=False)
    if is_free:
        LOADING.release()
    return is_free
