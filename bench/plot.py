"""Line charts as SVG, without a library: logarithmic axes, a legend, a light background.

Pages show them as images, so they bring their colours along, and a title for those who cannot see.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart by colour-blind people, too (Okabe and Ito)."""
GREY = "#555555"

_SVG = "http://www.w3.org/2000/svg"
_WIDTH, _HEIGHT = 480, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 34, 46
_LEGEND_LINE = 18
_PER_DECADE = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Series:
    """One line: two points or more, all of them positive."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """One field of lines with its axes."""

    title: str
    x_label: str
    lines: Sequence[Series]

    def drawn(self) -> list[str]:
        """Return the elements of the chart, whose upper left corner is the origin."""
        xs = [x for line in self.lines for x, _ in line.points]
        ys = [y for line in self.lines for _, y in line.points]
        across = _Axis(min(xs), max(xs), _LEFT, _WIDTH - 2 * _RIGHT)
        up = _Axis(_step_below(ys), _step_above(ys), _HEIGHT - _BOTTOM, _TOP)
        return [
            _text(_LEFT, 20, self.title, "start", bold=True),
            _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, self.x_label, "middle"),
            *self._grid(across, up),
            *(element for line in self.lines for element in _line(line, across, up)),
        ]

    def _grid(self, across: "_Axis", up: "_Axis") -> list[str]:
        drawn = []
        for x in sorted({x for line in self.lines for x, _ in line.points}):
            at = across.at(x)
            drawn.append(_rule(at, up.start, at, up.end))
            drawn.append(_text(at, up.start + 18, f"{x:,.0f}", "middle"))
        for y in up.ticks():
            at = up.at(y)
            drawn.append(_rule(across.start, at, across.end, at))
            drawn.append(_text(across.start - 8, at + 4, f"{y:,g}", "end"))
        return drawn


def svg(description: str, charts: Sequence[Chart]) -> str:
    """Return an image of charts side by side, with one legend for all: that of the first."""
    names = charts[0].lines
    rows = (len(names) + 2) // 3
    width, height = _WIDTH * len(charts), _HEIGHT + rows * _LEGEND_LINE + 10
    font = 'font-family="sans-serif" font-size="12"'
    drawn = [
        f'<svg xmlns="{_SVG}" viewBox="0 0 {width} {height}" role="img" {font}>',
        f"<title>{escape(description)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for place, chart in enumerate(charts):
        drawn += [f'<g transform="translate({place * _WIDTH} 0)">', *chart.drawn(), "</g>"]
    step = (width - _LEFT) / 3
    for number, line in enumerate(names):
        x, y = _LEFT + number % 3 * step, _HEIGHT + 12 + number // 3 * _LEGEND_LINE
        drawn.append(_path([(x, y - 4), (x + 26, y - 4)], line))
        drawn.append(_text(x + 34, y, line.name, "start"))
    return "\n".join([*drawn, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class _Axis:
    least: float
    most: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = math.log(value / self.least) / math.log(self.most / self.least)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        low, high = math.floor(math.log10(self.least)), math.ceil(math.log10(self.most))
        steps = _PER_DECADE if high - low <= 3 else (1,)
        values = [step * 10.0**power for power in range(low, high + 1) for step in steps]
        return [v for v in values if self.least * 0.999 <= v <= self.most * 1.001]


def _decade_below(values: Sequence[float]) -> float:
    return 10.0 ** math.floor(math.log10(min(values)))


def _step_below(values: Sequence[float]) -> float:
    decade = _decade_below(values)
    return max(step * decade for step in _PER_DECADE if step * decade <= min(values))


def _step_above(values: Sequence[float]) -> float:
    decade, most = _decade_below([max(values)]), max(values)
    return min(step * decade for step in (*_PER_DECADE, 10) if step * decade > most)


def _line(line: Series, across: _Axis, up: _Axis) -> list[str]:
    places = [(across.at(x), up.at(y)) for x, y in line.points]
    marks = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{line.colour}"/>' for x, y in places]
    return [_path(places, line), *([] if line.dashed else marks)]


def _path(places: Sequence[tuple[float, float]], line: Series) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
    return (
        f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="2"{dashes}/>'
    )


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="#dddddd"/>'


def _text(x: float, y: float, text: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222222"{weight}'
    return f"<text {place}>{escape(text)}</text>"
