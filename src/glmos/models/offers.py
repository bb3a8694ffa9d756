"""What a model server of this machine tells of its models beside their names: context, tools, images, thinking.

    llama.cpp   GET  /props             default_generation_settings.n_ctx, chat_template (or its caps), modalities
    Ollama      POST /api/show          capabilities, parameters (`num_ctx`), model_info
                GET  /api/ps            context_length of what is loaded
    SGLang      GET  /get_model_info    is_generation, has_image_understanding
                GET  /get_server_info   context_length, tool_call_parser, reasoning_parser
    vLLM        its list says max_model_len, and nothing of the rest

Sources: the servers' own documentation (llama.cpp tools/server/README, docs.ollama.com/api, SGLang's native APIs). What a
server does not say stays unknown: None, never a guess.
Above: `discover`. Below: `http`.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from glmos.models.http import Broken, Deadlines, HttpClient
from glmos.models.wire.foreign import NotJson, read_json, whole_number

QUICK = Deadlines(connect=0.5, first_byte=1.0, idle=1.0)
_NUM_CTX = re.compile(r"^\s*num_ctx\s+(\d+)", re.MULTILINE)


class Offer(NamedTuple):
    """Of one model. None or 0: not said."""

    context_tokens: int = 0
    tools: bool | None = None
    vision: bool | None = None
    thinking: bool | None = None
    chat: bool = True
    """False: a model for something else, such as embeddings."""

    def words(self) -> str:
        """For the listing."""
        said = [f"context {self.context_tokens:,}"] if self.context_tokens else []
        for name, known in (("tools", self.tools), ("images", self.vision), ("thinking", self.thinking)):
            said += [name] if known else [f"no {name}"] if known is False and name == "tools" else []
        return ", ".join(said)


async def offer_of(client: HttpClient, server: str, base_url: str, model: str, deadlines: Deadlines = QUICK) -> Offer:
    """What `server` (a provider's name) at `base_url` tells of `model`; nothing when it does not answer."""
    root = base_url.removesuffix("/v1")

    async def ask(path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return await _ask(client, root + path, body, deadlines)

    match server:
        case "llamacpp":
            return _llamacpp(await ask("/props"))
        case "ollama":
            return _ollama(await ask("/api/show", {"model": model}), await ask("/api/ps"), model)
        case "sglang":
            return _sglang(await ask("/get_model_info"), await ask("/get_server_info"))
        case _:
            return Offer()


def _llamacpp(props: Mapping[str, Any]) -> Offer:
    template = props.get("chat_template")
    caps = _table(props, "chat_template_caps")
    tools = caps.get("supports_tools")
    if not isinstance(tools, bool):
        tools = bool(re.search(r"\btools\b", template)) if isinstance(template, str) and template else None
    return Offer(
        context_tokens=whole_number(_table(props, "default_generation_settings").get("n_ctx")) or 0,
        tools=tools,
        vision=_flag(_table(props, "modalities"), "vision"),
        thinking="<think>" in template if isinstance(template, str) and template else None,
    )


def _ollama(shown: Mapping[str, Any], running: Mapping[str, Any], model: str) -> Offer:
    listed = shown.get("capabilities")
    can = {c for c in listed if isinstance(c, str)} if isinstance(listed, list) else None
    parameters = shown.get("parameters")
    named = _NUM_CTX.search(parameters) if isinstance(parameters, str) else None
    loaded = running.get("models")
    rows = [row for row in loaded if isinstance(row, dict)] if isinstance(loaded, list) else []
    now = next(
        (whole_number(row.get("context_length")) for row in rows if model in (row.get("name"), row.get("model"))), 0
    )
    context = now or (int(named[1]) if named else 0)
    if can is None:
        return Offer(context)
    return Offer(context, "tools" in can, "vision" in can, "thinking" in can, "completion" in can)


def _sglang(model: Mapping[str, Any], server: Mapping[str, Any]) -> Offer:
    parsers = {key: bool(server[key]) if key in server else None for key in ("tool_call_parser", "reasoning_parser")}
    return Offer(
        context_tokens=whole_number(server.get("context_length")) or 0,
        tools=parsers["tool_call_parser"],
        vision=_flag(model, "has_image_understanding"),
        thinking=parsers["reasoning_parser"],
        chat=model.get("is_generation") is not False,
    )


async def _ask(client: HttpClient, url: str, body: Mapping[str, Any] | None, deadlines: Deadlines) -> dict[str, Any]:
    """The object it answers; an empty one for anything else."""
    data = msgspec.json.encode(body) if body is not None else None
    headers = {"Content-Type": "application/json"} if body is not None else {}
    try:
        async with client.request(
            "POST" if body else "GET", url, headers=headers, body=data, deadlines=deadlines
        ) as response:
            if response.status != 200:
                return {}
            answer = read_json(await response.body(4 << 20))
    except (Broken, NotJson):
        return {}
    return answer if isinstance(answer, dict) else {}


def _table(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _flag(value: Mapping[str, Any], key: str) -> bool | None:
    found = value.get(key)
    return found if isinstance(found, bool) else None
