"""A further check of a language model's sentences: a CrossEncoder that was trained on natural language inference."""

from collections.abc import Callable

from backbot.errors import ModelUnavailable

LIKELY = 0.5


def load_entailment(name: str) -> Callable[[str, str], bool]:
    """Whether a premise entails a hypothesis, by the model of that name or folder; raises ModelUnavailable."""
    # Costs seconds, and only those who set BACKBOT_NLI_MODEL need it.
    from sentence_transformers import CrossEncoder

    try:
        model = CrossEncoder(name, device="cpu")
        labels = {str(label).lower(): int(number) for number, label in model.config.id2label.items()}
    except Exception as error:
        raise ModelUnavailable(
            f"BACKBOT_NLI_MODEL: {name} cannot be loaded ({type(error).__name__}). Name a folder or model that "
            "sentence-transformers' CrossEncoder loads, or leave it empty."
        ) from error
    if "entailment" not in labels:
        raise ModelUnavailable(
            f"BACKBOT_NLI_MODEL: {name} knows no label `entailment`, only {', '.join(labels)}. Name a model for natural "
            "language inference."
        )

    def entails(premise: str, hypothesis: str) -> bool:
        scores = model.predict([(premise, hypothesis)], apply_softmax=True, show_progress_bar=False)[0]
        return float(scores[labels["entailment"]]) >= LIKELY

    return entails
