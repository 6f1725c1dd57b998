// The widget's chat. Everything shown is made of text nodes; links come from citations and contacts only.
"use strict";
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const given = new URLSearchParams(location.search);
  const parentOrigin = facts.parents.includes(given.get("parent")) || given.get("parent") === location.origin ? given.get("parent") : "";
  const isFramed = window.parent !== window;
  const [log, box, country, status, closer, welcome] = ["log", "box", "country", "status", "close", "welcome"].map((id) => document.getElementById(id));
  const turns = [];
  let busy = false;
  let asked = 0;

  const make = (tag, props = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...children.filter((child) => child !== null));
    return node;
  };
  const button = (text, onclick) => make("button", { type: "button", textContent: text, onclick });
  const hidden = (text) => make("span", { className: "bb-sr", textContent: text });
  const webLink = (address, props, ...children) => {
    let url;
    try {
      url = new URL(address, location.href);
    } catch {
      return null;
    }
    const isOurs = url.origin === location.origin && url.pathname.startsWith("/articles/");
    if (!isOurs && !(/^https?:\/\//.test(address) && /^https?:$/.test(url.protocol))) return null;
    return make("a", { href: address, target: "_blank", rel: "noopener", ...props }, ...children, hidden(" (opens in a new tab)"));
  };

  const headlines = { emergency: "Get emergency help now", urgent: "Get medical help today", soon: "See a clinician soon" };
  const contact = ({ name, number, url }) => {
    const numbers = number.match(/\+?\d(?:[\d -]*\d)+/g) ?? [];
    const who = make("span", { className: "bb-who" }, webLink(url, {}, name) ?? name);
    if (numbers.length !== 1 || numbers[0] !== number) who.append(make("span", { className: "bb-number", textContent: number }));
    return make("li", {}, who, ...numbers.map((one) => make("a", { className: "bb-call", href: `tel:${one.replace(/[^0-9+]/g, "")}`, textContent: `Call ${one}` })));
  };
  const contacts = (rows) => make("ul", { className: "bb-contacts" }, ...rows.map(contact));
  const referral = (triage) => {
    const [first, ...rest] = triage.advice.split("\n\n");
    const noticed = triage.flags.map((flag) => make("li", {}, flag.label, ...(flag.quote ? [": you wrote ", make("q", { textContent: flag.quote })] : [])));
    return make(
      "section", { className: `bb-triage bb-${triage.level}` },
      make("h2", { textContent: headlines[triage.level] }),
      make("p", { className: "bb-first", textContent: first }),
      contacts(triage.contacts),
      ...rest.map((text) => make("p", { textContent: text })),
      make("div", { className: "bb-noticed" }, make("p", { textContent: "Why you see this:" }), make("ul", {}, ...noticed)),
    );
  };

  const sentence = (said, turn) => {
    const marks = said.citations.map((n) => {
      const mark = make("a", { className: "bb-mark", href: `#s${turn}-${n}` }, hidden("Source "), String(n));
      mark.onclick = (event) => {
        event.preventDefault();
        const source = document.getElementById(`s${turn}-${n}`);
        source?.scrollIntoView({ block: "center" });
        source?.querySelector("a")?.focus({ preventScroll: true });
      };
      return make("sup", {}, mark);
    });
    const cut = said.text.lastIndexOf(" ") + 1;
    return make("span", {}, said.text.slice(0, cut), make("span", { className: "bb-end" }, said.text.slice(cut), ...marks), " ");
  };
  const say = (text, said, turn) => {
    const tag = said.is_item ? "UL" : "P";
    if (text.lastElementChild?.tagName !== tag) text.append(document.createElement(tag));
    text.lastElementChild.append(said.is_item ? make("li", {}, sentence(said, turn)) : sentence(said, turn));
  };

  const day = (iso) => new Date(`${iso}T12:00:00`).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
  const sources = (citations, turn) => {
    const cards = new Map();
    for (const citation of citations) {
      const key = `${citation.article}\n${citation.heading}`;
      cards.set(key, [...(cards.get(key) ?? []), citation]);
    }
    return make(
      "section", { className: "bb-sources" },
      make("h2", { textContent: cards.size === 1 ? "Source" : "Sources" }),
      ...[...cards.values()].map(([first, ...more]) =>
        make(
          "div", { className: "bb-card" },
          make("p", { className: "bb-title", textContent: first.title }),
          first.heading === first.title ? null : make("p", { className: "bb-heading", textContent: first.heading }),
          make("span", {
            className: first.is_overdue ? "bb-status bb-overdue" : "bb-status",
            textContent: first.is_overdue ? "Review overdue" : first.reviewed ? `Last checked ${day(first.reviewed)}` : "No review date",
          }),
          make("ol", {}, ...[first, ...more].map((citation) =>
            make("li", { id: `s${turn}-${citation.n}` },
              make("span", { className: "bb-n", textContent: citation.n }), make("q", { textContent: citation.quote }), " ",
              webLink(citation.link, { className: "bb-open" }, "Read it in the article")))),
        )),
    );
  };
  const plain = (question, reply) => [
    question, "", ...reply.sentences.map((said) => `${said.text} ${said.citations.map((n) => `[${n}]`).join("")}`), "",
    ...reply.citations.map((one) => `[${one.n}] ${one.title}, ${one.heading}: ${new URL(one.link, location.href)}`), "", reply.disclaimer,
  ].join("\n");

  const feedback = (reply) => {
    const row = make("div", { className: "after" });
    const send = (verdict, reason) => {
      row.replaceChildren("Thank you.");
      status.textContent = "Thank you.";
      box.focus();
      const articles = [...new Set(reply.citations.map((one) => one.article))];
      fetch("/api/feedback", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ verdict, reason, articles }) }).catch(() => {});
    };
    const why = () => {
      row.replaceChildren("What was wrong?", ...Object.entries(facts.reasons).map(([reason, text]) => button(text, () => send("down", reason))));
      row.querySelector("button").focus();
    };
    row.append("Was this helpful?", button("Yes", () => send("up", "")), button("No", why));
    return row;
  };
  const finish = (turn, question, answer, reply) => {
    if (reply.message) answer.append(make("p", { className: "bb-note", textContent: reply.message }));
    if (reply.citations.length) {
      const copy = button("Copy", async () => {
        await navigator.clipboard.writeText(plain(question, reply)).then(() => (copy.textContent = "Copied"), () => (copy.textContent = "Copying was not allowed"));
      });
      answer.append(sources(reply.citations, asked), make("p", { className: "bb-actions" }, copy, button("Print", () => window.print())));
    }
    answer.append(make("p", { className: "bb-disclaimer", textContent: reply.disclaimer }));
    answer.classList.add("bb-done");
    if (reply.suggestions.length) {
      turn.append(make("div", { className: "after" }, make("h2", { textContent: "Related questions" }), ...reply.suggestions.map((text) => button(text, () => ask(text)))));
    }
    if (reply.outcome !== "referred") turn.append(feedback(reply));
    const warning = headlines[reply.triage.level];
    status.textContent = warning ? `Important: ${warning}. The answer is ready.` : "The answer is ready.";
    if (isFramed && parentOrigin) window.parent.postMessage({ backbot: "answered" }, parentOrigin);
  };

  class Refused extends Error {}

  async function* events(body) {
    const response = await fetch("/api/chat", { method: "POST", headers: { "Content-Type": "application/json", Accept: "text/event-stream" }, body });
    if (!response.ok) throw new Refused((await response.json()).message);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      const pieces = (rest + value).split("\n\n");
      rest = pieces.pop();
      for (const piece of pieces) {
        const name = /^event: (.*)$/m.exec(piece)?.[1];
        const data = piece.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
        if (name) yield [name, JSON.parse(data)];
      }
    }
  }

  const answerOnce = async (turn, question, answer) => {
    answer.replaceChildren(make("p", { className: "bb-note bb-waiting", textContent: "Looking in the articles" }));
    const waiting = answer.firstChild;
    const text = make("div", { className: "bb-text" });
    for await (const [name, data] of events(JSON.stringify({ turns, country: country.value }))) {
      if (name === "error") throw new Refused(data.message);
      if (name === "triage" && data.level !== "none") answer.prepend(referral(data));
      if (name === "sentence") {
        if (!text.isConnected) waiting.replaceWith(text);
        say(text, data, asked);
      }
      if (name === "reply") {
        waiting.remove();
        finish(turn, question, answer, data);
        return true;
      }
    }
    return false;
  };

  const failed = (turn, question, answer, message) => {
    const box = answer.querySelector(".bb-triage");
    const again = button("Try again", () => {
      turn.remove();
      turns.pop();
      ask(question);
    });
    const rows = facts.contacts[country.value] ?? facts.contacts[""];
    answer.replaceChildren(
      ...(box ? [box] : []),
      make("p", { className: "bb-note", textContent: message }),
      ...(box ? [] : [make("section", { className: "bb-triage" }, make("p", { textContent: "If this may be serious, do not wait for this chat:" }), contacts(rows))]),
      make("p", { className: "bb-actions" }, again),
    );
    answer.classList.add("bb-done");
    status.textContent = message;
  };

  async function ask(question) {
    if (busy || !question.trim()) return;
    busy = true;
    asked += 1;
    welcome.hidden = true;
    turns.push(question);
    if (turns.length > 50) turns.shift();
    const answer = make("div", { className: "bb-answer" });
    const turn = make("div", { className: "turn" }, make("p", { className: "bb-question", textContent: question }), answer);
    log.append(turn);
    box.focus({ preventScroll: true });
    turn.firstChild.scrollIntoView({ block: "start" });
    let message = "backbot cannot be reached. Check your connection and try again.";
    for (const pause of [0, 800, 2500]) {
      await new Promise((go) => setTimeout(go, pause));
      try {
        if (await answerOnce(turn, question, answer)) {
          message = "";
          break;
        }
      } catch (error) {
        if (error instanceof Refused) {
          message = error.message;
          break;
        }
      }
    }
    if (message) failed(turn, question, answer, message);
    busy = false;
  }

  for (const [code, name] of facts.countries) country.append(make("option", { value: code, textContent: name }));
  country.value = (given.get("country") ?? facts.country).toUpperCase();
  if (country.selectedIndex < 0) country.value = "";
  for (const text of facts.examples) document.getElementById("examples").append(button(text, () => ask(text)));
  const title = given.get("title")?.slice(0, 80);
  if (title) document.title = document.querySelector("h1").textContent = title;
  const theme = given.get("theme");
  if (theme === "light" || theme === "dark") document.getElementById("dark").media = theme === "dark" ? "all" : "not all";

  document.getElementById("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    if (busy) return;
    const question = box.value;
    box.value = "";
    ask(question);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      box.form.requestSubmit();
    }
  });
  if (isFramed && parentOrigin) {
    const close = () => window.parent.postMessage({ backbot: "close" }, parentOrigin);
    closer.hidden = given.has("inline");
    closer.onclick = close;
    addEventListener("keydown", (event) => event.key === "Escape" && close());
    addEventListener("message", (event) => {
      if (event.origin !== parentOrigin || event.source !== window.parent) return;
      if (event.data?.backbot === "focus") box.focus();
      if (event.data?.backbot === "ask" && typeof event.data.text === "string") ask(event.data.text.slice(0, 2000));
    });
    window.parent.postMessage({ backbot: "ready" }, parentOrigin);
  }
})();
