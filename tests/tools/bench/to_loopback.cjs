// Loaded before datadog-ci, whose service is always at `api.` and a site: every name leads to this machine.
const dns = require("node:dns");
const { lookup } = dns;
dns.lookup = (_name, options, done) => lookup("127.0.0.1", options, done);
