// backbot's launcher: a button that opens a sandboxed frame. The page around it sees no question and no answer.
"use strict";
(() => {
  const script = document.currentScript;
  if (!script) return;
  const home = new URL(script.src).origin;
  const choice = script.dataset;
  // The server puts the rows of its locales here.
  const words = "WORDS";
  const locale = (choice.locale || "").slice(0, 2).toLowerCase();
  const [ask, shut] = words[locale] || words.en;
  const title = choice.title || ask;
  const language = choice.title ? "" : words[locale] ? locale : "en";

  // Black or white, whichever stands out more: on any colour one of them has at least 4.5:1.
  const accent = /^#[0-9a-f]{6}$/i.test(choice.accent || "") ? choice.accent : "#0f5f63";
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(accent.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const ink = 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";

  const style = `:host{all:initial!important;display:block!important;position:static!important}
:host([inline]){height:100%!important}
*{box-sizing:border-box}
button{position:fixed;right:16px;bottom:16px;z-index:2147483000;min-height:52px;max-width:calc(100vw - 32px);padding:0 22px;border:2px solid ${ink};border-radius:26px;background:${accent};color:${ink};font:600 16px/1.3 system-ui,sans-serif;cursor:pointer;box-shadow:0 2px 12px #0005}
button:focus-visible{outline:3px solid ${accent};outline-offset:3px}
div{position:fixed;right:16px;bottom:84px;z-index:2147483000;width:min(420px,calc(100vw - 32px));height:min(680px,calc(100vh - 100px));border-radius:16px;overflow:hidden;box-shadow:0 8px 40px #0006;background:#f6f8f7}
div[hidden]{display:none}
:host([inline]) div{position:static;width:100%;height:100%;min-height:480px;box-shadow:none}
iframe{display:block;width:100%;height:100%;border:0}
@media(max-width:480px){div{inset:0;width:100%;height:100%;border-radius:0}:host([inline]) div{position:static}}
@media(forced-colors:active){button,div{border:2px solid CanvasText}}`;

  class Backbot extends HTMLElement {
    #frame; #panel; #button; #waiting = []; #ready = false;

    connectedCallback() {
      if (this.#panel) return;
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(style);
      root.adoptedStyleSheets = [sheet];
      this.#panel = document.createElement("div");
      this.#panel.hidden = true;
      if (language) this.lang = language;
      this.#panel.setAttribute("role", "dialog");
      this.#panel.setAttribute("aria-label", title);
      if (!this.hasAttribute("inline")) {
        this.#button = document.createElement("button");
        this.#button.type = "button";
        this.#button.textContent = title;
        this.#button.setAttribute("aria-expanded", "false");
        this.#button.onclick = () => (this.#panel.hidden ? this.open() : this.close());
        root.append(this.#button);
      }
      root.append(this.#panel);
      addEventListener("message", (event) => this.#hear(event));
      if (this.hasAttribute("inline")) this.open();
    }

    open() {
      if (!this.#frame) {
        const at = new URL("/embed", home);
        at.searchParams.set("parent", location.origin);
        for (const name of ["country", "theme", "locale"]) if (choice[name]) at.searchParams.set(name, choice[name]);
        if (choice.title) at.searchParams.set("title", title);
        if (this.hasAttribute("inline")) at.searchParams.set("inline", "");
        this.#frame = document.createElement("iframe");
        this.#frame.title = title;
        this.#frame.sandbox = "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox";
        this.#frame.allow = "clipboard-write";
        this.#frame.src = at.href;
        this.#panel.append(this.#frame);
      }
      this.#panel.hidden = false;
      this.#name(shut, "true");
      // Read anew each time: on a single-page site the article changes under the widget.
      this.#say({ backbot: "context", text: String(choice.context || "") });
      if (!this.hasAttribute("inline")) {
        this.#frame.focus();
        this.#say({ backbot: "focus" });
      }
      this.dispatchEvent(new CustomEvent("backbot-open"));
    }

    close() {
      if (this.#panel.hidden || this.hasAttribute("inline")) return;
      this.#panel.hidden = true;
      this.#name(title, "false");
      this.#button.focus();
      this.dispatchEvent(new CustomEvent("backbot-close"));
    }

    ask(text) {
      this.open();
      this.#say({ backbot: "ask", text: String(text) });
    }

    #name(text, expanded) {
      if (!this.#button) return;
      this.#button.textContent = text;
      this.#button.setAttribute("aria-expanded", expanded);
    }

    #say(message) {
      if (this.#ready) this.#frame.contentWindow.postMessage(message, home);
      else this.#waiting.push(message);
    }

    #hear(event) {
      if (event.origin !== home || event.source !== this.#frame?.contentWindow) return;
      const said = event.data?.backbot;
      if (said === "close") this.close();
      if (said === "answered") this.dispatchEvent(new CustomEvent("backbot-answered"));
      if (said === "ready") {
        this.#ready = true;
        for (const message of this.#waiting.splice(0)) this.#say(message);
      }
    }
  }

  if (customElements.get("backbot-chat")) return;
  customElements.define("backbot-chat", Backbot);
  const chat = document.createElement("backbot-chat");
  window.backbot = { open: () => chat.open(), close: () => chat.close(), ask: (text) => chat.ask(text), element: chat };
  const place = () => {
    const target = choice.mode === "inline" && document.querySelector(choice.target || "#backbot");
    if (target) chat.setAttribute("inline", "");
    (target || document.body).append(chat);
    // A single-page application may put a new body's worth of content in place of ours.
    if (!target) new MutationObserver(() => chat.isConnected || document.body.append(chat)).observe(document.documentElement, { childList: true, subtree: true });
  };
  if (document.body) place();
  else addEventListener("DOMContentLoaded", place);
})();
