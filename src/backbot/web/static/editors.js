// Keeps the bar of a run moving, and shows the page anew when the run has ended. Without this the page reloads itself.
"use strict";
(function () {
  const bar = document.getElementById("bar");
  const count = document.getElementById("count");
  const told = document.getElementById("told");
  async function look() {
    try {
      const answer = await fetch("/editors/progress", { redirect: "error" });
      const state = await answer.json();
      if (!state.running) {
        location.reload();
        return;
      }
      if (state.total) {
        bar.max = state.total;
        bar.value = state.done;
        count.textContent = state.done + " of " + state.total;
      }
      told.textContent = state.total && state.done === state.total ? "All are asked. Writing the report." : "";
    } catch {
      told.textContent = "The server does not answer. This page keeps trying.";
    }
    setTimeout(look, 700);
  }
  look();
}());
