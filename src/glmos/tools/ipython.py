"""The program that runs inside the sandbox for the `python` tool: an IPython kernel on Unix sockets.

    python -I -m glmos.tools.ipython FOLDER

It offers FOLDER/k-1 (shell) to FOLDER/k-5. Text and PNG are all it answers with; its counterpart is `jupyter`.
"""

import contextlib
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

_PORTS = {"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5}


def main() -> None:
    warnings.filterwarnings("ignore", category=UserWarning, module=r"jupyter_client|ipykernel|traitlets")
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    folder = sys.argv[1]
    config: Any = Config()
    config.IPKernelApp = Config(
        _PORTS, transport="ipc", ip=f"{folder}/k", connection_file=f"{folder}/kernel.json", ignore_cwd=True
    )
    config.IPKernelApp.outstream_class = "glmos.tools.printing.BoundedStream"
    config.Session.key = b""  # the folder of the sockets is what keeps others out
    config.HistoryManager.enabled = False
    config.InteractiveShell = Config(colors="nocolor", xmode="Plain")
    config.InlineBackend.rc = {"font.family": ["DejaVu Sans", *_chinese_fonts()], "axes.unicode_minus": False}
    app: Any = IPKernelApp.instance(config=config)
    app.initialize([])
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


def _chinese_fonts() -> list[str]:
    """The best font here that has Chinese characters, if there is one: figures fall back on it."""
    listing = ""
    command = ["fc-list", ":lang=zh-cn", "family"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        listing = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    families = [line.split(",")[0].strip() for line in listing.splitlines() if line.strip()]
    return sorted(families, key=lambda family: (not re.search("Sans|Hei", family), "Mono" in family, family))[:1]


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

    def forget(info: Any) -> None:
        told.clear()

    shell.events.register("pre_run_cell", forget)


if __name__ == "__main__":
    main()
