/* Draws the API reference from the document that this server serves. */
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", dress);
dress();

// The document names the public address. What is tried here goes to where the page came from: the same server, perhaps
// under another name, and the only one that the page may call.
function sendHere(request) {
  const address = new URL(request.url, location.href);
  request.url = location.origin + address.pathname + address.search;
  return request;
}

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  // Every operation shown costs with each click; an open tag shows its own.
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: true,
  requestInterceptor: sendHere,
  tryItOutEnabled: true,
  validatorUrl: null,
});
