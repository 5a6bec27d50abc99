"""The Dockerfile, as hadolint sees it."""

from pathlib import Path

import pytest

from tests.deploy.programs import checker, run
from tests.documents import ROOT


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_hadolint_is_content(tmp_path: Path) -> None:
    run(checker("hadolint"), ROOT / "Dockerfile")
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM python:latest\nRUN cd /tmp\n")
    with pytest.raises(AssertionError, match="DL3007"):
        run(checker("hadolint"), wrong)
