"""Changes of files that a configuration was read from."""

from pathlib import Path

import pytest

from gateway.config.checks.problems import ConfigError
from gateway.config.reading.source import Source
from gateway.config.reading.watch import Watch

BUNDLE = "-----BEGIN CERTIFICATE-----\n"


def watched(folder: Path, text: str = "secret: '${file:secret}'\n") -> tuple[Source, Watch]:
    (folder / "gateway.yaml").write_text(text)
    (folder / "secret").write_text("s" * 32)
    source = Source(folder / "gateway.yaml", {})
    source.begin()()
    return source, Watch(source, on=True)


def test_a_change_counts_when_it_has_come_to_rest(tmp_path: Path) -> None:
    source, watch = watched(tmp_path)
    assert [watch.changed(), watch.changed()] == [False, False]
    (tmp_path / "secret").write_text("t" * 33)
    assert not watch.changed()
    (tmp_path / "secret").write_text("t" * 34)
    assert not watch.changed()
    assert watch.changed()
    source.begin()()
    assert not watch.changed()


def test_a_wrong_file_counts_once_and_again_when_it_is_fixed(tmp_path: Path) -> None:
    source, watch = watched(tmp_path)
    (tmp_path / "secret").unlink()
    assert [watch.changed(), watch.changed()] == [False, True]
    with pytest.raises(ConfigError):
        source.begin()()
    assert [watch.changed(), watch.changed()] == [False, False]
    (tmp_path / "secret").write_text("u" * 32)
    assert [watch.changed(), watch.changed()] == [False, True]


def test_a_bundle_of_certificates_is_watched(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(BUNDLE)
    source, watch = watched(tmp_path, "upstreams: {openai: {verify: ca.pem}}")
    assert not watch.changed()
    (tmp_path / "ca.pem").write_text(2 * BUNDLE)
    assert [watch.changed(), watch.changed()] == [False, True]
    (tmp_path / "ca.pem").unlink()
    assert [watch.changed(), watch.changed()] == [False, True]
    with pytest.raises(ConfigError):
        source.begin()()
    assert [watch.changed(), watch.changed()] == [False, False]
    (tmp_path / "ca.pem").write_text(BUNDLE)
    assert [watch.changed(), watch.changed()] == [False, True]


def test_without_files_nothing_changes() -> None:
    assert not Watch(Source(None, {}), on=True).changed()


def test_where_the_files_are_watched_it_is_known_whether_another_reading_finds_anything(
    tmp_path: Path,
) -> None:
    source, watch = watched(tmp_path)
    found = [watch.finds_nothing]
    (tmp_path / "secret").write_text("t" * 33)
    found.append(watch.finds_nothing)
    source.begin()()
    found.append(watch.finds_nothing)
    watch.on = False
    found.append(watch.finds_nothing)
    assert found == [True, False, True, False]
