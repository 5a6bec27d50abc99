"""`gateway check`: whether a configuration is good, and where its names lead."""

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.options import CONFIG, build_application, own_key, read_settings, suspicions
from gateway.shapes import Shape

if TYPE_CHECKING:
    from gateway.app import Application
    from gateway.checks.checking import Checked, Findings
    from gateway.checks.probing import Probe
    from gateway.config.settings import Settings

_NAMED_CLIENTS = 5
"""More are counted only."""


@click.command(short_help="Validate a configuration and resolve its aliases.")
@CONFIG
@click.option("--probe", is_flag=True, help="Ask every upstream; nothing is generated.")
def check(config: Path | None, probe: bool) -> None:
    """Validate a configuration and resolve its aliases; exit 1 on a problem.

    With --probe, also show for every upstream whether it can be reached, whether it accepts the
    key, how many models it lists, and which endpoints it has. For an upstream that gets the
    caller's own key, OPENAI_API_KEY is tried.
    """
    settings = read_settings(config, {})
    application = build_application(settings)
    for warning in suspicions(settings):
        _warn(warning)
    findings, near, probes, stores = asyncio.run(_ask(application, probe=probe))
    _print_settings(settings, frozenset(name.name for name in findings.names))
    for name in findings.names:
        _print_checked(name, near.get(name.name, ()))
    _print_unread(settings, findings)
    if probes:
        _print_probes(probes)
    for setting, reason in stores.items():
        click.echo(f"{setting}: {reason}", err=True)
    _conclude(settings, str(config or "the defaults"), findings, probes, len(stores))


async def _ask(
    application: "Application", *, probe: bool
) -> "tuple[Findings, Mapping[str, list[str]], Sequence[Probe], Mapping[str, str]]":
    """Return where names lead, names near to missing ones, and what upstreams and stores say."""
    from gateway.checks.checking import check_names, nearest
    from gateway.checks.probing import probe_all
    from gateway.stores.answering import unanswered

    try:
        asking = check_names(application, own_key())
        if not probe:
            findings = await asking
            return findings, await nearest(application, findings, own_key()), (), {}
        probing = probe_all(application, own_key())
        silent = unanswered(application.settings)
        findings, probes, stores = await asyncio.gather(asking, probing, silent)
        return findings, await nearest(application, findings, own_key()), probes, stores
    finally:
        await application.aclose()


def _conclude(
    settings: "Settings",
    where: str,
    findings: "Findings",
    probes: "Sequence[Probe]",
    silent: int,
) -> None:
    """Print the verdict; problems end the command with status 1."""
    from gateway.checks.checking import Verdict
    from gateway.config.checks.problems import counted

    failed = sum(name.verdict is Verdict.NOT_THERE for name in findings.names)
    broken = sum(bool(probe.problem) for probe in probes)
    leading = counted(failed, "alias leads", "aliases lead")
    problems = [
        *([f"{leading} to no model in {where}"] if failed else []),
        *([f"{counted(broken, 'upstream')} in {where} cannot serve requests"] if broken else []),
        *([f"{counted(silent, 'store')} in {where} cannot be used"] if silent else []),
    ]
    if problems:
        raise click.ClickException("; ".join(problems))
    verdict = "good, as far as could be checked" if findings.unread else "good"
    upstreams, rules = len(settings.upstreams), len(settings.models)
    click.echo(f"{where}: {verdict} ({counted(upstreams, 'upstream')}, {counted(rules, 'rule')})")


def _warn(text: str) -> None:
    click.echo(f"warning: {text}", err=True)


def _print_settings(settings: "Settings", checked: AbstractSet[str]) -> None:
    """Print what the configuration comes to: upstreams, patterns that were not checked, clients."""
    from gateway.config.checks.problems import counted

    for upstream in settings.upstreams:
        click.echo(
            f"upstream {upstream.name}: {' '.join(upstream.base_urls)}, kind {upstream.kind}, "
            f"credential {upstream.credential}"
        )
    for rule in settings.models:
        if rule.is_glob and rule.pattern not in checked:
            sent = f" → {rule.model}" if rule.model else ""
            at = f" at {rule.upstream}" if rule.upstream else ""
            served = ", ".join(shape.endpoint for shape in rule.endpoints)
            doubt = " (not checked)" if rule.model else ""
            click.echo(f"{rule.pattern}{sent}{at}{f': {served}' if served else ''}{doubt}")
    names = [client.name for client in settings.clients]
    if names:
        more = len(names) - _NAMED_CLIENTS
        shown = ", ".join(names[:_NAMED_CLIENTS]) + (f" and {more} more" if more > 0 else "")
        click.echo(f"{counted(len(names), 'client')}: {shown}")


def _print_unread(settings: "Settings", findings: "Findings") -> None:
    from gateway.checks.checking import why_unread

    for upstream, failed in findings.unread.items():
        why = why_unread(settings.upstream(upstream), failed, own_key())
        _warn(
            f"upstreams.{upstream}: its model list could not be read ({why}), so the names that "
            "lead there were not checked"
        )


def _print_checked(checked: "Checked", near: "Sequence[str]") -> None:
    from gateway.checks.checking import Verdict, question

    route = checked.route
    leads = f"{checked.name} → {route.model_sent}"
    if checked.verdict is Verdict.NOT_THERE:
        click.echo(f"{leads}: not found{question(near)}", err=True)
        return
    served = ", ".join(shape.endpoint for shape in route.shapes)
    if checked.is_unlisted and near:
        _warn(f"{leads}: is not in the model list of {route.upstream}{question(near)}")
    doubt = " (not checked)" if checked.verdict is Verdict.UNCHECKED else ""
    click.echo(f"{leads} at {route.upstream}: {served}{doubt}")


def _print_probes(probes: "Sequence[Probe]") -> None:
    rows = [
        ("upstream", "kind", "key", "models", *(shape.value for shape in Shape)),
        *(_row(probe) for probe in probes),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    click.echo()
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
    click.echo()
    for probe in probes:
        if probe.problem:
            click.echo(f"upstreams.{probe.upstream.name}: {probe.problem}", err=True)
        else:
            for doubt in probe.doubts:
                _warn(f"upstreams.{probe.upstream.name}: {doubt}")


def _row(probe: "Probe") -> tuple[str, ...]:
    models = str(probe.models) if isinstance(probe.models, int) else "?"
    served = (endpoint.served.value for endpoint in probe.endpoints.values())
    return (probe.upstream.name, probe.kind.name, probe.key.value, models, *served)
