"""The further check by a CrossEncoder: a tiny real one that always says the same."""

from pathlib import Path

import pytest

from backbot.answering.entailment import load_entailment
from backbot.errors import ModelUnavailable


def write_model(folder: Path, labels: tuple[str, ...], likely: int) -> str:
    """A BERT of one layer whose bias makes label `likely` certain."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "heat", "helps"]))
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8, "vocab_size": 7}
    model = BertForSequenceClassification(BertConfig(**sizes, id2label=dict(enumerate(labels)), num_labels=len(labels)))
    with torch.no_grad():
        model.classifier.bias[likely] = 100.0
    model.save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("likely", [0, 1, 2])
def test_only_entailment_lets_a_sentence_through(likely: int, tmp_path: Path):
    labels = ("contradiction", "entailment", "neutral")
    entails = load_entailment(write_model(tmp_path / "nli", labels, likely))
    assert entails("heat helps", "heat") is (labels[likely] == "entailment")


def test_a_model_that_is_not_for_inference_is_refused(tmp_path: Path):
    with pytest.raises(ModelUnavailable, match="entailment"):
        load_entailment(write_model(tmp_path / "rank", ("LABEL_0",), 0))


def test_a_model_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(ModelUnavailable, match="BACKBOT_NLI_MODEL"):
        load_entailment(str(tmp_path / "none"))
