// What Gradio's chat lacks: names that a screen reader can use, one status message per answer, copy, print, focus.
"use strict";
(() => {
  const status = document.createElement("p");
  status.className = "bb-sr";
  status.setAttribute("role", "status");

  const announced = new WeakSet();
  let questions = 0;

  const tidy = () => {
    if (!status.isConnected && document.body) document.body.append(status);
    if (document.getElementById("bb-top")) document.getElementById("bb-first")?.remove();
    const log = document.querySelector('#bb-chat [role="log"]');
    if (!log) {
      questions = 0;
      return;
    }
    // An answer is announced once, when it is whole; not word for word while it grows.
    if (log.getAttribute("aria-live") !== "off") log.setAttribute("aria-live", "off");
    for (const [who, name] of [["user", "You asked"], ["bot", "Answer"]]) {
      for (const message of log.querySelectorAll(`[data-testid="${who}"]`)) {
        if (message.getAttribute("aria-label") === name) continue;
        message.setAttribute("role", "group");
        message.setAttribute("aria-label", name);
      }
    }
    for (const link of log.querySelectorAll('a[href^="tel:"][target]')) link.removeAttribute("target");
    const asked = log.querySelectorAll(".user-row");
    if (asked.length > questions) asked[asked.length - 1].scrollIntoView({ block: "start" });
    questions = asked.length;
    const answers = log.querySelectorAll(".bb-done");
    const last = answers[answers.length - 1];
    if (last && answers.length === asked.length && !announced.has(last)) {
      announced.add(last);
      const warning = last.parentElement.querySelector(".bb-triage h2");
      if (warning) asked[asked.length - 1].scrollIntoView({ block: "start" });
      status.textContent = warning ? `Important: ${warning.textContent}. The answer is ready.` : "The answer is ready.";
    }
  };

  const readable = (answer) => {
    const lines = [];
    const question = answer.closest(".message-row")?.previousElementSibling?.querySelector(".bb-question");
    if (question) lines.push(question.innerText, "");
    const text = (element) => {
      const copy = element.cloneNode(true);
      for (const hidden of copy.querySelectorAll(".bb-sr, .bb-n, .bb-open")) hidden.remove();
      for (const mark of copy.querySelectorAll(".bb-mark")) mark.textContent = ` [${mark.textContent}]`;
      return copy.textContent.trim();
    };
    for (const part of answer.querySelectorAll(".bb-triage h2, .bb-triage p, .bb-contacts li, .bb-note, .bb-text p, .bb-text li")) {
      lines.push((part.tagName === "LI" ? "- " : "") + text(part));
    }
    for (const card of answer.querySelectorAll(".bb-card")) {
      lines.push("", [...card.querySelectorAll(".bb-title, .bb-heading, .bb-status")].map(text).join(", "));
      for (const quote of card.querySelectorAll("li")) {
        lines.push(`[${quote.querySelector(".bb-n").textContent}] ${text(quote)} ${quote.querySelector("a")?.href ?? ""}`);
      }
    }
    const disclaimer = answer.querySelector(".bb-disclaimer");
    if (disclaimer) lines.push("", text(disclaimer));
    return lines.join("\n");
  };

  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(readable(button.closest(".bb-answer")));
      button.textContent = "Copied";
      status.textContent = "Copied.";
    } catch {
      button.textContent = "Copying was not allowed";
    }
    setTimeout(() => (button.textContent = "Copy"), 3000);
  };

  const print = (button) => {
    const row = button.closest(".message-row");
    const rows = [row, row.previousElementSibling].filter(Boolean);
    document.body.classList.add("bb-printing");
    for (const one of rows) one.classList.add("bb-print-this");
    window.print();
    document.body.classList.remove("bb-printing");
    for (const one of rows) one.classList.remove("bb-print-this");
  };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const copying = target?.closest(".bb-copy");
    const printing = target?.closest(".bb-print");
    const choosing = target?.closest(".bb-country-link");
    const asking = target?.closest("#bb-send, #bb-clear, .bb-example, .option");
    if (copying) copy(copying);
    if (printing) print(printing);
    if (choosing) {
      event.preventDefault();
      document.querySelector("#bb-country input")?.focus();
    }
    // The pressed button may vanish; without this the focus would fall to the top of the page.
    if (asking) setTimeout(() => document.querySelector("#bb-box textarea")?.focus({ preventScroll: true }), 50);
  });

  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      tidy();
    });
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["aria-label", "aria-live"] });
})();
