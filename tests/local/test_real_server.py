"""A real llama.cpp server on this machine is found, and tells what it serves."""

import pytest

from glmos.models.discover import local_servers
from glmos.models.http import Deadlines, HttpClient
from tests.local.checkpoints import make
from tests.local.gguf_export import export

pytestmark = pytest.mark.anyio
PATIENT = Deadlines(connect=10, first_byte=30, idle=30)


async def test_llama_cpp_is_known_by_its_own_answers(shelf):
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(export(make(shelf / "served", "glm4"), shelf / "served.gguf"))
    params.n_ctx, params.n_parallel, params.verbosity = 1024, 1, 0
    server = xllamacpp.Server(params)
    client = HttpClient(deadlines=PATIENT)
    try:
        (found,) = await local_servers(client, {"vllm": f"{server.listening_address}/v1"}, deadlines=PATIENT)
    finally:
        await client.aclose()
    assert found.provider == "llamacpp"
    assert found.models[0].context_tokens == 1024, "what it serves, of the 4,096 that the weights were made for"
    assert found.models[0].offer.tools is True
    assert found.models[0].offer.vision is False
    assert found.models[0].offer.thinking is False
