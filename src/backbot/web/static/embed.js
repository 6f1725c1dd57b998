// The widget's chat. Everything shown is made of text nodes; links come from citations and contacts only.
"use strict";
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const { words } = facts;
  const fill = (text, value) => text.replace("{}", () => value);
  const given = new URLSearchParams(location.search);
  const parentOrigin = facts.parents.includes(given.get("parent")) || given.get("parent") === location.origin ? given.get("parent") : "";
  const isFramed = window.parent !== window;
  const [log, box, country, status, closer, welcome] = ["log", "box", "country", "status", "close", "welcome"].map((id) => document.getElementById(id));
  const turns = [];
  let busy = false;
  let asked = 0;
  let context = "";

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
    return make("a", { href: address, target: "_blank", rel: "noopener", ...props }, ...children, hidden(` (${words.new_tab})`));
  };

  // The articles, the advice and what readers are quoted with are English in every locale.
  const english = { lang: "en" };
  const contact = ({ name, number, url }) => {
    const numbers = number.match(/\+?\d(?:[\d -]*\d)+/g) ?? [];
    const who = make("span", { className: "bb-who" }, webLink(url, {}, name) ?? name);
    if (numbers.length !== 1 || numbers[0] !== number) who.append(make("span", { className: "bb-number", textContent: number }));
    return make("li", {}, who, ...numbers.map((one) => make("a", { className: "bb-call", href: `tel:${one.replace(/[^0-9+]/g, "")}`, textContent: fill(words.call, one) })));
  };
  const contacts = (rows) => make("ul", { className: "bb-contacts" }, ...rows.map(contact));
  const referral = (triage) => {
    const [first, ...rest] = triage.advice.split("\n\n");
    const noticed = triage.flags.map((flag) => make("li", {}, make("span", { ...english, textContent: flag.label }), ...(flag.quote ? [`: ${words.wrote} `, make("q", { textContent: flag.quote })] : [])));
    return make(
      "section", { className: `bb-triage bb-${triage.level}` },
      make("h2", { textContent: words[triage.level] }),
      make("p", { ...english, className: "bb-first", textContent: first }),
      contacts(triage.contacts),
      ...rest.map((text) => make("p", { ...english, textContent: text })),
      make("div", { className: "bb-noticed" }, make("p", { textContent: words.why }), make("ul", {}, ...noticed)),
    );
  };

  const sentence = (said, turn) => {
    const marks = said.citations.map((n) => {
      const mark = make("a", { className: "bb-mark", href: `#s${turn}-${n}` }, hidden(`${words.source} `), String(n));
      mark.onclick = (event) => {
        event.preventDefault();
        const source = document.getElementById(`s${turn}-${n}`);
        source?.scrollIntoView({ block: "center" });
        source?.querySelector("a")?.focus({ preventScroll: true });
      };
      return make("sup", {}, mark);
    });
    const cut = said.text.lastIndexOf(" ") + 1;
    return make("span", english, said.text.slice(0, cut), make("span", { className: "bb-end" }, said.text.slice(cut), ...marks), " ");
  };
  const say = (text, said, turn) => {
    const tag = said.is_item ? "UL" : "P";
    if (text.lastElementChild?.tagName !== tag) text.append(document.createElement(tag));
    text.lastElementChild.append(said.is_item ? make("li", {}, sentence(said, turn)) : sentence(said, turn));
  };

  const day = (iso) => new Date(`${iso}T12:00:00`).toLocaleDateString(document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang, { day: "numeric", month: "short", year: "numeric" });
  const sources = (citations, turn) => {
    const cards = new Map();
    for (const citation of citations) {
      const key = `${citation.article}\n${citation.heading}`;
      cards.set(key, [...(cards.get(key) ?? []), citation]);
    }
    return make(
      "section", { className: "bb-sources" },
      make("h2", { textContent: cards.size === 1 ? words.source : words.sources }),
      ...[...cards.values()].map(([first, ...more]) =>
        make(
          "div", { className: "bb-card" },
          make("p", { ...english, className: "bb-title", textContent: first.title }),
          first.heading === first.title ? null : make("p", { ...english, className: "bb-heading", textContent: first.heading }),
          make("span", {
            className: first.is_overdue ? "bb-status bb-overdue" : "bb-status",
            textContent: first.is_overdue ? words.overdue : first.reviewed ? fill(words.checked, day(first.reviewed)) : words.unchecked,
          }),
          make("ol", {}, ...[first, ...more].map((citation) =>
            make("li", { id: `s${turn}-${citation.n}` },
              make("span", { className: "bb-n", textContent: citation.n }), make("q", { ...english, textContent: citation.quote }), " ",
              webLink(citation.link, { className: "bb-open" }, words.read)))),
        )),
    );
  };
  const plain = (question, reply) => [
    question, "", ...reply.sentences.map((said) => `${said.text} ${said.citations.map((n) => `[${n}]`).join("")}`), "",
    ...reply.citations.map((one) => `[${one.n}] ${one.title}, ${one.heading}${one.link ? `: ${new URL(one.link, location.href)}` : ""}`), "", reply.disclaimer,
  ].join("\n");

  const feedback = (reply) => {
    const row = make("div", { className: "after" });
    const send = (verdict, reason) => {
      row.replaceChildren(words.thanks);
      status.textContent = words.thanks;
      box.focus();
      const articles = [...new Set(reply.citations.map((one) => one.article))];
      fetch("/api/feedback", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ verdict, reason, articles }) }).catch(() => {});
    };
    const why = () => {
      const reasons = { wrong: words.wrong, "not-my-question": words["not-my-question"], unclear: words.unclear, source: words["wrong-source"] };
      row.replaceChildren(words.reason, ...Object.entries(reasons).map(([reason, text]) => button(text, () => send("down", reason))));
      row.querySelector("button").focus();
    };
    row.append(words.helpful, button(words.yes, () => send("up", "")), button(words.no, why));
    return row;
  };
  const finish = (turn, question, answer, reply) => {
    if (reply.message) answer.append(make("p", { ...english, className: "bb-note", textContent: reply.message }));
    if (reply.citations.length) {
      const copy = button(words.copy, async () => {
        await navigator.clipboard.writeText(plain(question, reply)).then(() => (copy.textContent = words.copied), () => (copy.textContent = words.not_copied));
      });
      answer.append(sources(reply.citations, asked), make("p", { className: "bb-actions" }, copy, button(words.print, () => window.print())));
    }
    answer.append(make("p", { ...english, className: "bb-disclaimer", textContent: reply.disclaimer }));
    answer.classList.add("bb-done");
    if (reply.suggestions.length) {
      turn.append(make("div", { className: "after" }, make("h2", { textContent: words.related }), ...reply.suggestions.map((text) => Object.assign(button(text, () => ask(text)), english))));
    }
    if (reply.outcome !== "referred") turn.append(feedback(reply));
    const level = reply.triage.level;
    status.textContent = level === "none" ? words.ready : `${fill(words.important, words[level])} ${words.ready}`;
    if (isFramed && parentOrigin) window.parent.postMessage({ backbot: "answered" }, parentOrigin);
  };

  // The server says why by a code, for which each locale has words; "question-invalid" is more exact in English.
  class Refused extends Error {
    constructor({ error, message }) {
      super(document.documentElement.lang === "en" ? message : words[error] ?? message);
    }
  }

  async function* events(body) {
    const response = await fetch("/api/chat", { method: "POST", headers: { "Content-Type": "application/json", Accept: "text/event-stream" }, body });
    if (!response.ok) throw new Refused(await response.json());
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
    answer.replaceChildren(make("p", { className: "bb-note bb-waiting", textContent: words.looking }));
    const waiting = answer.firstChild;
    const text = make("div", { className: "bb-text" });
    for await (const [name, data] of events(JSON.stringify({ turns, country: country.value, context }))) {
      if (name === "error") throw new Refused(data);
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
    const again = button(words.again, () => {
      turn.remove();
      turns.pop();
      ask(question);
    });
    const rows = facts.contacts[country.value] ?? facts.contacts[""];
    answer.replaceChildren(
      ...(box ? [box] : []),
      make("p", { className: "bb-note", textContent: message }),
      ...(box ? [] : [make("section", { className: "bb-triage" }, make("p", { textContent: words.serious }), contacts(rows))]),
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
    let message = words.unreachable;
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
      if (event.data?.backbot === "context" && typeof event.data.text === "string") context = event.data.text.slice(0, 2000);
      if (event.data?.backbot === "ask" && typeof event.data.text === "string") ask(event.data.text.slice(0, 2000));
    });
    window.parent.postMessage({ backbot: "ready" }, parentOrigin);
  }
})();
