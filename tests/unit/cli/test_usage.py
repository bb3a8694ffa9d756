"""Wrong usage is one sentence and exit status 2, before any daemon is started; help needs nothing of the system."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from glmos.cli import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GLMOS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def complaint(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """What is said about a command line that must be refused."""
    assert main(list(argv)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("glmos: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    "argv",
    [
        ["nonsense"], ["run"], ["run", "x", "--max-cost", "nan"], ["run", "x", "--max-tokens", "0"],
        ["run", "x", "--max-seconds", "-1"], ["run", "x", "--max-cost", "much"], ["run", ""], ["run", "  \n"],
        ["kill"], ["kill", "abc"], ["kill", "0"], ["kill", "1.5"], ["show", "²"], ["renice", "1", "20"],
        ["ps", "--bogus"], ["log", "1", "--after", "-2"], ["answer", "1", " "],
        ["correct", "1", "c1", " "], ["correct", "1", "c1"], ["config", "--unset"],
    ],
)  # fmt: skip
def test_wrong_usage_is_one_sentence(argv: list[str], capsys: pytest.CaptureFixture[str], home: Path) -> None:
    complaint(capsys, *argv)
    assert not home.exists()


def test_a_missing_file_is_named_with_what_was_perhaps_meant(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    (tmp_path / "sales.csv").touch()
    assert "There is no file 'sale.csv' (did you mean 'sales.csv'?)" in complaint(capsys, "run", "x", "-f", "sale.csv")
    assert "'no\\nsuch 销售 \"x\".csv'" in complaint(capsys, "run", "x", "-f", 'no\nsuch 销售 "x".csv')
    assert "nor a folder 'nowhere'" in complaint(capsys, "run", "x", "-f", "nowhere/sales.csv")
    assert "There is no file ''" in complaint(capsys, "run", "x", "-f", "")
    assert not home.exists()


def test_what_cannot_be_copied_is_refused_early(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "neither a file nor a folder" in complaint(capsys, "run", "x", "-f", "pipe")
    latin = os.fsdecode(b"caf\xe9.csv")
    (tmp_path / latin).touch()
    assert "not valid UTF-8: rename it" in complaint(capsys, "run", "x", "-f", latin)
    assert "cannot be used" in complaint(capsys, "run", "x", "-f", "x" * 5000)


def test_a_home_that_cannot_be_made_is_named_with_the_way_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GLMOS_HOME", str(tmp_path / "file" / "home"))
    assert "set GLMOS_HOME" in complaint(capsys, "ps")


def test_help_and_a_listing_import_nothing_of_the_system() -> None:
    code = """
import sys
from glmos.cli import main
status = main(sys.argv[1:])
heavy = {"glmos.kernel", "glmos.daemon", "glmos.boot", "glmos.runtime", "glmos.journal", "glmos.models",
         "duckdb", "aiohttp", "starlette", "uvicorn", "numpy", "pandas"}
print(sorted(heavy & set(sys.modules)), status, file=sys.stderr)
"""
    for argv in (["--help"], ["run", "--help"], ["ps"]):
        environ = {**os.environ, "GLMOS_HOME": "/dev/null/home"}
        ran = subprocess.run(
            [sys.executable, "-c", code, *argv], env=environ, capture_output=True, text=True, check=True
        )
        assert ran.stderr.splitlines()[-1].startswith("[]"), argv


def test_every_command_has_help_that_fits_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    from glmos.cli.app import MODULES

    assert main(["--help"]) == 0
    listing = capsys.readouterr().out
    assert all(len(part) <= 80 for part in listing.splitlines())
    for name in MODULES:
        assert main([name, "--help"]) == 0
        assert all(len(part) <= 80 for part in capsys.readouterr().out.splitlines())


def test_the_first_page_says_of_each_command_what_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    import click

    from glmos.cli.app import commands
    from glmos.cli.front import SECTIONS

    context = click.Context(commands, info_name="glmos")
    assert main(["-h"]) == 0
    assert capsys.readouterr().out.rstrip() == commands.get_help(context)
    for section in SECTIONS.values():
        for name, (_, about) in section.items():
            command = commands.get_command(context, name)
            assert command is not None
            assert (command.name, command.get_short_help_str(limit=62)) == (name, about)


def test_the_first_page_needs_no_library() -> None:
    code = "import sys; from glmos.cli import main; main(['--help']); print(sorted({'click', 'typing'} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines()[-1] == "[]"


def test_the_keys_of_every_known_provider_go_along() -> None:
    import tomllib
    from importlib import resources

    from glmos.cli.shell import MODEL_VARIABLES

    text = resources.files("glmos.models").joinpath("profiles.toml").read_text("utf-8")
    wanted: set[str] = set()
    for entry in tomllib.loads(text)["provider"].values():
        wanted |= {*entry.get("key_env", ()), *filter(None, [entry.get("base_url_env")])}
    assert wanted
    assert wanted <= set(MODEL_VARIABLES)
