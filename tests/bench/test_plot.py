"""Charts of the bench: well-formed, and every point where its axes say."""

from xml.etree import ElementTree as ET

import pytest

from bench import plot

NAMESPACE = {"svg": "http://www.w3.org/2000/svg"}


def drawn(*lines: plot.Series, charts: int = 1) -> ET.Element:
    chart = plot.Chart("µs & more", "turns", lines)
    return ET.fromstring(plot.svg("What it <costs>", [chart] * charts))  # noqa: S314


def texts(image: ET.Element) -> list[str]:
    return [each.text or "" for each in image.iterfind(".//svg:text", NAMESPACE)]


def places(image: ET.Element) -> list[list[float]]:
    found = image.iterfind(".//svg:g/svg:polyline", NAMESPACE)
    return [[float(n) for n in each.attrib["points"].replace(",", " ").split()] for each in found]


def test_an_image_says_what_it_shows() -> None:
    image = drawn(plot.Series("chat→responses", [(1, 10), (100, 30)], "#0072b2"), charts=2)
    assert image.findtext("svg:title", namespaces=NAMESPACE) == "What it <costs>"
    assert texts(image).count("µs & more") == 2
    assert texts(image).count("chat→responses") == 1
    assert {"1", "100", "10", "20", "50", "turns"} <= set(texts(image))


def test_axes_are_logarithmic() -> None:
    ((x0, y0, x1, y1, x2, y2),) = places(
        drawn(plot.Series("a", [(1, 10), (10, 20), (100, 40)], ""))
    )
    assert x1 - x0 == pytest.approx(x2 - x1)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
    assert y0 > y1 > y2


def test_a_cost_of_many_decades_has_a_tick_for_each() -> None:
    image = drawn(plot.Series("a", [(1, 3), (10, 500_000)], ""))
    assert {"10", "100", "1,000", "10,000", "100,000"} <= set(texts(image))
    assert "20" not in texts(image)


@pytest.mark.parametrize(("dashed", "marks"), [(True, 0), (False, 2)])
def test_a_dashed_line_has_no_marks(dashed: bool, marks: int) -> None:
    image = drawn(plot.Series("a", [(1, 2), (3, 4)], "", dashed=dashed))
    assert len(list(image.iterfind(".//svg:circle", NAMESPACE))) == marks
