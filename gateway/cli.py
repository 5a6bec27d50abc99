"""The command line: serve, demo, resolve, translate, check, healthcheck, key.

Exit codes: 0 success, 1 a problem was found, 2 wrong usage (click's own).
"""

import asyncio
import json
import logging
import os
from pathlib import Path
from typing import Any

import click

from gateway import __version__, app, client_keys, servers
from gateway.admin.explanation import explain
from gateway.checking import Checked, Findings, Verdict, check_names
from gateway.config.load import ConfigError, load, unused_variables, warnings
from gateway.config.settings import Settings
from gateway.errors import GatewayError
from gateway.exchange.request_fields import read_object
from gateway.exchange.rule_params import RuleParams
from gateway.healthcheck import Unhealthy, ask, place_of, words_behind_serve
from gateway.local_addresses import reaches
from gateway.logs import log_to_stderr
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.resolver import ModelQuery
from gateway.running import run
from gateway.server.peers import Peers
from gateway.servers import Profile
from gateway.shapes import Json, RawHeaders, Shape
from gateway.translate.plan import can_translate, plan

_SHAPES = click.Choice([shape.value for shape in Shape])
_PORT = click.IntRange(0, 65535)
_CONFIG = click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="GATEWAY_CONFIG",
    help="The YAML file; without one, the defaults and GATEWAY_… variables apply.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gateway")
def main() -> None:
    """Let any OpenAI-style client reach any model, at whichever endpoint the model lives."""


main.add_command(client_keys.key)


@main.command()
@_CONFIG
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=int, help="The port to listen on; 0 for any free one.")
@click.option("--upstream", metavar="URL", help="The base URL of the default upstream.")
@click.option("--workers", type=int, help="The number of processes that share the port.")
def serve(
    config: Path | None,
    host: str | None,
    port: int | None,
    upstream: str | None,
    workers: int | None,
) -> None:
    """Run the gateway."""
    overrides = {
        "server.host": host,
        "server.port": port,
        "server.workers": workers,
        "upstream": upstream,
    }
    settings = _load(config, overrides)
    log_to_stderr(settings.log)
    for warning in [*warnings(settings), *unused_variables(os.environ)]:
        logging.getLogger("gateway").warning(warning)
    try:
        raise SystemExit(run(settings, _build))
    except OSError as error:
        raise click.ClickException(str(error)) from None


@main.command()
@click.option("--once", is_flag=True, help="Show the calls and exit, instead of serving on.")
@click.option("--port", type=_PORT, help="The gateway's port; 8080, or any if that is taken.")
@click.option("--emulator-port", type=_PORT, help="The upstream's; 8081, or any if that is taken.")
def demo(once: bool, port: int | None, emulator_port: int | None) -> None:
    """Show calls that fail at the upstream and succeed through the gateway."""
    from gateway.demo.show import Ports, PortTaken, show

    try:
        raise SystemExit(asyncio.run(show(once=once, ports=Ports(port, emulator_port))))
    except PortTaken as error:
        raise click.ClickException(str(error)) from None


@main.command()
@click.argument("model")
@_CONFIG
@click.option("--from", "client", type=_SHAPES, default="chat", show_default=True)
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
    settings = _load(config, {})
    features = frozenset(
        name for name, given in (("tools", tools), ("reasoning", reasoning)) if given
    )
    query = ModelQuery(model, Shape(client), features, _own_key())
    route = asyncio.run(_resolve(_build(settings), query))
    if as_json:
        click.echo(json.dumps(explain(route, Shape(client)), indent=2))
    else:
        _print_route(route, Shape(client))


@main.command()
@_CONFIG
@click.option("--from", "client", type=_SHAPES, required=True, help="The client's shape.")
@click.option("--to", "home", type=_SHAPES, required=True, help="The model's shape.")
@click.option(
    "--kind",
    type=click.Choice(servers.names()),
    default="openai",
    show_default=True,
    help="The software of the upstream.",
)
@click.argument("body", type=click.File("rb"), default="-")
def translate(config: Path | None, client: str, home: str, kind: str, body: Any) -> None:
    """Print the upstream call(s) for a request BODY, and the report. Sends nothing.

    BODY is a file with the JSON body of the client's request; standard input by default.
    """
    application = _build(_load(config, {}))
    try:
        result = _translate(
            application, Shape(client), Shape(home), servers.profile(kind), body.read()
        )
    except GatewayError as error:
        click.echo(json.dumps(error.envelope(), indent=2))
        raise SystemExit(1) from None
    finally:
        asyncio.run(application.aclose())
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))


@main.command()
@_CONFIG
def check(config: Path | None) -> None:
    """Validate a configuration and resolve its aliases; exit 1 on a problem."""
    settings = _load(config, {})
    application = _build(settings)
    for warning in [*warnings(settings), *unused_variables(os.environ)]:
        click.echo(f"warning: {warning}", err=True)
    findings = asyncio.run(_check(application))
    for name in findings.names:
        _print_checked(name)
    for upstream, reason in findings.unread.items():
        click.echo(
            f"warning: upstreams.{upstream}: its model list could not be read ({reason}), so the "
            "names that lead there were not checked",
            err=True,
        )
    where = config or "the defaults"
    failed = sum(name.verdict is Verdict.NOT_THERE for name in findings.names)
    if failed:
        raise click.ClickException(f"{failed} alias(es) in {where} do not lead to a model")
    verdict = "good, as far as could be checked" if findings.unread else "good"
    counts = f"{len(settings.upstreams)} upstream(s), {len(settings.models)} rule(s)"
    click.echo(f"{where}: {verdict} ({counts})")


@main.command()
@_CONFIG
@click.option("--of", "process", type=int, help="Take the options of that process of `serve`.")
@click.option("--timeout", type=float, default=2.0, show_default=True, help="In seconds.")
def healthcheck(config: Path | None, process: int | None, timeout: float) -> None:
    """Ask the gateway on this machine whether it lives, where `serve` listens; exit 1 if not."""
    options = {"config": config, "host": None, "port": None}
    if process is not None:
        options = serve.make_context("serve", words_behind_serve(process)).params
    where = {f"server.{name}": options[name] for name in ("host", "port")}
    try:
        place, problems = place_of(config or options["config"], os.environ, where)
        for problem in problems:
            click.echo(f"warning: {problem}", err=True)
        ask(place, timeout)
    except (ConfigError, Unhealthy) as error:
        raise click.ClickException(str(error)) from None


def _load(config: Path | None, overrides: dict[str, Any]) -> Settings:
    try:
        return load(config, os.environ, overrides, leads_to=reaches)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None


def _build(settings: Settings, peers: Peers | None = None) -> app.Application:
    try:
        return app.build(settings, peers)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None


async def _resolve(application: app.Application, query: ModelQuery) -> Route:
    try:
        return await application.resolver.resolve(query, explain=True)
    finally:
        await application.aclose()


async def _check(application: app.Application) -> Findings:
    try:
        return await check_names(application, _own_key())
    finally:
        await application.aclose()


def _print_checked(checked: Checked) -> None:
    route = checked.route
    leads = f"{checked.name} → {route.model_sent}"
    if checked.verdict is Verdict.NOT_THERE:
        click.echo(f"{leads}: not found", err=True)
        return
    served = ", ".join(shape.endpoint for shape in route.shapes)
    doubt = " (not checked)" if checked.verdict is Verdict.UNCHECKED else ""
    click.echo(f"{leads} at {route.upstream}: {served}{doubt}")


def _own_key() -> RawHeaders:
    key = os.environ.get("OPENAI_API_KEY", "")
    return ((b"authorization", b"Bearer " + key.encode()),) if key else ()


def _translate(
    application: app.Application, client: Shape, home: Shape, kind: Profile, body: bytes
) -> Json:
    if not can_translate(client, home):
        raise click.ClickException(f"there is no translation from {client} to {home}")
    named = read_object(body).get("model")
    model = named if isinstance(named, str) else ""
    route = application.resolver.assumed(model, home, kind)
    call = GenerationRequest.at(client, body)
    call, params = RuleParams(application.resolver.rules).report_on(call, model)
    context = application.attempts.sealing_context(call, route, home)
    translation = plan(client, home, read_object(call.body), context)
    return {
        "calls": [{"path": home.endpoint, "body": call} for call in translation.calls],
        "report": {
            "from": client,
            "to": home,
            "dropped": params.dropped + translation.report.dropped,
            "changed": params.changed + translation.report.changed,
            "emulated": translation.report.emulated,
        },
        "local_reply": translation.local_reply(),
    }


def _print_route(route: Route, client: Shape) -> None:
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
