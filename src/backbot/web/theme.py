"""Gradio's theme in backbot's colours, with the fonts that the reader's system has."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr


def theme() -> "gr.themes.Base":
    """The theme; its colours are the variables of look.css, which know light from dark."""
    import gradio as gr

    base = gr.themes.Base(
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )
    pairs = {
        "body_background_fill": "var(--bb-page)",
        "body_text_color": "var(--bb-ink)",
        "body_text_color_subdued": "var(--bb-soft)",
        "background_fill_primary": "var(--bb-card)",
        "background_fill_secondary": "var(--bb-page)",
        "border_color_primary": "var(--bb-line)",
        "block_background_fill": "transparent",
        "block_border_width": "0px",
        "input_background_fill": "var(--bb-card)",
        "input_border_color": "var(--bb-edge)",
        "input_border_color_focus": "var(--bb-accent)",
        "input_placeholder_color": "var(--bb-soft)",
        "button_primary_background_fill": "var(--bb-accent)",
        "button_primary_background_fill_hover": "var(--bb-accent-strong)",
        "button_primary_text_color": "var(--bb-on-accent)",
        "button_secondary_background_fill": "var(--bb-card)",
        "button_secondary_background_fill_hover": "var(--bb-tint)",
        "button_secondary_text_color": "var(--bb-ink)",
        "button_secondary_border_color": "var(--bb-edge)",
        "block_label_text_color": "var(--bb-soft)",
        "block_title_text_color": "var(--bb-soft)",
        "link_text_color": "var(--bb-accent)",
    }
    both = {f"{name}{mode}": value for name, value in pairs.items() for mode in ("", "_dark") if hasattr(base, name + mode)}
    return base.set(**both)
