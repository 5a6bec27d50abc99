"""`gateway check`: whether a configuration is good, and where its names lead."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.options import CONFIG, build_application, own_key, read_settings, suspicions

if TYPE_CHECKING:
    from gateway.app import Application
    from gateway.checking import Checked, Findings


@click.command()
@CONFIG
def check(config: Path | None) -> None:
    """Validate a configuration and resolve its aliases; exit 1 on a problem."""
    from gateway.checking import Verdict

    settings = read_settings(config, {})
    application = build_application(settings)
    for warning in suspicions(settings):
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


async def _check(application: "Application") -> "Findings":
    from gateway.checking import check_names

    try:
        return await check_names(application, own_key())
    finally:
        await application.aclose()


def _print_checked(checked: "Checked") -> None:
    from gateway.checking import Verdict

    route = checked.route
    leads = f"{checked.name} → {route.model_sent}"
    if checked.verdict is Verdict.NOT_THERE:
        click.echo(f"{leads}: not found", err=True)
        return
    served = ", ".join(shape.endpoint for shape in route.shapes)
    doubt = " (not checked)" if checked.verdict is Verdict.UNCHECKED else ""
    click.echo(f"{leads} at {route.upstream}: {served}{doubt}")
