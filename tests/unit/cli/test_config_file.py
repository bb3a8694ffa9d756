"""Changing glmos.toml keeps what a person wrote there."""

from pathlib import Path

import click
import pytest

from glmos.cli.config import write_setting


def test_comments_and_order_survive_a_change(tmp_path: Path) -> None:
    path = tmp_path / "glmos.toml"
    path.write_text('# 我的设置\ndefault_model = "nano"  # small\n\n[limits]\nmax_turns = 40\n', "utf-8")
    write_setting(path, "default_model", "glm-5")
    write_setting(path, "limits.max_turns", 9)
    write_setting(path, "models.mine.base_url", "http://localhost:8000/v1")
    text = path.read_text("utf-8")
    assert text.startswith('# 我的设置\ndefault_model = "glm-5"  # small\n\n[limits]\nmax_turns = 9\n')
    assert 'base_url = "http://localhost:8000/v1"' in text
    write_setting(path, "default_model", None)
    write_setting(path, "nothing.there", None)
    assert "default_model" not in path.read_text("utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["glmos.toml"]


def test_a_linked_file_stays_linked(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    path = tmp_path / "glmos.toml"
    path.symlink_to("dotfiles/glmos.toml")
    write_setting(path, "default_model", "nano")
    assert path.is_symlink()
    assert (tmp_path / "dotfiles/glmos.toml").read_text("utf-8") == 'default_model = "nano"\n'


@pytest.mark.parametrize(("content", "name"), [("a = [", "x"), ("a = 1", "a.b"), ("", "a..b"), ("", ".")])
def test_what_cannot_be_written_is_refused_and_leaves_the_file(tmp_path: Path, content: str, name: str) -> None:
    path = tmp_path / "glmos.toml"
    path.write_text(content)
    with pytest.raises(click.UsageError):
        write_setting(path, name, "v")
    assert path.read_text() == content
