"""Makes the pictures of the admin page in the documents: `make screenshots`.

The page is real, in a headless Chromium, before a gateway that has served the requests of
`tests/admin/busy_gateway.py`.
"""

import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tests.admin.busy_gateway import busy_gateway
from tests.browser import Browser, browser
from tests.modules import PROJECT

IMAGES = PROJECT / "docs" / "images"
ROWS = "document.querySelectorAll('#request-table tr.entry').length >= 12"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def smaller(png: bytes) -> bytes:
    """Return the same picture, compressed as well as PNG can be, without metadata."""
    pixels = b"".join(data for kind, data in _chunks(png) if kind == b"IDAT")
    kept = [(kind, data) for kind, data in _chunks(png) if kind == b"IHDR"]
    kept += [(b"IDAT", zlib.compress(zlib.decompress(pixels), 9)), (b"IEND", b"")]
    return SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in kept
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        yield kind, png[at + 8 : at + 8 + length]
        at += length + 12


def requests(page: Browser, url: str) -> None:
    """Show recent requests, and the details of one that was learned from."""
    page.show_as(1200, 720)
    page.open(f"{url}/#requests")
    page.until(ROWS)
    page.value(
        "[...document.querySelectorAll('tr.entry')]"
        ".find((row) => row.innerText.includes('davinci-002')).querySelector('button').click()"
    )


def upstreams(page: Browser, url: str) -> None:
    """Show the upstreams, in the dark."""
    page.show_as(1200, 440, dark=True)
    page.open(f"{url}/#upstreams")
    page.until("document.querySelectorAll('#upstream-cards article').length === 2")


def resolve(page: Browser, url: str) -> None:
    """Show why a model goes where it goes."""
    page.show_as(1200, 620)
    page.open(f"{url}/#resolve")
    page.value("document.querySelector('#resolve-form [name=model]').value = 'acme-writer-v2'")
    page.value("document.querySelector('#resolve-form').requestSubmit()")
    page.until("document.querySelector('#resolve-result').innerText")


def phone(page: Browser, url: str) -> None:
    """Show recent requests on a phone, in the dark."""
    page.show_as(390, 720, dark=True)
    page.open(f"{url}/#requests")
    page.until(ROWS)


def main() -> None:
    """Write the pictures."""
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        browser(Path(folder)) as page,
        busy_gateway() as gateway,
    ):
        for show in (requests, upstreams, resolve, phone):
            page.open("about:blank")
            show(page, gateway.admin_url)
            picture = smaller(page.screenshot())
            (IMAGES / f"page-{show.__name__}.png").write_bytes(picture)
            sys.stdout.write(f"docs/images/page-{show.__name__}.png: {len(picture)} bytes\n")


if __name__ == "__main__":
    main()
