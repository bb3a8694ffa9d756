"""Where a key comes from: given, or printed by a command such as a password store's.

Above: `driver`. Below: nothing. The environment is read by `boot`, never here.
"""

import shlex
import subprocess

import anyio

from glmos.abi.budgets import Usage
from glmos.abi.errors import ModelError


class Key:
    """A secret that shows itself to nobody but the driver."""

    def __init__(self, name: str = "", value: str = "", command: str = "") -> None:
        """
        Args:
            name: The environment variable a person would set; empty when no key is needed.
            command: Prints the key on its first line. Run once, at the first call.
        """
        self.name = name
        self._value = value
        self._command = command

    @property
    def known(self) -> bool:
        """There is a key, or a command that prints one."""
        return bool(self._value or self._command)

    async def read(self) -> str:
        """The key, or nothing. Raises: ModelError of kind `denied` when the command fails."""
        if not self._value and self._command:
            self._value = await self._run()
        return self._value

    def __repr__(self) -> str:
        return f"Key(name={self.name!r}, {'set' if self._value else 'by command' if self._command else 'not set'})"

    async def _run(self) -> str:
        argv = shlex.split(self._command)
        program = argv[0] if argv else self._command
        try:
            with anyio.fail_after(60):
                done = await anyio.run_process(argv, check=False, stderr=subprocess.DEVNULL)
        except (OSError, TimeoutError, IndexError) as error:
            raise self._failed(program, type(error).__name__) from error
        lines = done.stdout.decode("utf-8", "replace").splitlines()
        if done.returncode != 0 or not lines or not lines[0].strip():
            raise self._failed(program, f"exit status {done.returncode}, {len(lines)} lines")
        return lines[0].strip()

    def _failed(self, program: str, why: str) -> ModelError:
        return ModelError(
            f"The key_command {program!r} gave no key ({why}): run it by hand, or change it with `glmos config`.",
            kind="denied",
            usage=Usage(),
        )
