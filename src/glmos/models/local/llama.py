"""Generation through llama.cpp, in the process of the weights.

xllamacpp wraps llama.cpp's server: its queue, sampling, grammars and prefix cache are used by calls inside this process.
The HTTP port it insists on opening is a Unix socket in a private folder that is removed at once, behind a key that nobody
has.
Above: `worker`. Below: `describe`, `gguf`, `memory`, xllamacpp (in `glmos[local]`).
"""

import json
import secrets
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from glmos.models.local.describe import Weights
from glmos.models.local.engine import CannotLoad, Generated, NoRoom, Sampling, TooLong
from glmos.models.local.gguf import read_head
from glmos.models.local.memory import amount, free_memory
from glmos.models.local.protocol import Finish

_STOPS = ("<|user|>", "<|observation|>", "<|endoftext|>", "<|system|>")


class LlamaEngine:
    """Implements `engine.Engine`."""

    def __init__(self, weights: Weights, context: int, *, threads: int = 0) -> None:
        """Raises: CannotLoad."""
        import xllamacpp

        library: Any = xllamacpp  # compiled, without types
        needed, free = weights.needs(context), free_memory()
        if free and needed > free and not Path("/proc/driver/nvidia/version").exists():
            raise NoRoom(
                f"it needs about {amount(needed)} of memory and {amount(free)} are free: close other programs, choose a "
                "smaller quantisation, or set a smaller `context_tokens` for it in the configuration"
            )
        self.device = "cpu"
        self.special: Sequence[str] = ()
        self._context = context
        self._adds_first = bool(read_head(Path(weights.path)).values.get("tokenizer.ggml.add_bos_token", False))
        params: Any = library.CommonParams()
        params.model.path = weights.path
        params.n_ctx = context
        params.n_parallel = 1
        params.special = True  # tags are tokens, and must be seen
        params.api_keys = [secrets.token_hex(32)]
        params.ui = False
        params.verbosity = 0
        params.cache_ram_mib = 0
        if threads:
            params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        with tempfile.TemporaryDirectory(prefix="glmos-llama-") as folder:
            params.hostnames = [f"{folder}/llama.sock"]
            try:
                self._server: Any = library.Server(params)
            except RuntimeError as error:
                raise CannotLoad(
                    "llama.cpp cannot read it: fetch it again, or a version made for a newer llama.cpp"
                ) from error

    def generate(
        self, prompt: str, images: Sequence[bytes], sampling: Sampling, on_text: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> Generated:  # fmt: skip
        """See `engine.Engine`."""
        if self._adds_first:
            prompt = prompt.removeprefix("[gMASK]")
        asked: dict[str, Any] = {
            "prompt": prompt, "stream": True, "stream_options": {"include_usage": True}, "max_tokens": sampling.most,
            "cache_prompt": True, "stop": list(_STOPS), "return_progress": True,
        }  # fmt: skip
        if sampling.temperature is not None:
            asked["temperature"] = max(sampling.temperature, 0.0)
        if sampling.grammar:
            asked["grammar"] = sampling.grammar
        elif sampling.schema:
            asked["json_schema"] = sampling.schema
        elif sampling.begins:
            asked["grammar"] = _beginning(sampling.begins)
        heard = _Heard(on_text, stopped)
        self._server.handle_completions(asked, heard.chunk)
        if heard.refusal:
            raise _refusal(heard.refusal)
        finish: Finish = "stopped" if heard.stopped else "length" if heard.finish == "length" else "stop"
        return Generated(heard.prompt, heard.cached, heard.written, finish)


class _Heard:
    """What llama.cpp's server says, chunk by chunk, in the form of OpenAI's completions."""

    def __init__(self, on_text: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        self._on_text = on_text
        self._stopped = stopped
        self.stopped = False
        self.finish = ""
        self.prompt = self.cached = self.written = 0
        self.refusal: dict[str, Any] = {}

    def chunk(self, chunk: dict[str, Any]) -> bool:
        """True: hear no more, and stop."""
        if "error" in chunk:
            self.refusal = chunk["error"]
            return True
        for choice in chunk.get("choices", ()):
            if text := choice.get("text"):
                self.written += 1
                self._on_text(text)
            self.finish = choice.get("finish_reason") or self.finish
        if usage := chunk.get("usage"):
            self.prompt, self.written = usage["prompt_tokens"], usage["completion_tokens"]
            self.cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        self.stopped = self._stopped()
        return self.stopped


def _beginning(texts: Sequence[str]) -> str:
    """GBNF of a reply that begins with one of `texts` and goes on as it likes. A text in JSON is one in GBNF."""
    ways = " | ".join(json.dumps(text, ensure_ascii=False) for text in texts)
    return f"root ::= ({ways}) rest\nrest ::= [^\\x00]*"


def _refusal(error: dict[str, Any]) -> Exception:
    if error.get("type") == "exceed_context_size_error":
        return TooLong(int(error.get("n_prompt_tokens", 0)))
    return ValueError(str(error.get("message", error)))
