// The owners' page: choices become a line to copy and a page to look at.
"use strict";
(() => {
  const [title, accent, theme, country, locale, snippet, preview, copy, copied] = ["title", "accent", "theme", "country", "locale", "snippet", "preview", "copy", "copied"].map((id) => document.getElementById(id));
  const quoted = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  const show = () => {
    const chosen = { title: title.value, accent: accent.value, theme: theme.value, country: country.value, locale: locale.value };
    const attributes = Object.entries(chosen).filter(([, value]) => value).map(([name, value]) => ` data-${name}="${quoted(value)}"`).join("");
    snippet.textContent = `<script src="${location.origin}/widget.js"${attributes} defer></` + "script>";
    const at = new URL("/demo", location.href);
    for (const [name, value] of Object.entries(chosen)) if (value) at.searchParams.set(name, value);
    preview.src = at.href;
  };
  for (const field of [title, accent, theme, country, locale]) field.addEventListener("change", show);
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(snippet.textContent).then(() => (copied.textContent = "Copied."), () => (copied.textContent = "Select the line and copy it."));
  });
  show();
})();
