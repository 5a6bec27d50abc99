"""`gateway translate`: what becomes of a request, and of its reply, without sending it."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click
from click.core import ParameterSource

from gateway.cli.options import CONFIG, SHAPES, UPSTREAM, build_application, read_settings
from gateway.shapes import Shape

if TYPE_CHECKING:
    from gateway.servers import Profile


def _profile(_ctx: click.Context, _param: click.Parameter, value: str) -> "Profile":
    from gateway import servers

    if value not in (names := servers.names()):
        raise click.BadParameter(f"{value!r} is not one of {', '.join(names)}")
    return servers.profile(value)


def _kinds(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    from gateway import servers

    return [name for name in servers.names() if name.startswith(begun)]


@click.command(short_help="Print the upstream calls for a request, and the report.")
@CONFIG
@UPSTREAM
@click.option("--from", "client", type=SHAPES, required=True, help="The client's shape.")
@click.option("--to", "home", type=SHAPES, help="The model's shape; without it, it is looked up.")
@click.option(
    "--kind",
    metavar="KIND",
    default="openai",
    show_default=True,
    callback=_profile,
    shell_complete=_kinds,
    help="With --to: the software of the upstream, as in the configuration.",
)
@click.option(
    "--reply",
    "replies",
    type=click.File("rb"),
    multiple=True,
    metavar="FILE",
    help="Translate this reply of the upstream, too: JSON or events; one for each call.",
)
@click.argument("body", type=click.File("rb"), default="-")
def translate(
    config: Path | None,
    upstream: str | None,
    client: str,
    home: str | None,
    kind: "Profile",
    replies: tuple[BinaryIO, ...],
    body: BinaryIO,
) -> None:
    """Print the upstream call(s) for a request BODY, and the report. Generates nothing.

    BODY is a file with the JSON body of the client's request; standard input by default. Without
    --to, the model's endpoint is looked up as by `gateway resolve`; with it, nothing is sent. An
    error is printed as the client gets it; then the exit status is 1.
    """
    from gateway.cli.translating import Question, as_client_gets_it, translated
    from gateway.errors import GatewayError

    source = click.get_current_context().get_parameter_source("kind")
    if home is None and source is not ParameterSource.DEFAULT:
        raise click.UsageError("--kind needs --to: without it, the upstream's own kind counts")
    given = [reply.read() for reply in replies]
    question = Question(Shape(client), Shape(home) if home else None, kind, body.read(), given)
    application = build_application(read_settings(config, {"upstream": upstream}))

    async def run() -> dict[str, Any]:
        try:
            return await translated(application, question)
        finally:
            await application.aclose()

    try:
        result = asyncio.run(run())
    except GatewayError as error:
        shown = as_client_gets_it(error, question)
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        raise SystemExit(1) from None
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))
