"""Fetch weights from a hub into the person's folder, with what is needed to run them and nothing else.

An interrupted download goes on where it stopped. Only safetensors and GGUF are fetched: other formats can run code.
Above: `cli`. Below: `describe`, huggingface_hub (in `glmos[local]`).
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path

from glmos.abi.errors import DeviceError, GlmosError, NotFoundError, RefusedError, UsageError
from glmos.models.local.describe import describe

NEEDED = ("*.json", "*.safetensors", "*.jinja", "tokenizer*", "README.md", "LICENSE*")
_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def pull(repository: str, into: Path, *, patterns: Sequence[str] = (), endpoint: str | None = None) -> Path:
    """Have the weights in `into/ORG/NAME`; give what is to be run: that folder, or the .gguf file in it.

    Raises:
        UsageError: No name of a repository; the package that fetches is missing; what was fetched cannot be run.
        NotFoundError: The hub has no such repository.
        RefusedError: It wants a key.
        DeviceError: No hub can be reached, or it broke off.
    """
    if not _NAME.fullmatch(repository):
        raise UsageError(f"{repository!r} is no name of a repository: write it like zai-org/GLM-4-9B-0414.")
    if find_spec("huggingface_hub") is None:
        raise UsageError("Fetching weights needs huggingface_hub, not installed here: `pip install 'glmos[local]'`.")
    folder = into / repository
    wanted = list(patterns) or list(NEEDED)
    try:
        _fetch(repository, folder, wanted, endpoint)
    except Exception as error:  # its own, its HTTP library's and the operating system's
        raise _explained(error, repository, folder) from error
    found = _gguf(folder, wanted)
    if not found and not (folder / "config.json").is_file():
        raise UsageError(
            f"The repository {repository!r} has nothing that can be run under {', '.join(map(repr, wanted))}: where it holds "
            f".gguf files, name one, as in `glmos models pull {repository} '*Q4_K_M.gguf'`."
        )
    run = found[0] if found else folder
    describe(run)
    return run


def _fetch(repository: str, folder: Path, wanted: list[str], endpoint: str | None) -> None:
    from huggingface_hub import HfApi

    HfApi(endpoint=endpoint).snapshot_download(repository, local_dir=folder, allow_patterns=wanted, max_workers=4)


def _gguf(folder: Path, wanted: Sequence[str]) -> list[Path]:
    """The .gguf files that were asked for, not those that lie there from another time."""
    files = sorted(folder.rglob("*.gguf"))
    return [path for path in files if any(fnmatch(path.relative_to(folder).as_posix(), each) for each in wanted)]


def _explained(error: Exception, repository: str, folder: Path) -> GlmosError:
    from huggingface_hub import errors

    match error:
        case errors.GatedRepoError():
            return RefusedError(
                f"The hub gives {repository!r} only to people who accepted its terms: accept them there, and set HF_TOKEN."
            )
        case errors.RepositoryNotFoundError() | errors.RevisionNotFoundError():
            return NotFoundError(f"The hub has no repository {repository!r}, or wants HF_TOKEN for it: check the name.")
        case errors.HfHubHTTPError() if error.response.status_code in (401, 403, 404):
            return NotFoundError(f"The hub has no repository {repository!r}, or wants HF_TOKEN for it: check the name.")
        case OSError() if error.errno is not None and not isinstance(error, ConnectionError | TimeoutError):
            return DeviceError(
                f"The weights cannot be written to {str(folder)!r} ({error.strerror}): make room and pull again."
            )
        case _:
            why = " ".join(str(error.__cause__ or error).split())[:200]
            return DeviceError(
                f"No hub can be reached for {repository!r} ({why}): check the network, or set HF_ENDPOINT to a hub that can "
                "be; or copy the folder of the model here by other means and give its path to -m. What was fetched so far "
                "is kept."
            )
