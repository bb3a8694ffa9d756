from pathlib import Path

import numpy as np
import pytest
from tests.unit.nano.tables import SALES

from glmos.models.nano.decode import search
from glmos.models.nano.linker import index_table, link
from glmos.models.nano.network import Network
from glmos.models.nano.pointer import SPECIAL, prompt_for, read
from glmos.models.nano.tokenizer import Tokenizer

REFERENCE = Path(__file__).parent / "glm_reference.npz"
"""A tiny `transformers.GlmForCausalLM` with random weights, and its logits for one prompt and answer."""


@pytest.fixture
def reference():
    with np.load(REFERENCE) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture
def network(reference: dict[str, np.ndarray]):
    return Network({name[2:]: value for name, value in reference.items() if name.startswith("w.")}, 4, 2)


def test_the_forward_pass_equals_that_of_transformers(network: Network, reference: dict[str, np.ndarray]):
    state, cache = network.read(reference["prompt"].tolist())
    logits = [state @ network.embedding.T]
    for token in reference["answer"]:
        state, cache = network.step(np.array([token]), cache)
        logits.append(state @ network.embedding.T)
    np.testing.assert_allclose(np.concatenate(logits), reference["logits"], atol=2e-4)


def test_beams_are_read_independently(network: Network, reference: dict[str, np.ndarray]):
    _, cache = network.read(reference["prompt"].tolist())
    both, _ = network.step(np.array([5, 9]), cache.take(np.array([0, 0])))
    alone, _ = network.step(np.array([9]), cache)
    np.testing.assert_allclose(both[1], alone[0], atol=1e-5)


def test_even_random_weights_only_give_queries_of_the_grammar():
    random = np.random.default_rng(3)
    with np.load(REFERENCE) as file:
        weights = {name[2:]: file[name] for name in file.files if name.startswith("w.")}
    tokenizer = Tokenizer(["▁", *"abcdefghijklmnopqrstuvwxyz"])
    weights["embed_tokens.weight"] = random.normal(size=(len(tokenizer.pieces), 32)).astype(np.float32)
    prompt = prompt_for(link("which region had sales over 50 in 2025", index_table(SALES)), SALES)
    answers = search(Network(weights, 4, 2), tokenizer, prompt, beams=4)
    assert answers
    assert sorted(answers, key=lambda a: -a.score) == answers
    for answer in answers:
        assert read(answer.pieces, prompt).table == "sales"


def test_words_are_split_into_the_longest_known_pieces():
    tokenizer = Tokenizer(["▁sa", "▁sales", "man", "m", "a", "n"])
    assert [tokenizer.pieces[i] for i in tokenizer.encode(["<c1>", "salesman"])] == ["<c1>", "▁sales", "man"]
    assert tokenizer.encode(["華"]) == [SPECIAL.index("<unk>")] * 2


def test_a_tokenizer_is_read_back_as_written(tmp_path: Path):
    Tokenizer(["▁a", "b"]).save(tmp_path / "pieces.json")
    assert Tokenizer.load(tmp_path / "pieces.json").encode(["ab"]) == Tokenizer(["▁a", "b"]).encode(["ab"])
