/* Looks again while a payment is under way, and takes the player back where the shop wants it. */
"use strict";

(() => {
  const LONGEST_WAIT_MS = 15000;
  const outcome = document.getElementById("outcome");
  if (!outcome) return;

  async function look(wait) {
    let state = outcome.dataset.state;
    try {
      const response = await fetch(window.location.href, { headers: { "X-Requested-With": "fetch" } });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      // The link has expired: there is nothing to look at any more, and the page says so.
      state = response.status === 404 ? "gone" : page.getElementById("outcome")?.dataset.state || state;
    } catch {
      // No connection for a moment: the next look may have one.
    }
    if (state !== outcome.dataset.state) window.location.reload();
    else later(Math.min(wait * 1.4, LONGEST_WAIT_MS));
  }

  function later(wait) {
    setTimeout(() => look(wait), wait);
  }

  if (outcome.dataset.refresh) later(Number(outcome.dataset.refresh) * 1000);

  if (outcome.dataset.return) {
    setTimeout(() => {
      // In a frame the studio's page is the one to move; the widget does it. Elsewhere this page moves itself.
      if (window.parent !== window) window.tellHost("return", { url: outcome.dataset.return });
      else window.location.assign(outcome.dataset.return);
    }, Number(outcome.dataset.delay) * 1000);
  }
})();
