"""`gateway translate`: what becomes of a request, without sending it."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.options import CONFIG, SHAPES, build_application, read_settings
from gateway.shapes import Json, Shape

if TYPE_CHECKING:
    from gateway.app import Application
    from gateway.servers import Profile


def _profile(_ctx: click.Context, _param: click.Parameter, value: str) -> "Profile":
    from gateway import servers

    if value not in (names := servers.names()):
        raise click.BadParameter(f"{value!r} is not one of {', '.join(names)}")
    return servers.profile(value)


def _kinds(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    from gateway import servers

    return [name for name in servers.names() if name.startswith(begun)]


@click.command()
@CONFIG
@click.option("--from", "client", type=SHAPES, required=True, help="The client's shape.")
@click.option("--to", "home", type=SHAPES, required=True, help="The model's shape.")
@click.option(
    "--kind",
    metavar="KIND",
    default="openai",
    show_default=True,
    callback=_profile,
    shell_complete=_kinds,
    help="The software of the upstream, as in the configuration.",
)
@click.argument("body", type=click.File("rb"), default="-")
def translate(config: Path | None, client: str, home: str, kind: "Profile", body: Any) -> None:
    """Print the upstream call(s) for a request BODY, and the report. Sends nothing.

    BODY is a file with the JSON body of the client's request; standard input by default.
    """
    from gateway.errors import GatewayError

    application = build_application(read_settings(config, {}))
    try:
        result = _translate(application, Shape(client), Shape(home), kind, body.read())
    except GatewayError as error:
        click.echo(json.dumps(error.envelope(), indent=2))
        raise SystemExit(1) from None
    finally:
        asyncio.run(application.aclose())
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))


def _translate(
    application: "Application", client: Shape, home: Shape, kind: "Profile", body: bytes
) -> Json:
    from gateway.exchange.request_fields import read_object
    from gateway.exchange.rule_params import RuleParams
    from gateway.request import GenerationRequest
    from gateway.translate.plan import can_translate, plan

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
