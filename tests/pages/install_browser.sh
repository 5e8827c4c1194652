#!/usr/bin/env bash
# Sees to it that the page tests have a browser: one that is there, or Debian's chromium by apt where this may install.
#   install_browser.sh          finds or installs; always ends well, and says loudly when the page tests will be skipped
#   install_browser.sh --find   prints the browser's path, or nothing
# HAVERSACK_BROWSER names another Chrome or Chromium.
set -u

find_browser() {
  if [ -n "${HAVERSACK_BROWSER:-}" ]; then
    [ -x "$HAVERSACK_BROWSER" ] && printf '%s\n' "$HAVERSACK_BROWSER"
    return
  fi
  local name path
  for name in chromium google-chrome-stable google-chrome chromium-browser microsoft-edge-stable brave-browser; do
    path=$(command -v "$name") && printf '%s\n' "$path" && return
  done
  for name in "Google Chrome" "Chromium" "Microsoft Edge"; do
    path="/Applications/$name.app/Contents/MacOS/$name"
    [ -x "$path" ] && printf '%s\n' "$path" && return
  done
  return 1
}

say_skipped() {
  {
    echo "================================================================================"
    echo "NO BROWSER: the tests of the pages will be SKIPPED. $1"
    echo "Install Chromium or Chrome, or name one in HAVERSACK_BROWSER, and run them again."
    echo "================================================================================"
  } >&2
}

if [ "${1:-}" = "--find" ]; then
  find_browser
  exit 0
fi
find_browser >/dev/null && exit 0
if [ -n "${HAVERSACK_BROWSER:-}" ]; then
  say_skipped "HAVERSACK_BROWSER names no program: $HAVERSACK_BROWSER"
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  say_skipped "There is none here, and no apt-get to install one with."
  exit 0
fi
as_root=""
if [ "$(id -u)" != 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    say_skipped "There is none here, and installing one needs root (sudo apt-get install chromium)."
    exit 0
  fi
  as_root="sudo -n"
fi

echo "Installing chromium for the page tests, once (some 100 MB) ..."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
options="-qq -y -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 -o Acquire::http::Timeout=30"
# shellcheck disable=SC2086  # both are lists of words
if ! $as_root env DEBIAN_FRONTEND=noninteractive sh -c \
  "apt-get $options update && apt-get $options install --no-install-recommends chromium" >"$log" 2>&1; then
  tail -n 5 "$log" >&2
  say_skipped "apt-get could not install chromium."
elif ! find_browser >/dev/null; then
  say_skipped "apt-get has installed chromium, and still there is no program of that name."
fi
exit 0
