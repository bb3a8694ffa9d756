"""Generation through transformers.

The keys and values of the last conversation are kept: a process's next prompt begins with the bytes of the one before, so
only what is new is computed. Prompts are read in chunks, and between two of them it can be stopped.
Only safetensors are read and no code of the checkpoint is run.
Above: `worker`. Below: `describe`, `memory`, torch, transformers (in `glmos[local]`).
"""

import io
from collections.abc import Callable, Sequence
from typing import Any

from glmos.models.local.describe import VISION, Weights
from glmos.models.local.engine import CannotLoad, Generated, NoRoom, Sampling, TooLong
from glmos.models.local.memory import amount, free_memory

CHUNK = 512
"""Tokens of a prompt computed at once."""
_REUSABLE = ("glm", "glm4", "glm4_moe")
"""Architectures whose cache can be cut back to a common beginning."""
_CLOSED: Any = {"local_files_only": True, "trust_remote_code": False}
_STOPS = ("<|user|>", "<|observation|>", "<|endoftext|>", "<|system|>")
IMAGE = "<|image|>"


class TorchEngine:
    """Implements `engine.Engine`."""

    def __init__(
        self, weights: Weights, context: int, *, threads: int = 0, logits_processors: Sequence[Any] = ()
    ) -> None:
        """
        Args:
            logits_processors: What may change the choice of each token, beside the checkpoint's settings.

        Raises:
            CannotLoad: Not enough memory, or files that do not fit together.
        """
        import torch
        import transformers

        if threads:
            torch.set_num_threads(threads)
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        self._torch = torch
        self._context = context
        self._processors = list(logits_processors)
        self._vision = weights.architecture in VISION
        self._reusable = weights.architecture in _REUSABLE
        self.device = _device(torch, weights.needs(context))
        auto = transformers.AutoModelForImageTextToText if self._vision else transformers.AutoModelForCausalLM
        try:
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(weights.path, **_CLOSED)
            self._model: Any = auto.from_pretrained(
                weights.path, dtype="auto", use_safetensors=True, attn_implementation="sdpa", **_CLOSED
            )
            self._images: Any = (
                transformers.AutoImageProcessor.from_pretrained(weights.path, backend="pil", **_CLOSED)
                if self._vision
                else None
            )
            self._model.to(self.device).eval()
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise NoRoom("there was not enough memory for it after all: close other programs") from error
        self.special: Sequence[str] = list(self._tokenizer.all_special_tokens)
        self._ends = self._end_tokens()
        self._cache: Any = None
        self._cached: list[int] = []
        """The tokens whose keys and values are in the cache."""

    def generate(
        self, prompt: str, images: Sequence[bytes], sampling: Sampling, on_text: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> Generated:  # fmt: skip
        """See `engine.Engine`."""
        with self._torch.inference_mode():
            pixels, prompt = self._look(images, prompt)
            ids: list[int] = self._tokenizer(prompt, add_special_tokens=False)["input_ids"]
            if len(ids) >= self._context:
                raise TooLong(len(ids))
            kept = self._take_cache(ids) if not pixels else 0
            try:
                if not pixels and not self._read(ids, kept, stopped):
                    return Generated(len(ids), kept, 0, "stopped")
                return self._go_on(ids, kept, pixels, sampling, on_text=on_text, stopped=stopped)
            except BaseException:
                self._cache, self._cached = None, []
                raise

    def _go_on(
        self, ids: list[int], kept: int, pixels: dict[str, Any], sampling: Sampling, *, on_text: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> Generated:  # fmt: skip
        from transformers import StoppingCriteriaList

        most = max(1, min(sampling.most, self._context - len(ids)))
        teller = _Teller(self._tokenizer, self._ends, on_text)
        was_stopped = False

        def after_token(tokens: Any, _scores: Any, **_: Any) -> Any:
            nonlocal was_stopped
            teller.tell(int(tokens[0, -1]))
            was_stopped = stopped()
            return self._torch.full((1,), was_stopped, dtype=self._torch.bool, device=tokens.device)

        given = self._torch.tensor([ids], device=self.device)
        cache = {} if pixels else {"past_key_values": self._cache}
        begin = [_Begin(self._torch, self._ways(sampling.begins), len(ids))] if sampling.begins else []
        tokens = self._model.generate(
            input_ids=given, attention_mask=self._torch.ones_like(given), **pixels, **cache, **self._sampling(sampling),
            max_new_tokens=most, eos_token_id=sorted(self._ends), pad_token_id=min(self._ends),
            stopping_criteria=StoppingCriteriaList([after_token]), logits_processor=[*self._processors, *begin],
        )[0].tolist()  # fmt: skip
        teller.close()
        written = len(tokens) - len(ids)
        if not pixels:
            self._cached = tokens[: self._cache.get_seq_length()]
        finish = "stop" if tokens[-1] in self._ends else "stopped" if was_stopped else "length"
        return Generated(len(ids), kept, written, finish)

    def _ways(self, texts: Sequence[str]) -> list[list[int]]:
        return [self._tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]

    def _sampling(self, sampling: Sampling) -> dict[str, Any]:
        if sampling.temperature is None:
            return {}
        if sampling.temperature <= 0:
            return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        return {"do_sample": True, "temperature": sampling.temperature}

    # -- reading the prompt -------------------------------------------------------------------------------------------

    def _take_cache(self, ids: list[int]) -> int:
        """Cut the cache back to what `ids` begins with; give how much that is."""
        from transformers import DynamicCache

        kept, cache = 0, self._cache
        if cache is not None and self._reusable:
            most = min(len(self._cached), len(ids) - 1)
            kept = next((i for i in range(most) if self._cached[i] != ids[i]), most)
        if cache is not None and kept:
            cache.crop(kept - cache.get_seq_length())  # negative: so many fewer
        else:
            self._cache = DynamicCache(config=self._model.config)
        self._cached = ids[:kept]
        if self._vision:
            self._model.model.rope_deltas = None  # of the pictures of an earlier conversation
        return kept

    def _read(self, ids: list[int], kept: int, stopped: Callable[[], bool]) -> bool:
        """Compute the prompt but for its last token; False when it was stopped."""
        if not self._reusable:
            return True
        for begin in range(kept, len(ids) - 1, CHUNK):
            if stopped():
                self._cached = ids[:begin]
                return False
            piece = self._torch.tensor([ids[begin : min(begin + CHUNK, len(ids) - 1)]], device=self.device)
            self._model(input_ids=piece, past_key_values=self._cache, use_cache=True, logits_to_keep=1)
        return True

    def _look(self, images: Sequence[bytes], prompt: str) -> tuple[dict[str, Any], str]:
        """Pictures as the model takes them, and the prompt with as many places for them as they need."""
        if not images or self._images is None:
            return {}, prompt
        from PIL import Image

        opened = [Image.open(io.BytesIO(image)).convert("RGB") for image in images]
        seen = self._images(images=opened, return_tensors="pt").to(self.device)
        merged = self._images.merge_size**2
        places = [IMAGE * (int(grid.prod()) // merged) for grid in seen["image_grid_thw"]]
        parts = prompt.split(IMAGE)
        if len(parts) != len(places) + 1:
            raise ValueError(f"the template made {len(parts) - 1} places for {len(places)} pictures")
        text = parts[0] + "".join(place + part for place, part in zip(places, parts[1:], strict=True))
        ids = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        marks = [[int(i == self._model.config.image_token_id) for i in ids]]
        if sum(marks[0]) != sum(len(place) // len(IMAGE) for place in places):
            raise ValueError(f"the tokenizer has another token for {IMAGE} than the model")
        pixels = self._model.dtype
        self._model.model.rope_deltas = None
        return {
            "pixel_values": seen["pixel_values"].to(pixels),
            "image_grid_thw": seen["image_grid_thw"],
            "mm_token_type_ids": self._torch.tensor(marks, device=self.device),
        }, text

    def _end_tokens(self) -> set[int]:
        """Where the checkpoint's settings say it ends, and where another role begins to speak."""
        named = self._model.generation_config.eos_token_id
        ends = set(named if isinstance(named, list) else [] if named is None else [named])
        unknown = self._tokenizer.unk_token_id
        found = {self._tokenizer.convert_tokens_to_ids(word) for word in _STOPS}
        ends |= {i for i in found if isinstance(i, int) and i != unknown}
        if not ends:
            raise CannotLoad("neither generation_config.json nor the tokenizer says which token ends a reply")
        return ends


class _Begin:
    """A logits processor: what is written begins with one of several rows of tokens, and goes on as it likes."""

    def __init__(self, torch: Any, ways: list[list[int]], start: int) -> None:
        self._torch = torch
        self._ways = ways
        self._start = start
        self._longest = max(map(len, ways))

    def __call__(self, tokens: Any, scores: Any) -> Any:
        written: list[int] = tokens[0, self._start : self._start + self._longest].tolist()
        if any(written[: len(way)] == way for way in self._ways):
            return scores
        following = sorted({way[len(written)] for way in self._ways if way[: len(written)] == written})
        only = self._torch.full_like(scores, float("-inf"))
        only[:, following] = scores[:, following]
        return only


class _Teller:
    """Tokens to text, told as soon as its characters are whole."""

    def __init__(self, tokenizer: Any, ends: set[int], on_text: Callable[[str], None]) -> None:
        self._tokenizer = tokenizer
        self._ends = ends
        self._on_text = on_text
        self._context: list[int] = []
        self._waiting: list[int] = []

    def tell(self, token: int) -> None:
        if token in self._ends:
            return
        self._waiting.append(token)
        # A token may be a part of a character, and some tokenizers write a token's space only after another.
        before = self._text(self._context)
        text = self._text(self._context + self._waiting)[len(before) :]
        if text.endswith("�") and len(self._waiting) < 8:
            return
        self._context, self._waiting = self._waiting, []
        if text:
            self._on_text(text)

    def close(self) -> None:
        if self._waiting:
            before = self._text(self._context)
            self._on_text(self._text(self._context + self._waiting)[len(before) :])

    def _text(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)


def _device(torch: Any, needed: int) -> str:
    """Raises: CannotLoad when the weights fit nowhere."""
    if torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        if needed <= free:
            return "cuda"
    if (free := free_memory()) and needed > free:
        raise NoRoom(
            f"it needs about {amount(needed)} of memory and {amount(free)} are free: close other programs, choose a smaller "
            "model or a quantised .gguf of it, or set a smaller `context_tokens` for it in the configuration"
        )
    return "cpu"
