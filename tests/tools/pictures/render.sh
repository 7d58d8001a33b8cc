#!/bin/sh
# Renders the summaries in .github/pictures as GitHub shows them: needs npm and a Chromium, or says that it cannot run.
set -eu
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$chromium" ] || ! command -v npm >/dev/null; then
  echo "NOT RUN: pictures need npm and Chromium or Chrome on the PATH." >&2
  exit 1
fi
.venv/bin/python tests/tools/pictures/summaries.py
mkdir -p .pictures
npm install --silent --no-audit --no-fund --no-save --ignore-scripts --prefix .pictures \
  github-markdown-css@5.9.0 marked@18.2.1 marked-alert@2.1.2 mermaid@11.17.2 puppeteer-core@24.43.1
(cd .pictures && node ../tests/tools/pictures/render.mjs ../.github/pictures "$chromium")
