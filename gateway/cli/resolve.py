"""`gateway resolve`: the route of a model, and why."""

import asyncio
import json
import shutil
import textwrap
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.options import (
    CONFIG,
    SHAPES,
    UPSTREAM,
    build_application,
    own_key,
    read_settings,
    write,
)
from gateway.shapes import Shape

if TYPE_CHECKING:
    from gateway.app import Application
    from gateway.checks.checking import Checked, Findings
    from gateway.config.settings import Settings
    from gateway.resolve.evidence import Route
    from gateway.resolve.resolver import ModelQuery

_REFUSED = (401, 403)
_GAP = "  "
_NO_TERMINAL = (10_000, 1)
"""Columns and lines of a file or a pipe: its readers look for whole lines."""
_NARROWEST = 20
"""Columns that the evidence has even where the terminal is narrower."""


def _name(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("it is empty; name a model")
    from gateway.errors import InvalidRequest
    from gateway.exchange.bodies.request_fields import checked_model

    try:
        return checked_model(value)
    except InvalidRequest as error:
        raise click.BadParameter(error.message) from None


@click.command(short_help="Print the route of MODEL, and all evidence.")
@click.argument("model", callback=_name)
@CONFIG
@UPSTREAM
@click.option(
    "--from", "client", type=SHAPES, default="chat", show_default=True, help="The client's shape."
)
@click.option("--tools", is_flag=True, help="Assume a request with tools.")
@click.option("--reasoning", is_flag=True, help="Assume a request with a reasoning effort.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def resolve(
    model: str,
    config: Path | None,
    upstream: str | None,
    client: str,
    tools: bool,
    reasoning: bool,
    as_json: bool,
) -> None:
    """Print the route of MODEL and every piece of evidence, strongest first.

    Exit 1 if the upstream does not list the model and no rule names its endpoint, if it cannot be
    reached, or if it refuses the key. Look-ups use the configured keys; for an upstream that gets
    the caller's own key, OPENAI_API_KEY is used instead.
    """
    from gateway.admin.explanation import explain
    from gateway.resolve.resolver import ModelQuery

    settings = read_settings(config, {"upstream": upstream})
    features = frozenset(
        name for name, given in (("tools", tools), ("reasoning", reasoning)) if given
    )
    query = ModelQuery(model, Shape(client), features, own_key())
    findings, near = asyncio.run(_resolve(build_application(settings), query))
    (found,) = findings.names
    route = _without_coming_end(found)
    addresses = settings.upstream(route.upstream).base_urls
    if as_json:
        more = {"addresses": addresses, "verdict": found.verdict.value, "nearest": near}
        click.echo(json.dumps({**explain(route, Shape(client)), **more}, indent=2))
    else:
        _print_route(route, Shape(client))
        if len(addresses) > 1:
            click.echo(f"addresses: {' '.join(addresses)}")
    _conclude(settings, findings, near)


async def _resolve(application: "Application", query: "ModelQuery") -> "tuple[Findings, list[str]]":
    """Return the finding about one model, and the names near to that of a missing one."""
    from gateway.checks.checking import judge, nearest

    try:
        route = await application.resolver.explain(query)
        findings = await judge(application, [route], query.headers)
        near = await nearest(application, findings, query.headers)
        return findings, near.get(route.model_asked, [])
    finally:
        await application.aclose()


def _without_coming_end(found: "Checked") -> "Route":
    """Return the route, without a coming shutdown if the model is not there.

    The date is that of a family whose pattern matches the name. One in the past may be the reason.
    """
    from gateway.checks.checking import Verdict

    route = found.route
    is_to_come = route.retired is not None and route.retired > date.today().isoformat()
    if found.verdict is Verdict.NOT_THERE and is_to_come:
        return replace(route, retired=None, replacement=None)
    return route


def _conclude(settings: "Settings", findings: "Findings", near: list[str]) -> None:
    """Print the verdict, unless the model is there; problems end the command with status 1."""
    from gateway.checks.checking import Verdict, is_sought, question, why_unread

    (found,) = findings.names
    where = f"in the model list of {found.route.upstream}"
    if is_sought(found.route) and len(settings.upstreams) > 1:
        where = "in the model list of any upstream"
    asked, sent = found.route.model_asked, found.route.model_sent
    name = f"'{sent}'" if sent == asked else f"'{asked}', sent as '{sent}',"
    missing = f"{name} is not {where}{question(near)}"
    if found.verdict is Verdict.GOOD:
        if near:
            click.echo(f"warning: {missing}", err=True)
        return
    if found.verdict is Verdict.NOT_THERE:
        raise click.ClickException(missing)
    for upstream, failed in findings.unread.items():
        why = why_unread(settings.upstream(upstream), failed, own_key())
        click.echo(f"not checked: the model list of {upstream} could not be read ({why})", err=True)
    if not findings.unread:
        click.echo("not checked: the model list does not have deployments", err=True)
    # Without a status, there was no reply at all. With others, there may be no list to read.
    if any(failed.status in (None, *_REFUSED) for failed in findings.unread.values()):
        raise SystemExit(1)


def _print_route(route: "Route", client: Shape) -> None:
    translated = "" if route.shape is client else f"(translated from {client.endpoint})"
    sent = "" if route.model_sent == route.model_asked else " as " + _bold(route.model_sent)
    write(
        f"{_bold(route.model_asked)} → {route.upstream} {_bold(route.shape.endpoint)}{sent}"
        + (click.style(f"  {translated}", dim=True) if translated else "")
    )
    _print_evidence(route)
    if route.retired:
        click.echo(f"shutdown date: {route.retired}; replacement: {route.replacement or '-'}")


def _bold(text: str) -> str:
    return click.style(text, bold=True)


def _print_evidence(route: "Route") -> None:
    """Print a table as wide as the terminal; its last column takes as many lines as it needs."""
    rows = [("", "source", "endpoints", "evidence")]
    decided = False
    for piece in route.evidence:
        decides = bool(piece.shapes) and not decided
        decided = decided or decides
        served = ", ".join(piece.shapes) or "-"
        rows.append(("→" if decides else "", piece.source, served, piece.detail))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    before = sum(widths) + len(widths) * len(_GAP)
    width = max(shutil.get_terminal_size(_NO_TERMINAL).columns - before, _NARROWEST)
    for number, row in enumerate(rows):
        cells = (cell.ljust(size) for cell, size in zip(row[:-1], widths, strict=True))
        lines = textwrap.wrap(row[-1], width, break_on_hyphens=False)
        text = _GAP.join((*cells, f"\n{' ' * before}".join(lines)))
        write(text if number else _bold(text))
