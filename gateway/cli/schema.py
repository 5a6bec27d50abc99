"""`gateway schema`: what editors check a configuration file with."""

import json

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of a configuration file, for editors."""
    from gateway.config.json_schema import write_json_schema

    click.echo(json.dumps(write_json_schema(), indent=2, ensure_ascii=False))
