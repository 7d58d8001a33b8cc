// The same as step.sh, in Node and with nothing but Node.
const fs = require("node:fs");
const https = require("node:https");

const { DX_URL, DX_TOKEN, SERVICE, GITHUB_EVENT_PATH, GITHUB_REPOSITORY } = process.env;
const event = JSON.parse(fs.readFileSync(GITHUB_EVENT_PATH, "utf8"));
const body = JSON.stringify({
  service: { identifier: SERVICE },
  repository: GITHUB_REPOSITORY,
  commit_sha: event.pull_request.merge_commit_sha,
  deployed_at: new Date().toISOString(),
});
const headers = { Authorization: `Bearer ${DX_TOKEN}`, "Content-Type": "application/json" };
const request = https.request(`${DX_URL}/api/deployments.create`, { method: "POST", headers, timeout: 60000 }, (answer) => {
  let text = "";
  answer.on("data", (piece) => (text += piece));
  answer.on("end", () => {
    process.exitCode = answer.statusCode === 200 && JSON.parse(text).ok === true ? 0 : 1;
  });
});
request.on("timeout", () => request.destroy(new Error("no answer within 60 s")));
request.end(body);
