"""Every sandbox does what the port promises, and what is meant to isolate isolates."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

import glmos
from glmos.sandbox import BubblewrapSandbox
from glmos.testing.bare import NOTICE, BareSandbox
from glmos.testing.sandboxes import IsolationConformance, SandboxConformance, victims, workspace

pytestmark = pytest.mark.anyio
__all__ = ["victims", "workspace"]


class TestBubblewrapSandbox(IsolationConformance):
    @pytest.fixture
    async def sandbox(self) -> AsyncGenerator[BubblewrapSandbox]:
        sandbox = BubblewrapSandbox()
        yield sandbox
        await sandbox.aclose()


class TestBubblewrapSandboxOnTrio(SandboxConformance):
    """What programs cannot do does not depend on the event loop."""

    sandbox = TestBubblewrapSandbox.sandbox

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "trio"


class TestBareSandbox(SandboxConformance):
    @pytest.fixture
    async def sandbox(self) -> AsyncGenerator[BareSandbox]:
        sandbox = BareSandbox(nothing_is_isolated=True)
        yield sandbox
        await sandbox.aclose()


def test_the_bare_sandbox_says_that_it_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="nothing_is_isolated=True"):
        BareSandbox(nothing_is_isolated=False)
    BareSandbox(nothing_is_isolated=True)
    assert NOTICE in capsys.readouterr().err


def test_nothing_but_tests_can_choose_the_bare_sandbox() -> None:
    source = Path(glmos.__file__).parent
    users = [path for path in source.rglob("*.py") if "BareSandbox" in path.read_text() and "testing" not in path.parts]
    assert users == []
