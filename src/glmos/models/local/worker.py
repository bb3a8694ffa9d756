"""The process of the weights: loads them, answers one question at a time, and ends when nobody asks.

A process of its own, because a model's memory is given back whole when it ends, because torch holds up an event loop and
llama.cpp may crash, and neither may touch the daemon that owns the journal. It ends with the daemon: its input closes.
Started by `child`. Below: `template`, `written`, `torch`, `llama`, `protocol`.
"""

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import BinaryIO

import msgspec

from glmos.abi.budgets import Usage
from glmos.abi.events import ModelFailureKind
from glmos.abi.messages import Delta, ModelReply, ModelRequest
from glmos.models.local.engine import CannotLoad, Engine, Generated, NoRoom, Sampling, TooLong
from glmos.models.local.protocol import (
    Ask,
    Done,
    Failed,
    FromWorker,
    Load,
    Piece,
    Ready,
    Stop,
    encode,
    load_line,
    to_worker,
)
from glmos.models.local.template import ChatTemplate, TemplateError
from glmos.models.local.written import Written, call_beginnings

_FIRST = 60.0
"""Seconds that freshly loaded weights wait at least."""


class Session:
    """Loaded weights, from a request to a reply."""

    def __init__(self, load: Load, engine: Engine) -> None:
        """Raises: TemplateError."""
        weights = load.weights
        self._load = load
        self._engine = engine
        self._template = ChatTemplate(weights.template, weights.form, special=engine.special, vision=weights.vision)

    def answer(
        self, request: ModelRequest, on_delta: Callable[[Delta], None], stopped: Callable[[], bool]
    ) -> tuple[ModelReply, bool]:
        """The reply, and whether it was stopped before its end. Raises: TooLong, TemplateError."""
        weights = self._load.weights
        held = bool(request.grammar or request.schema)  # a grammar leaves no room for thinking
        prompt = self._template.render(request, thinking=False if held else self._load.thinking)
        images = [image for message in request.messages for image in message.images]
        written = Written(weights.form, request.tools, prompt=prompt, on_delta=on_delta)
        begins = call_beginnings(weights.form, request.tools) if self._insists(request, prompt) and not held else ()
        sampling = Sampling(request.max_tokens, request.temperature, request.grammar, request.schema, begins)
        made = self._engine.generate(prompt, images, sampling, written.feed, stopped)
        written.close("stop" if made.finish == "stop" else "length")
        reply = written.reply({call.id for message in request.messages for call in message.calls})
        return msgspec.structs.replace(reply, usage=_usage(made)), made.finish == "stopped"

    def _insists(self, request: ModelRequest, prompt: str) -> bool:
        """Whether the reply must be a call. Weights that think first are asked and not made to: what they write first is
        not the reply."""
        thinks = self._load.weights.thinking and self._load.thinking is not False
        return request.require_call and not thinks and not prompt.rstrip().endswith("<think>")


def in_words(error: Exception) -> str:
    """A library's failure in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _usage(made: Generated) -> Usage:
    return Usage(
        prompt_tokens=made.prompt_tokens, cached_tokens=made.cached_tokens, completion_tokens=made.completion_tokens,
        model_calls=1,
    )  # fmt: skip


def load_engine(load: Load) -> Engine:
    """Raises: CannotLoad."""
    if load.weights.kind == "gguf":
        from glmos.models.local.llama import LlamaEngine

        return LlamaEngine(load.weights, load.context, threads=load.threads)
    from glmos.models.local.torch import TorchEngine

    return TorchEngine(load.weights, load.context, threads=load.threads)


class Worker:
    """The loop around a session."""

    def __init__(self, load: Load, said: BinaryIO, heard: BinaryIO) -> None:
        self._load = load
        self._said = said
        self._heard = heard
        self._asked: queue.SimpleQueue[Ask] = queue.SimpleQueue()
        self._stop = 0
        """The last question that was to be stopped."""

    def run(self) -> int:
        threading.Thread(target=self._listen, daemon=True).start()
        begun = time.monotonic()
        try:
            engine = load_engine(self._load)
            session = Session(self._load, engine)
        except NoRoom as error:
            return self._fail(str(error), "overloaded")
        except (CannotLoad, TemplateError, ImportError) as error:
            return self._fail(str(error), "bad_request")
        except Exception as error:  # files may be wrong in any way, and the libraries say so in any way
            why = f"its files are damaged or do not fit together ({in_words(error)}): fetch them again"
            return self._fail(why, "bad_request")
        self._say(Ready(time.monotonic() - begun, engine.device))
        patience = max(self._load.keep_seconds, _FIRST)  # somebody loaded it to ask something
        while True:
            try:
                ask = self._asked.get(timeout=patience)
            except queue.Empty:
                return 0
            self._say(self._answer(session, ask))
            patience = self._load.keep_seconds

    def _answer(self, session: Session, ask: Ask) -> FromWorker:
        n = ask.n
        try:
            reply, stopped = session.answer(
                ask.request, lambda delta: self._say(Piece(n, delta)), lambda: self._stop >= n
            )
        except TooLong as error:
            context = self._load.context
            why = f"{error} and the context {context:,}: give it less, or set a larger `context_tokens` for it"
            return Failed(n, "too_long", why, Usage(model_calls=1))
        except TemplateError as error:
            return Failed(n, "bad_request", str(error), Usage(model_calls=1))
        except Exception as error:  # a library may fail in any way, and the next question may do well
            why = f"{in_words(error)}: try again, or choose another model with -m"
            return Failed(n, "protocol", why, Usage(model_calls=1))
        return Done(n, reply, stopped)

    def _listen(self) -> None:
        """Hear what comes while the weights are at work; end when nobody is there any more."""
        try:
            for line in self._heard:
                heard = to_worker.decode(line)
                if isinstance(heard, Stop):
                    self._stop = heard.n
                else:
                    self._asked.put(heard)
        finally:  # a daemon that was killed may leave half a line
            os._exit(0)

    def _say(self, what: FromWorker) -> None:
        self._said.write(encode(what) + b"\n")
        self._said.flush()

    def _fail(self, text: str, kind: ModelFailureKind) -> int:
        self._say(Failed(0, kind, text))
        return 1


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _be_ended_first()
    said = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries print; the pipe is for the protocol alone
    load = load_line.decode(sys.stdin.buffer.readline())
    return Worker(load, said, sys.stdin.buffer).run()


def _be_ended_first() -> None:
    """When memory runs out, it is this process that should go, not the daemon."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write("600")
    except OSError:
        return


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # llama.cpp's threads need no farewell
