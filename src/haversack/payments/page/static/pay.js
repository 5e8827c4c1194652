/*
 * Makes the payment form answer while it is filled in. Without it the same form is sent as a page and checked there.
 *
 * Sending: the form goes as it is (urlencoded, to its own action) with the header `X-Requested-With: fetch`. The answer,
 * with any status, is JSON:
 *   next      string | null      where to go on: the status page or the bank's step
 *   title     string | null      why it did not work, with `text` (string | null): what to do
 *   problems  {field: string}    what is wrong with which field
 *   browser   {secret, return_url, is_known_card} | null     the provider's script goes on
 * Where there is no purchase to pay, as when its link has expired meanwhile, the server's page says so, and is quoted.
 * Anything else: the server, or what stands before it, is out of order. What was typed stays where it is.
 */
"use strict";

(() => {
  const GROUPS = { amex: [4, 6, 5], diners: [4, 6, 4], other: [4, 4, 4, 4, 3] };
  // The list of rules.py; the first that fits wins.
  const BRANDS = [
    ["mir", /^220[0-4]/],
    ["amex", /^3[47]/],
    ["diners", /^3(?:0[0-5]|095|6|[89])/],
    ["jcb", /^35(?:2[89]|[3-8])/],
    ["visa", /^4/],
    ["mastercard", /^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/],
    ["discover", /^(?:6011|64[4-9]|65)/],
    ["unionpay", /^(?:62|81)/],
    ["maestro", /^(?:50|5[6-9]|6)/],
  ];
  const LENGTHS = { visa: [13, 16, 19], mastercard: [16], amex: [15], diners: [14, 16, 19] };
  const ANSWER_WAIT_MS = 60000;

  const byId = (id) => document.getElementById(id);
  const form = byId("pay");
  const country = document.querySelector("form[data-country]");

  if (country) {
    const list = country.querySelector("select");
    const button = country.querySelector("[type=submit]");
    let isByKeyboard = false;
    button.hidden = true;
    list.addEventListener("pointerdown", () => { isByKeyboard = false; });
    list.addEventListener("keydown", () => { isByKeyboard = true; });
    list.addEventListener("change", () => {
      // Each arrow and each letter of a name chooses anew: who chooses by keyboard says when it is done.
      if (isByKeyboard) button.hidden = false;
      else country.requestSubmit();
    });
  }
  if (!form) return;

  const field = (name) => form.elements.namedItem(name);
  const number = field("number");
  // Keyboards for Japanese and Arabic have digits of their own: the last four bits of each are its value.
  const plain = (text) => text.replace(/[\uff10-\uff19\u0660-\u0669\u06f0-\u06f9]/g, (digit) => digit.charCodeAt(0) & 15);
  const digitsOf = (text) => plain(text).replace(/\D/g, "");
  const brandOf = (digits) => (BRANDS.find(([, start]) => start.test(digits)) || ["unknown"])[0];
  const chosen = () => form.querySelector("input[name=method]:checked");

  /* While it is typed */

  function grouped(digits, brand) {
    const parts = [];
    let from = 0;
    for (const size of GROUPS[brand] || GROUPS.other) {
      if (from >= digits.length) break;
      parts.push(digits.slice(from, from + size));
      from += size;
    }
    return parts.join(" ");
  }

  // Puts the caret behind the digit it was behind, whatever separators have come or gone before it.
  function rewrite(input, text) {
    if (input.value === text) return;
    const before = digitsOf(input.value.slice(0, input.selectionStart ?? input.value.length)).length;
    const atEnd = input.selectionStart === input.value.length;
    input.value = text;
    if (document.activeElement !== input) return;
    let place = 0;
    for (let seen = 0; place < text.length && seen < before; place += 1) if (/\d/.test(text[place])) seen += 1;
    if (atEnd) place = text.length;
    input.setSelectionRange(place, place);
  }

  function showBrand() {
    const mark = form.querySelector("[data-brand]");
    const brands = JSON.parse(mark.dataset.brands);
    const brand = brandOf(digitsOf(number.value));
    const [name, address] = brands[brand] || ["", brands.card[1]];
    if (mark.getAttribute("src") !== address) mark.src = address;
    const spoken = form.querySelector("[data-brand-name]");
    if (spoken.textContent !== name) spoken.textContent = name;
    field("cvv").maxLength = brand === "amex" ? 4 : brand === "unknown" ? 4 : 3;
  }

  function typeNumber() {
    const digits = digitsOf(number.value).slice(0, 19);
    rewrite(number, grouped(digits, brandOf(digits)));
    showBrand();
  }

  function typeExpiry(event) {
    const input = field("expiry");
    const typed = plain(input.value);
    const parts = typed.match(/\d+/g) || [];
    // A browser that fills in cards writes 2040-12 or 12/2040.
    if (parts.length === 2 && parts[0].length === 4) parts.reverse();
    let digits = parts.join("");
    // 1/30 is January: what comes after the 1 shows it, and is gone as soon as this is written anew.
    if (/^[2-9]/.test(digits) || /^\s*1\D/.test(typed)) digits = `0${digits}`;
    // A year of four digits is two of them too many once it is whole; until then it is not cut.
    const hasCentury = digits.length > 4 && digits.slice(2, 4) === "20";
    if (hasCentury && digits.length >= 6) digits = digits.slice(0, 2) + digits.slice(4);
    digits = digits.slice(0, hasCentury ? 5 : 4);
    const removing = event && event.inputType && event.inputType.startsWith("delete");
    const slash = digits.length > 2 || (digits.length === 2 && !removing) ? " / " : "";
    rewrite(input, digits.slice(0, 2) + slash + digits.slice(2));
  }

  /* What is wrong */

  function luhn(digits) {
    let sum = 0;
    for (let place = 0; place < digits.length; place += 1) {
      let value = Number(digits[digits.length - 1 - place]) * (place % 2 ? 2 : 1);
      if (value > 9) value -= 9;
      sum += value;
    }
    return sum % 10 === 0;
  }

  const CHECKS = {
    number: (text) => {
      const digits = digitsOf(text);
      if (!digits) return "number_missing";
      const lengths = LENGTHS[brandOf(digits)];
      const fits = lengths ? lengths.includes(digits.length) : digits.length >= 12;
      return fits && luhn(digits) ? null : "number_wrong";
    },
    expiry: (text) => {
      const digits = digitsOf(text);
      if (!digits) return "expiry_missing";
      const month = Number(digits.slice(0, 2));
      if (digits.length !== 4 || month < 1 || month > 12) return "expiry_wrong";
      const ends = new Date(2000 + Number(digits.slice(2)), month, 1);
      return ends > new Date() ? null : "expiry_past";
    },
    cvv: (text) => {
      if (!text.trim()) return "cvv_missing";
      const brand = brandOf(digitsOf(number.value));
      const fits = brand === "amex" ? /^\d{4}$/ : brand === "unknown" ? /^\d{3,4}$/ : /^\d{3}$/;
      return fits.test(text.trim()) ? null : "cvv_wrong";
    },
    zip: (text) => (text.trim() ? null : "zip_missing"),
    email: (text) => (!text.trim() || /^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/.test(text.trim()) ? null : "email_wrong"),
  };

  function say(name, text) {
    const place = form.querySelector(`[data-problem=${name}]`);
    const input = field(name);
    if (!place) return;
    if (text && place.textContent.trim() !== text) {
      const shape = byId("problem-shape").content.cloneNode(true);
      shape.querySelector("span").textContent = text;
      place.replaceChildren(shape);
    } else if (!text) {
      place.replaceChildren();
    }
    if (input instanceof HTMLInputElement) {
      if (text) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  }

  function check(name) {
    const input = field(name);
    if (!input || input.closest("[hidden]") || !CHECKS[name]) return null;
    const found = CHECKS[name](input.value);
    say(name, found ? form.dataset[found] : null);
    return found;
  }

  // The fields that the chosen method asks for, in their order on the page.
  function asked() {
    const kind = chosen()?.dataset.kind;
    return [...(kind === "card" ? ["number", "expiry", "cvv", "zip"] : []), "email"];
  }

  function alertOf(title, text, moves = true) {
    const place = byId("alert");
    if (!title) {
      place.replaceChildren();
      return;
    }
    const shape = byId("alert-shape").content.cloneNode(true);
    shape.querySelector(".alert__title").textContent = title;
    shape.querySelector("[data-text]").textContent = text || "";
    place.replaceChildren(shape);
    if (!moves) return;
    place.scrollIntoView({ block: "nearest" });
    place.focus({ preventScroll: true });
  }

  // Before the checks below: they look at what these leave.
  if (number) {
    const typeCode = () => rewrite(field("cvv"), digitsOf(field("cvv").value));
    for (const [name, type] of [["number", typeNumber], ["expiry", typeExpiry], ["cvv", typeCode]]) {
      // Rewriting what an input method is still composing would break it off.
      field(name).addEventListener("input", (event) => { if (!event.isComposing) type(event); });
      field(name).addEventListener("compositionend", type);
    }
    if (number.value) typeNumber();
  }
  // What is said below a field moves all that follows: a button that is being pressed would slip from under the pointer,
  // and its click be lost. So a field that is left by a press is looked at after it.
  let isPressing = false;
  const leftByPress = new Set();
  document.addEventListener("mousedown", () => { isPressing = true; }, true);
  document.addEventListener("mouseup", () => setTimeout(() => {
    isPressing = false;
    for (const name of leftByPress) check(name);
    leftByPress.clear();
  }), true);
  for (const name of Object.keys(CHECKS)) {
    const input = field(name);
    if (!input) continue;
    // An empty field that is only passed through is not a mistake yet.
    input.addEventListener("blur", () => {
      if (!input.value.trim()) return;
      if (isPressing) leftByPress.add(name);
      else check(name);
    });
    input.addEventListener("input", () => { if (input.getAttribute("aria-invalid") === "true" && !CHECKS[name](input.value)) say(name, null); });
  }

  /* Asking the game about the player: when a way to pay is chosen, and once when its form is filled */

  let askedWhenFilled = false;

  async function askGame() {
    const about = new URLSearchParams();
    for (const name of ["token", "lang", "email"]) about.set(name, field(name)?.value || "");
    try {
      const response = await fetch(form.dataset.check, {
        method: "POST",
        body: about,
        headers: { "X-Requested-With": "fetch", Accept: "application/json" },
      });
      const answer = await response.json();
      if (answer.title) alertOf(answer.title, answer.text, false);
    } catch {
      // The button asks again, and says what is wrong.
    }
  }

  form.addEventListener("change", (event) => {
    if (event.target.name === "method") {
      say("method", null);
      askGame();
    } else if (!askedWhenFilled && chosen()?.dataset.kind === "card") {
      const filled = ["number", "expiry", "cvv"].every((name) => !CHECKS[name](field(name).value));
      if (filled) {
        askedWhenFilled = true;
        askGame();
      }
    }
  });

  /* Sending */

  function showBusy(busy) {
    const button = form.querySelector("[type=submit]");
    button.disabled = busy;
    button.classList.toggle("is-busy", busy);
    button.querySelector("[data-button-label]").textContent = busy ? form.dataset.busy : form.dataset.label;
    byId("progress").textContent = busy ? form.dataset.busy : "";
  }

  function showAnswer(answer) {
    for (const [name, text] of Object.entries(answer.problems || {})) say(name, text);
    alertOf(answer.title, answer.text);
    const first = [...form.elements].find((each) => each.getAttribute("aria-invalid") === "true");
    if (first) first.focus();
  }

  /* The provider's own form: its script is on the page only where card numbers go to the provider alone */

  const provider = form.querySelector("[data-provider]");
  let stripe = null;
  let elements = null;

  function mountProvider() {
    if (typeof window.Stripe !== "function") {
      say("provider", form.dataset.awayTitle);
      return;
    }
    const isDark = document.documentElement.classList.contains("dark");
    const colours = getComputedStyle(document.documentElement);
    stripe = window.Stripe(provider.dataset.key, { locale: document.documentElement.lang });
    elements = stripe.elements({
      mode: "payment",
      amount: Number(provider.dataset.amount),
      currency: provider.dataset.currency,
      appearance: {
        theme: isDark ? "night" : "stripe",
        variables: { colorPrimary: colours.getPropertyValue("--accent").trim(), borderRadius: "10px" },
      },
    });
    elements.create("payment").mount("#provider-card");
    byId("provider-card").removeAttribute("aria-busy");
    field("save_card")?.addEventListener("change", (event) => {
      elements.update({ setupFutureUsage: event.target.checked ? "off_session" : null });
    });
  }

  async function goOnInBrowser({ secret, return_url: back, is_known_card: isKnown }) {
    if (!stripe && typeof window.Stripe === "function") stripe = window.Stripe(provider.dataset.key);
    const result = isKnown
      ? await stripe.handleNextAction({ clientSecret: secret })
      : await stripe.confirmPayment({ elements, clientSecret: secret, confirmParams: { return_url: back }, redirect: "if_required" });
    if (result.error) {
      showBusy(false);
      alertOf(result.error.message, null);
    } else {
      window.location.assign(back);
    }
  }

  if (provider) mountProvider();

  async function answerOf(response) {
    const text = await response.text();
    if (response.headers.get("content-type")?.startsWith("application/json")) {
      const answer = JSON.parse(text);
      if ("next" in answer) return answer;
    } else if (response.status < 500) {
      const page = new DOMParser().parseFromString(text, "text/html");
      const title = page.getElementById("outcome-title");
      if (title) return { title: title.textContent, text: page.querySelector(".outcome__text").textContent };
    }
    throw new Error(`status ${response.status} is no answer to the form`);
  }

  async function send() {
    alertOf(null);
    showBusy(true);
    if (chosen().dataset.kind === "provider") {
      const { error } = elements ? await elements.submit() : { error: { message: form.dataset.awayTitle } };
      if (error) {
        showBusy(false);
        say("provider", error.message);
        return;
      }
      say("provider", null);
    }
    let answer;
    try {
      const response = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { "X-Requested-With": "fetch", Accept: "application/json" },
        signal: AbortSignal.timeout ? AbortSignal.timeout(ANSWER_WAIT_MS) : undefined,
      });
      answer = await answerOf(response);
    } catch {
      showBusy(false);
      alertOf(form.dataset.awayTitle, form.dataset.awayText);
      return;
    }
    if (answer.next) {
      // The form stays blocked while the next page loads.
      window.location.assign(answer.next);
      return;
    }
    if (answer.browser) {
      await goOnInBrowser(answer.browser);
      return;
    }
    showBusy(false);
    showAnswer(answer);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.querySelector("[type=submit]").disabled) return;
    const change = country?.querySelector("[type=submit]");
    if (change && !change.hidden) {
      // The amount on the button is still that of the country before.
      change.focus();
      return;
    }
    if (!chosen()) {
      say("method", form.dataset.method_missing);
      form.querySelector("input[name=method]").focus();
      return;
    }
    const faulty = asked().filter((name) => check(name));
    if (faulty.length) {
      field(faulty[0]).focus();
      return;
    }
    if (chosen().dataset.kind === "step") {
      // The next page is the answer itself.
      showBusy(true);
      form.submit();
      return;
    }
    send();
  });

  // Coming back by the browser's button, the page is as it was left: busy.
  window.addEventListener("pageshow", (event) => { if (event.persisted) showBusy(false); });

  /* Test cards */

  for (const button of document.querySelectorAll("[data-fill]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const card = form.querySelector("input[data-kind=card]");
      if (card) card.checked = true;
      for (const name of ["number", "expiry", "cvv"]) {
        field(name).value = button.dataset[name];
        say(name, null);
      }
      typeNumber();
      typeExpiry();
      const zip = field("zip");
      if (zip && !zip.closest("[hidden]") && !zip.value) zip.focus();
      else form.querySelector("[type=submit]").focus();
    });
  }
})();
