"""`gateway schema`, and the file of it that editors find beside config.yaml."""

import json

from tests.cli.commands import run
from tests.documents import ROOT

FILE = ROOT / "config.schema.json"


def test_the_file_in_the_repository_is_what_the_command_prints() -> None:
    printed = run("schema")
    assert printed.exit_code == 0
    renew = "`gateway schema > config.schema.json` renews it"
    assert json.loads(FILE.read_text("utf-8")) == json.loads(printed.output), renew


def test_it_has_a_title_for_people() -> None:
    schema = json.loads(run("schema").output)
    assert schema["title"] == "Configuration of endpoint-gateway"


def test_the_default_configuration_names_it_for_editors() -> None:
    first = (ROOT / "config.yaml").read_text("utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema={FILE.name}"
