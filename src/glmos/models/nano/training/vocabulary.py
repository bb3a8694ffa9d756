# pyright: reportMissingImports=false, reportUnknownParameterType=false
# torch, transformers and tokenizers are an optional extra; without them their types are unknown.
"""Learn the tokenizer's pieces: BPE over the words of the training questions and of column names."""

from collections import Counter
from random import Random

from tokenizers import Tokenizer as BpeTokenizer
from tokenizers import models, pre_tokenizers, trainers

from glmos.models.nano.pointer import SPECIAL, prompt_for
from glmos.models.nano.tokenizer import Tokenizer
from glmos.models.nano.training.examples import Problem

SIZE = 4096


def learn_tokenizer(problems: list[Problem], random: Random) -> Tokenizer:
    """A tokenizer of `SIZE` pieces, special ones included."""
    counts: Counter[str] = Counter()
    for problem in problems:
        counts.update(prompt_for(problem.links, problem.table).pieces)
    for special in SPECIAL:
        counts.pop(special, None)
    frequent = [word for word, count in counts.items() for _ in range(count)]
    random.shuffle(frequent)
    bpe = BpeTokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(vocab_size=SIZE - len(SPECIAL), limit_alphabet=120, show_progress=False)
    bpe.train_from_iterator(("▁" + word for word in frequent), trainer)
    return Tokenizer(sorted(bpe.get_vocab(), key=lambda piece: (len(piece), piece)))
