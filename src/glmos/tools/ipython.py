"""The program that runs inside the sandbox for the `python` tool: an IPython kernel on Unix sockets.

    python -I -m glmos.tools.ipython FOLDER

It offers FOLDER/k-1 (shell) to FOLDER/k-5. Text and PNG are all it answers with; its counterpart is `jupyter`.
"""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

_OPTIONS = (
    "--transport=ipc",
    "--shell=1",
    "--iopub=2",
    "--stdin=3",
    "--control=4",
    "--hb=5",
    "--Session.key=b''",  # the folder of the sockets is what keeps others out
    "--HistoryManager.enabled=False",
    "--IPKernelApp.ignore_cwd=True",
    "--TerminalIPythonApp.display_banner=False",
    "--InteractiveShell.colors=nocolor",
    "--InteractiveShell.xmode=Plain",
    "--InlineBackend.rc={}",
    "--IPKernelApp.connection_file=/tmp/.kernel.json",
)


def main() -> None:
    _choose_fonts()
    warnings.filterwarnings("ignore", category=UserWarning, module=r"jupyter_client|ipykernel|traitlets")
    from ipykernel.kernelapp import IPKernelApp

    app: Any = IPKernelApp.instance()
    app.initialize([*_OPTIONS, f"--ip={sys.argv[1]}/k"])
    shell = app.shell
    sys.path.append(str(Path.cwd()))  # last, so that no file of the workspace stands in for a module of Python
    shell.display_formatter.active_types = ["text/plain", "image/png"]
    plain = shell.display_formatter.formatters["text/plain"]
    for module in ("pandas", "pandas.core.frame"):
        plain.for_type_by_name(module, "DataFrame", _show_frame)
    _warn_once_about_glyphs(shell)
    app.start()


def _show_frame(frame: Any, printer: Any, cycle: bool) -> None:
    printer.text(frame.to_string(max_rows=40, max_cols=30, max_colwidth=80, show_dimensions="truncate"))


def _choose_fonts() -> None:
    """Let figures show Chinese if any font here can."""
    listing = ""
    try:
        listing = subprocess.run(
            ["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.SubprocessError):
        pass
    families = [line.split(",")[0].strip() for line in listing.splitlines() if line.strip()]
    best = sorted(families, key=lambda family: (not re.search("Sans|Hei", family), "Mono" in family, family))[:1]
    folder = Path(
        os.path.expandvars("$MPLCONFIGDIR" if "$MPLCONFIGDIR" != os.path.expandvars("$MPLCONFIGDIR") else "/tmp")
    )
    folder.mkdir(parents=True, exist_ok=True)
    names = ", ".join(["DejaVu Sans", *best])
    text = f"font.family: {names}\naxes.unicode_minus: False\nfigure.dpi: 100\nsavefig.bbox: tight\n"
    (folder / "matplotlibrc").write_text(text, encoding="utf-8")


def _warn_once_about_glyphs(shell: Any) -> None:
    """One sentence in place of a warning for each character."""
    show = warnings.showwarning
    told: list[bool] = []

    def showwarning(message: Any, category: Any, *rest: Any, **more: Any) -> None:
        if not re.match(r"Glyph \d+ .*missing from", str(message)):
            show(message, category, *rest, **more)
        elif not told:
            told.append(True)
            print("No font here has some characters of this figure, so they show as boxes.", file=sys.stderr)

    warnings.showwarning = showwarning
    shell.events.register("pre_run_cell", lambda info: told.clear())


if __name__ == "__main__":
    main()
