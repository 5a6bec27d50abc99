"""`gateway resolve`: the route of a model, and why."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.options import CONFIG, SHAPES, build_application, own_key, read_settings
from gateway.shapes import Shape

if TYPE_CHECKING:
    from gateway.app import Application
    from gateway.resolve.evidence import Route
    from gateway.resolve.resolver import ModelQuery


@click.command()
@click.argument("model")
@CONFIG
@click.option("--from", "client", type=SHAPES, default="chat", show_default=True)
@click.option("--tools", is_flag=True, help="Assume a request with tools.")
@click.option("--reasoning", is_flag=True, help="Assume a request with a reasoning effort.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def resolve(
    model: str,
    config: Path | None,
    client: str,
    tools: bool,
    reasoning: bool,
    as_json: bool,
) -> None:
    """Print the route of MODEL and every piece of evidence, strongest first.

    Look-ups use the configured keys; for an upstream that gets the caller's own key,
    OPENAI_API_KEY is used instead.
    """
    from gateway.admin.explanation import explain
    from gateway.resolve.resolver import ModelQuery

    settings = read_settings(config, {})
    features = frozenset(
        name for name, given in (("tools", tools), ("reasoning", reasoning)) if given
    )
    query = ModelQuery(model, Shape(client), features, own_key())
    route = asyncio.run(_resolve(build_application(settings), query))
    if as_json:
        click.echo(json.dumps(explain(route, Shape(client)), indent=2))
    else:
        _print_route(route, Shape(client))


async def _resolve(application: "Application", query: "ModelQuery") -> "Route":
    try:
        return await application.resolver.resolve(query, explain=True)
    finally:
        await application.aclose()


def _print_route(route: "Route", client: Shape) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False, emoji=False)
    translated = "" if route.shape is client else f"  [dim](translated from {client.endpoint})[/]"
    sent = "" if route.model_sent == route.model_asked else f" as [bold]{route.model_sent}[/]"
    console.print(
        f"[bold]{escape(route.model_asked)}[/] → {route.upstream} "
        f"[bold]{route.shape.endpoint}[/]{sent}{translated}"
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("", "source", "endpoints", "evidence"):
        table.add_column(title, overflow="fold")
    decided = False
    for piece in route.evidence:
        decides = bool(piece.shapes) and not decided
        decided = decided or decides
        served = ", ".join(piece.shapes) or "-"
        table.add_row("→" if decides else "", piece.source, served, escape(piece.detail))
    console.print(table)
    if route.retired:
        console.print(f"shutdown date: {route.retired}; replacement: {route.replacement or '-'}")
