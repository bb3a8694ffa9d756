# pyright: reportMissingImports=false, reportUnknownParameterType=false
# torch, transformers and tokenizers are an optional extra; without them their types are unknown.
"""`python -m glmos.models.nano.training train|export|choose`: make the weights that `glmos.models.nano` ships.

train   learn from a data folder (see `wikisql.py`); may be stopped and run again
export  write the average of a training folder as the int8 file that inference reads
choose  learn the weights of `rank` on training tables that the network never saw
"""

import argparse
import os
from pathlib import Path
from random import Random


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(
        prog="python -m glmos.models.nano.training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    learn = commands.add_parser("train", help="learn from a data folder")
    learn.add_argument("--data", type=Path, required=True, help="folder with tables.jsonl and wikisql_train.jsonl")
    learn.add_argument("--out", type=Path, required=True, help="training folder: checkpoints, tokenizer, log")
    learn.add_argument("--minutes", type=float, default=45.0, help="wall time over all runs (default 45)")
    learn.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    learn.add_argument("--hidden", type=int, default=192, help="width of the network, a multiple of 32 (default 192)")
    learn.add_argument("--layers", type=int, default=6, help="layers (default 6)")
    learn.add_argument("--batch", type=int, default=4096, help="tokens per step (default 4096)")
    learn.add_argument("--muon-rate", type=float, default=0.012, help="rate of the matrices (default 0.012)")
    learn.add_argument("--templates", type=int, default=30000, help="questions written from patterns (default 30000)")
    learn.add_argument("--seed", type=int, default=1)
    ship = commands.add_parser("export", help="write int8 weights")
    ship.add_argument("--from", dest="source", type=Path, required=True, help="training folder")
    ship.add_argument(
        "--to", type=Path, required=True, help="weights folder, for example src/glmos/models/nano/weights"
    )
    rank = commands.add_parser("choose", help="learn to choose among candidates, on tables held out of training")
    rank.add_argument("--data", type=Path, required=True, help="folder with tables.jsonl and wikisql_train.jsonl")
    rank.add_argument("--weights", type=Path, required=True, help="weights folder, exported before")
    chosen = parser.parse_args()
    {"train": _train, "export": _export, "choose": _choose}[chosen.command](chosen)


def _export(chosen: argparse.Namespace) -> None:
    from glmos.models.nano.training.export import export

    export(chosen.source, chosen.to)


def _choose(chosen: argparse.Namespace) -> None:
    from glmos.models.nano.reading import load_model
    from glmos.models.nano.training.choosing import learn_chooser
    from glmos.models.nano.training.wikisql import is_held_out, read_questions, read_tables

    tables = read_tables(chosen.data)
    questions = [q for q in read_questions(chosen.data, "train", tables) if is_held_out(q.table)]
    model = load_model(chosen.weights)
    if model is None:
        raise SystemExit(f"no weights in {str(chosen.weights)!r}: run export first")
    learn_chooser(questions, tables, model, chosen.weights / "chooser.json")


def _train(chosen: argparse.Namespace) -> None:
    os.environ["OMP_NUM_THREADS"] = str(chosen.threads)  # noqa: TID251  before torch starts its threads
    import torch

    from glmos.models.nano.tokenizer import Tokenizer
    from glmos.models.nano.training.examples import human_problems, template_problems
    from glmos.models.nano.training.model import Size
    from glmos.models.nano.training.train import Recipe, train
    from glmos.models.nano.training.vocabulary import learn_tokenizer
    from glmos.models.nano.training.wikisql import is_held_out, read_questions, read_tables

    torch.set_num_threads(chosen.threads)
    chosen.out.mkdir(parents=True, exist_ok=True)
    tables = read_tables(chosen.data)
    questions = [q for q in read_questions(chosen.data, "train", tables) if not is_held_out(q.table)]
    human = human_problems(questions, tables)
    random = Random(chosen.seed)
    source = template_problems([tables[name].table for name in sorted({q.table for q in questions})], random)
    templates = [next(source) for _ in range(chosen.templates)]
    pieces = chosen.out / "tokenizer.json"
    if not pieces.exists():
        learn_tokenizer(human + templates, random).save(pieces)
    heads = chosen.hidden // 32
    size = Size(chosen.hidden, chosen.layers, heads, max(1, heads // 3), chosen.hidden * 8 // 3 // 64 * 64)
    recipe = Recipe(
        minutes=chosen.minutes, size=size, batch_tokens=chosen.batch, muon_rate=chosen.muon_rate, seed=chosen.seed
    )
    train(recipe, human, templates, Tokenizer.load(pieces), chosen.out)


if __name__ == "__main__":
    main()
