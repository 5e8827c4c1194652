/*
 * XPayStationWidget: opens the payment page over a studio's site, in a frame or (on phones) in a window of its own, and
 * tells the site how the payment stands. docs/payment-page.md has the options. Served by Haversack under
 * /embed/paystation/<version>/widget.min.js; it needs no other file and sets no style sheet, so that it runs under any
 * Content-Security-Policy that lets the script and the frame in.
 */
(function (root, make) {
  "use strict";
  if (typeof define === "function" && define.amd) define([], make);
  else if (typeof module === "object" && module.exports) module.exports = make();
  else root.XPayStationWidget = make();
})(typeof self === "undefined" ? this : self, function () {
  "use strict";

  var HOME = (function () {
    var script = document.currentScript;
    return script && script.src ? new URL(script.src).origin : window.location.origin;
  })();
  var EVENTS = {
    INIT: "init",
    OPEN: "open",
    OPEN_WINDOW: "open-window",
    OPEN_LIGHTBOX: "open-lightbox",
    LOAD: "load",
    CLOSE: "close",
    CLOSE_WINDOW: "close-window",
    CLOSE_LIGHTBOX: "close-lightbox",
    STATUS: "status",
    STATUS_INVOICE: "status-invoice",
    STATUS_DELIVERING: "status-delivering",
    STATUS_TROUBLED: "status-troubled",
    STATUS_DONE: "status-done",
    USER_COUNTRY: "user-country"
  };
  var UNSAFE = ["javascript:", "data:", "vbscript:", "blob:", "file:"];
  var WINDOW_WATCH_MS = 500;
  var LIGHTBOX = {
    width: null,
    height: "100%",
    zIndex: 1000,
    overlayOpacity: 0.6,
    overlayBackground: "#000000",
    contentBackground: "#ffffff",
    contentMargin: "10px",
    modal: false,
    closeByClick: true,
    closeByKeyboard: true,
    spinner: "round",
    spinnerColor: "#ffffff"
  };
  var PAGE_WIDTH = "1080px";
  var PAGE_HEIGHT = "760px";

  var handlers = {};
  var config = null;
  var shown = null; // {target, origin, close}: what is open

  function merged(base, more) {
    return Object.assign({}, base, more || {});
  }

  function trigger(type, data) {
    (handlers[type] || []).slice().forEach(function (handler) {
      handler({ type: type, detail: data }, data);
    });
  }

  function on(types, handler) {
    if (typeof handler !== "function") return;
    String(types).split(/\s+/).filter(Boolean).forEach(function (type) {
      (handlers[type] = handlers[type] || []).push(handler);
    });
  }

  function off(types, handler) {
    if (types === undefined) {
      handlers = {};
      return;
    }
    String(types).split(/\s+/).filter(Boolean).forEach(function (type) {
      handlers[type] = handler ? (handlers[type] || []).filter(function (each) { return each !== handler; }) : [];
    });
  }

  function origin() {
    if (!config.host) return HOME;
    var given = String(config.host);
    if (/^https?:\/\//.test(given)) return new URL(given).origin;
    return new URL(HOME).host === given ? HOME : "https://" + given;
  }

  function address() {
    var url = new URL("/paystation4/", origin());
    url.searchParams.set("token", config.access_token);
    var more = config.queryParams || {};
    Object.keys(more).forEach(function (name) { url.searchParams.set(name, more[name]); });
    return url.href;
  }

  /* What the page says */

  function hear(event) {
    if (!shown || event.source !== shown.target() || event.origin !== shown.origin) return;
    var message;
    try {
      message = JSON.parse(event.data);
    } catch (error) {
      return; // not ours
    }
    var data = message && message.data;
    switch (message && message.command) {
      case "status": {
        trigger(EVENTS.STATUS, data);
        var status = data && data.paymentInfo && data.paymentInfo.status;
        var known = ["invoice", "delivering", "troubled", "done"];
        if (known.indexOf(status) >= 0) trigger("status-" + status, data);
        break;
      }
      case "user-country":
        trigger(EVENTS.USER_COUNTRY, data);
        break;
      case "close":
        shown.close();
        break;
      case "escape":
        shown.escape();
        break;
      case "return":
        go(data && data.url);
        break;
    }
  }

  function go(url) {
    var parsed;
    try {
      parsed = new URL(String(url));
    } catch (error) {
      return; // no address
    }
    if (UNSAFE.indexOf(parsed.protocol) < 0) window.location.assign(parsed.href);
  }

  /* A window of its own */

  function openWindow() {
    var target = (config.childWindow || {}).target || "_blank";
    var child = window.open(address(), target);
    if (!child) return false;
    var watch = setInterval(function () { if (child.closed) shown.close(); }, WINDOW_WATCH_MS);
    shown = {
      target: function () { return child; },
      origin: origin(),
      escape: function () {}, // a window is closed as any other
      close: function () {
        clearInterval(watch);
        if (!child.closed) child.close();
        shown = null;
        trigger(EVENTS.CLOSE);
        trigger(EVENTS.CLOSE_WINDOW);
      }
    };
    trigger(EVENTS.OPEN);
    trigger(EVENTS.OPEN_WINDOW);
    trigger(EVENTS.LOAD);
    return true;
  }

  /* A frame over the site */

  function styled(name, styles) {
    var element = document.createElement(name);
    Object.keys(styles).forEach(function (key) { element.style[key] = styles[key]; });
    return element;
  }

  function sized(value) {
    return typeof value === "number" || /^\d+(\.\d+)?$/.test(value) ? value + "px" : value;
  }

  function openFrame(isPhone) {
    var options = merged(LIGHTBOX, config.lightbox);
    if (isPhone) options = merged(options, { width: "100%", height: "100%", contentMargin: "0px" });
    var before = document.activeElement;
    var scroll = document.body.style.overflow;
    var box = styled("div", { position: "fixed", inset: "0", zIndex: String(options.zIndex), display: "grid", placeItems: "center" });
    box.setAttribute("role", "dialog");
    box.setAttribute("aria-modal", "true");
    box.setAttribute("aria-label", "Payment");
    var overlay = styled("div", { position: "absolute", inset: "0", background: options.overlayBackground, opacity: String(options.overlayOpacity) });
    var spinner = styled("div", {
      position: "absolute", width: "44px", height: "44px", borderRadius: "50%", boxSizing: "border-box",
      border: "4px solid " + (options.spinnerColor || "#ffffff"), borderRightColor: "transparent",
      display: options.spinner === "none" ? "none" : "block"
    });
    if (spinner.animate) spinner.animate([{ transform: "rotate(0)" }, { transform: "rotate(360deg)" }], { duration: 900, iterations: Infinity });
    var margin = sized(options.contentMargin) || "0px";
    var frame = styled("iframe", {
      position: "relative", border: "0", borderRadius: isPhone ? "0" : "14px", visibility: "hidden",
      boxSizing: "border-box", background: options.contentBackground,
      width: sized(options.width) || PAGE_WIDTH, height: options.width || isPhone ? sized(options.height) : "min(" + PAGE_HEIGHT + ", " + sized(options.height || "100%") + ")",
      maxWidth: "calc(100% - 2 * " + margin + ")", maxHeight: "calc(100% - 2 * " + margin + ")"
    });
    frame.title = "Payment";
    frame.allow = "payment";
    frame.src = address();
    function escape() {
      if (options.closeByKeyboard && !options.modal) shown.close();
    }
    function byKeyboard(event) {
      if (event.key === "Escape") escape();
    }
    shown = {
      target: function () { return frame.contentWindow; },
      origin: origin(),
      escape: escape,
      close: function () {
        document.removeEventListener("keydown", byKeyboard);
        box.remove();
        document.body.style.overflow = scroll;
        if (before && before.focus) before.focus();
        shown = null;
        trigger(EVENTS.CLOSE);
        trigger(EVENTS.CLOSE_LIGHTBOX);
      }
    };
    frame.addEventListener("load", function () {
      spinner.style.display = "none";
      if (frame.style.visibility !== "hidden") return;
      frame.style.visibility = "visible";
      // Who is typing already must not be interrupted.
      if (document.activeElement !== frame) frame.focus();
      trigger(EVENTS.LOAD);
    });
    if (options.closeByClick && !options.modal) overlay.addEventListener("click", function () { shown.close(); });
    document.addEventListener("keydown", byKeyboard);
    document.body.style.overflow = "hidden";
    box.append(overlay, spinner, frame);
    document.body.appendChild(box);
    trigger(EVENTS.OPEN);
    trigger(EVENTS.OPEN_LIGHTBOX);
  }

  function init(options) {
    var isFirst = config === null;
    config = merged({ access_token: null, sandbox: false, host: null, lightbox: {}, childWindow: {}, iframeOnly: false }, options);
    if (isFirst) {
      window.addEventListener("message", hear);
      document.addEventListener("click", function (event) {
        if (event.target instanceof Element && event.target.closest("[data-xpaystation-widget-open]")) open();
      });
    }
    trigger(EVENTS.INIT);
  }

  function open() {
    if (!config) throw new Error("XPayStationWidget: call init before open");
    if (!config.access_token) throw new Error("XPayStationWidget: no access_token was given");
    if (shown) return;
    var isPhone = window.matchMedia("(max-width: 600px), (pointer: coarse) and (max-width: 900px)").matches;
    if (isPhone && !config.iframeOnly && openWindow()) return;
    openFrame(isPhone);
  }

  function close() {
    if (shown) shown.close();
  }

  return { eventTypes: EVENTS, init: init, open: open, close: close, on: on, off: off };
});
