/*
 * Speaks with the window that holds this page in a frame, or has opened it: messages are JSON texts
 * `{"command": ..., "data": {...}}`, as XPayStationWidget reads them. Also asks before the page is left.
 */
"use strict";

(() => {
  const isFramed = window.parent !== window;
  const host = isFramed ? window.parent : window.opener;
  const body = document.body;
  const KEPT = "haversack-host";

  // Who that window is, as far as the browser says so. Only then is the player's id among what is told.
  function hostOrigin() {
    const ancestor = window.location.ancestorOrigins?.[0];
    if (isFramed && ancestor && ancestor !== "null") return ancestor;
    try {
      const from = document.referrer && new URL(document.referrer).origin;
      if (from && from !== window.location.origin) sessionStorage.setItem(KEPT, from);
      return sessionStorage.getItem(KEPT);
    } catch {
      return null; // storage is closed to frames in some browsers
    }
  }

  const origin = host ? hostOrigin() : null;

  window.tellHost = (command, data) => {
    if (!host) return;
    host.postMessage(JSON.stringify({ command, data: data || {} }), origin || "*");
  };

  if (host) {
    window.tellHost("dimensions", { dimensions: { width: 600, height: Math.ceil(body.scrollHeight) } });
    if (body.dataset.country) window.tellHost("user-country", { user_country: body.dataset.country });
    if (body.dataset.command === "status") {
      const paymentInfo = { status: body.dataset.status };
      if (body.dataset.invoice) paymentInfo.invoice = Number(body.dataset.invoice);
      if (origin) paymentInfo.userId = body.dataset.user;
      window.tellHost("status", { paymentInfo });
    }
  }

  const dialog = document.getElementById("leaving");
  const leaveFor = (address) => {
    if (!host) {
      window.location.assign(address);
      return;
    }
    window.tellHost("close", {});
    if (!isFramed) window.close();
  };
  const link = document.querySelector("[data-close]");
  link?.addEventListener("click", (event) => {
    if (dialog?.showModal && "warns" in link.dataset) {
      event.preventDefault();
      dialog.showModal();
    } else if (host) {
      event.preventDefault();
      leaveFor(link.href);
    }
  });
  dialog?.querySelector("[data-stay]").addEventListener("click", () => dialog.close());
  dialog?.querySelector("[data-leave]").addEventListener("click", (event) => {
    event.preventDefault();
    leaveFor(event.currentTarget.href);
  });

  // The list of languages closes like any other list.
  const tongue = document.querySelector(".tongue");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || dialog?.open) return;
    if (tongue?.open) {
      tongue.open = false;
      tongue.querySelector("summary").focus();
    } else if (isFramed && event.target.tagName !== "SELECT" && !document.querySelector(".is-busy")) {
      // The window around does not hear the keys of a frame, and the widget may close by them.
      window.tellHost("escape");
    }
  });
  document.addEventListener("click", (event) => {
    if (tongue?.open && !tongue.contains(event.target)) tongue.open = false;
  });
})();
