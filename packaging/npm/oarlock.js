#!/usr/bin/env node
// Finds the program of this platform's package and becomes it, as far as Node can.
"use strict";
const { spawnSync } = require("node:child_process");

const name = `oarlock-${process.platform}-${process.arch}`;
let program;
try {
  program = require.resolve(`${name}/oarlock`);
} catch {
  console.error(`error: there is no package ${name}: oarlock is built for Linux on x64 and arm64, or was installed without optional packages`);
  process.exit(1);
}
const run = spawnSync(program, process.argv.slice(2), { stdio: "inherit" });
if (run.signal) process.kill(process.pid, run.signal);
process.exit(run.status ?? 1);
