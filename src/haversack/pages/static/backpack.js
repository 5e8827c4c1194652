/*
 * Makes the Backpack page answer in place. Without it every form and link still works by loading pages.
 *
 * Receiving: a form marked data-receive is sent as it is (urlencoded, to its own action) with the header
 * `X-Requested-With: fetch`. The answer, with any status, is JSON:
 *   ok       bool    the item has been received, or is on its way
 *   message  string  what happened and what to do, to be shown to the player
 *   field    string | null   "user_game_id" when the message belongs at that field
 *   state    "received" | "claimed" | "receiving" | "held"   where the item stands now
 * received: the card leaves. claimed: it stays with the message. receiving, held: the card is taken anew from the
 * server's page and looked at again from time to time. Anything but JSON: the page is loaded anew (it may be the
 * sign-in page that came), or for a status of 500 and above the card says that something is wrong with us.
 */
"use strict";

const LOOK_AGAIN_MS = [2000, 3000, 5000, 8000, 13000, 21000, 30000, 60000, 60000, 120000];
const COPIED_MS = 2000;
const GOOD_NEWS_MS = 12000;

const byId = (id) => document.getElementById(id);
const cards = () => [...document.querySelectorAll("[data-item]")];

function announce(text) {
  const region = byId("announce");
  if (!region) return;
  region.textContent = "";
  // A screen reader speaks a change; the same words twice would be none.
  requestAnimationFrame(() => { region.textContent = text; });
}

function notify(kind, text) {
  const region = byId("notice");
  const notice = byId(`notice-${kind}`).content.firstElementChild.cloneNode(true);
  notice.querySelector("[data-notice-text]").textContent = text;
  notice.querySelector("[data-dismiss]").hidden = false;
  region.replaceChildren(notice);
  // The card that left says the same, so good news need not stay in the way; refusals wait to be dismissed.
  if (kind === "success") setTimeout(() => notice.remove(), GOOD_NEWS_MS);
}

function wake(root) {
  for (const control of root.querySelectorAll("[data-copy], .notices [data-dismiss]")) control.hidden = false;
  // Our own words at the field instead of the browser's bubble.
  for (const form of root.querySelectorAll("[data-receive]")) form.noValidate = true;
}

/* Copying */

async function copyText(element) {
  const text = element.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard on plain http, or permission refused: copy the selection, or leave it selected for the player.
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}

async function copy(button) {
  const label = button.querySelector("[data-label]");
  if (await copyText(byId(button.dataset.copy))) {
    clearTimeout(Number(button.dataset.timer));
    button.classList.add("is-done");
    label.textContent = "Copied";
    announce("Code copied");
    button.dataset.timer = setTimeout(() => {
      button.classList.remove("is-done");
      label.textContent = "Copy";
    }, COPIED_MS);
  } else {
    announce("The code is selected. Press Control and C, or Command and C, to copy it.");
  }
}

/* Receiving */

function showBusy(form, busy) {
  const button = form.querySelector("[type=submit]");
  const field = form.elements.user_game_id;
  button.disabled = busy;
  button.classList.toggle("is-busy", busy);
  button.querySelector("[data-label]").textContent = busy ? "Receiving…" : "Receive item";
  form.setAttribute("aria-busy", String(busy));
  if (field) field.readOnly = busy;
}

function clearRefusal(form) {
  form.querySelector(".refusal").hidden = true;
  form.elements.user_game_id?.removeAttribute("aria-invalid");
}

function showRefusal(form, text, fieldName) {
  const refusal = form.querySelector(".refusal");
  const field = fieldName && form.elements[fieldName];
  refusal.querySelector("[data-refusal-text]").textContent = text;
  refusal.hidden = false;
  if (field) {
    field.setAttribute("aria-invalid", "true");
    field.focus();
    field.select();
  } else {
    refusal.focus();
  }
  refusal.scrollIntoView({ block: "nearest" });
}

function rememberPlayerId(form) {
  const sent = form.elements.user_game_id;
  if (!sent) return;
  for (const field of document.querySelectorAll("[data-receive] [name=user_game_id]")) {
    if (field.dataset.game === sent.dataset.game && !field.value) field.value = sent.value;
  }
}

async function leave(card, { asked }) {
  const all = cards();
  const neighbour = all[all.indexOf(card) + 1] ?? all[all.indexOf(card) - 1];
  // A disabled button drops the focus to the body; then it was this card's, if the player asked.
  const focused = document.activeElement;
  const hadFocus = card.contains(focused) || (asked && focused === document.body);
  card.classList.add("is-leaving");
  await Promise.allSettled(card.getAnimations().map((animation) => animation.finished));
  card.remove();
  for (const shelf of document.querySelectorAll("[data-shelf]")) {
    const left = shelf.querySelectorAll("[data-item]").length;
    if (left === 0) shelf.remove();
    else shelf.querySelector("[data-shelf-count]").textContent = left === 1 ? "1 item" : `${left} items`;
  }
  if (hadFocus) (neighbour?.querySelector(".card__name") ?? byId("notice")).focus({ preventScroll: !neighbour });
}

async function receive(form) {
  const card = form.closest("[data-item]");
  const field = form.elements.user_game_id;
  clearRefusal(form);
  if (field && !field.value.trim()) {
    showRefusal(form, "Enter your player id first. You find it in the game, most often in your profile.", field.name);
    return;
  }
  const body = new URLSearchParams(new FormData(form));
  showBusy(form, true);
  let answer;
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body,
      headers: { "X-Requested-With": "fetch", Accept: "application/json" },
    });
    if (response.headers.get("Content-Type")?.startsWith("application/json")) {
      answer = await response.json();
    } else if (response.status < 500) {
      location.assign("/backpack");
      return;
    }
  } catch {
    showBusy(form, false);
    showRefusal(form, "Haversack could not be reached. Check your connection, then try again.", null);
    return;
  }
  if (!answer?.state) {
    // Nothing that was written for the player: what stands before the server may speak JSON too.
    showBusy(form, false);
    showRefusal(form, "Something is wrong on our side right now. Your item is safe; try again shortly.", null);
  } else if (answer.state === "received") {
    rememberPlayerId(form);
    notify("success", answer.message);
    await leave(card, { asked: true });
    await refreshAround();
  } else if (answer.state === "receiving" || answer.state === "held") {
    notify("info", answer.message);
    lookAgain(card.id, 0);
  } else {
    showBusy(form, false);
    showRefusal(form, answer.message, answer.field);
  }
}

/* The server's page as the source of truth */

let visit = 0; // counts filter changes: what was asked before one is stale after it
const placeOf = (address) => { const { pathname, search } = new URL(address); return pathname + search; };
let shown = placeOf(location.href);

async function fetchPage(address) {
  const response = await fetch(address, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.getElementById("shelves") ? page : null;
}

function take(page, id) {
  const fresh = page.getElementById(id);
  const old = byId(id);
  if (!fresh || !old) return;
  old.replaceWith(document.adoptNode(fresh));
  wake(byId(id));
}

async function refreshAround() {
  try {
    const page = await fetchPage(location.href);
    if (!page) return;
    // Cards stay as they are, with what is typed in them, unless none are left.
    if (cards().length === 0) take(page, "shelves");
    if (page.getElementById("filters")) take(page, "filters");
    else byId("filters")?.remove();
  } catch {
    // The counts are a courtesy; they come right with the next page.
  }
}

const watched = new Map();

function lookAgain(cardId, round) {
  clearTimeout(watched.get(cardId));
  if (round < LOOK_AGAIN_MS.length) watched.set(cardId, setTimeout(() => look(cardId, round), LOOK_AGAIN_MS[round]));
}

async function look(cardId, round) {
  if (document.hidden) {
    lookAgain(cardId, round);
    return;
  }
  const before = visit;
  let page = null;
  try {
    page = await fetchPage(location.href);
  } catch {
    // Offline for a moment: the next round asks again.
  }
  const card = byId(cardId);
  if (!card || before !== visit) return;
  const fresh = page?.getElementById(cardId);
  if (page && !fresh) {
    notify("success", `${card.dataset.name} has been received.`);
    await leave(card, { asked: false });
    await refreshAround();
  } else if (fresh?.dataset.state === "claimed") {
    take(page, cardId);
    announce(byId(cardId).querySelector("[data-refusal-text]")?.textContent ?? "");
  } else {
    if (fresh && fresh.dataset.state !== card.dataset.state) take(page, cardId);
    lookAgain(cardId, round + 1);
  }
}

function watchUnsettled() {
  for (const card of cards()) if (card.dataset.state !== "claimed") lookAgain(card.id, 0);
}

/* Filtering */

async function show(address, { push }) {
  const mine = ++visit;
  shown = placeOf(address);
  const shelves = byId("shelves");
  shelves.setAttribute("aria-busy", "true");
  shelves.replaceChildren(byId("skeleton").content.cloneNode(true));
  for (const link of document.querySelectorAll("[data-filter]")) {
    if (link.href === address) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  let page = null;
  try {
    page = await fetchPage(address);
  } catch {
    // Falls through to an ordinary visit, where the browser says what is wrong.
  }
  if (mine !== visit) return;
  if (!page) {
    location.assign(address);
    return;
  }
  if (push) history.pushState(null, "", address);
  take(page, "shelves");
  take(page, "filters");
  byId("notice").replaceChildren();
  document.querySelector("#filters [aria-current]")?.focus({ preventScroll: true });
  const count = Number(byId("shelves").dataset.count);
  announce(count === 1 ? "1 item" : `${count} items`);
  watchUnsettled();
}

/* Listening */

document.addEventListener("click", (event) => {
  const copyButton = event.target.closest("[data-copy]");
  if (copyButton) copy(copyButton);

  if (event.target.closest("[data-dismiss]")) {
    byId("notice").replaceChildren();
    byId("main").focus({ preventScroll: true });
  }

  const link = event.target.closest("a[data-filter]");
  const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (link && plain && byId("shelves")) {
    event.preventDefault();
    show(link.href, { push: true });
  }
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-receive]")) return;
  event.preventDefault();
  receive(event.target);
});

window.addEventListener("popstate", () => {
  // A step within the page, to #main, is reported here too.
  if (byId("shelves") && placeOf(location.href) !== shown) show(location.href, { push: false });
});

wake(document);
watchUnsettled();
