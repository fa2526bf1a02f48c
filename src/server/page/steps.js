// SPDX-License-Identifier: Apache-2.0
//
// The live view of the engine's steps, drawn from the ledger behind GET /weir/steps.
import { getJson } from "./api.js";
import { Chart, colorOf } from "./charts.js";

const kSeconds = 30;
const kPollMs = 500;
const byId = (id) => document.getElementById(id);

let steps = [];
let next = 0;
let stats = null;
let offset = null;  // the engine's clock less this page's, in microseconds
const charts = ["times", "rows", "memory"].map((id) => new Chart(byId(id), kSeconds));

function median(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const clock = () => performance.now() * 1000;
const endOf = (step) => step.begin_us + step.total_us;
const prefillTokens = (step) => step.num_tokens.fresh_prefill + step.num_tokens.cached_prefill;
const numSeqs = (step) => step.num_seqs.decode + step.num_seqs.fresh_prefill
  + step.num_seqs.cached_prefill;
const milliseconds = (us) => us === null ? "–" : `${(us / 1000).toFixed(us < 1e4 ? 1 : 0)} ms`;

async function fetchSteps() {
  const answer = await getJson(`weir/steps?since=${next}`);
  // A smaller number than asked for: another engine answers.
  if (answer.next < next) steps = [];
  next = answer.next;
  steps.push(...answer.steps);
  if (answer.steps.length > 0) {
    const measured = endOf(answer.steps.at(-1)) - clock();
    offset = offset === null ? measured : Math.max(offset, measured);
  }
  const begin = clock() + (offset || 0) - kSeconds * 1e6;
  steps = steps.filter((step) => endOf(step) > begin);
}

function kvShare(step) {
  return stats ? 100 * (1 - step.num_free_pages / Math.max(1, stats.num_pages)) : null;
}

function showTiles() {
  const times = steps.map((step) => step.total_us);
  const seconds = steps.length ? (endOf(steps.at(-1)) - steps[0].begin_us) / 1e6 : 0;
  const decoded = steps.reduce((sum, step) => sum + step.num_tokens.decode, 0);
  byId("running").textContent = stats ? stats.num_running : "–";
  byId("waiting").textContent = stats ? stats.num_waiting : "–";
  byId("kv").textContent = stats
    ? `${(100 * (1 - stats.num_free_pages / Math.max(1, stats.num_pages))).toFixed(1)} %` : "–";
  byId("step-ms").textContent = milliseconds(median(times));
  byId("worst-ms").textContent = milliseconds(times.length ? Math.max(...times) : null);
  byId("rate").textContent = seconds > 0 ? `${(decoded / seconds).toFixed(1)}/s` : "–";
}

function drawTimes(chart, nowUs) {
  chart.begin(nowUs, Math.max(1, ...steps.map((step) => step.total_us / 1000)), " ms");
  for (const step of steps) {
    const color = colorOf(prefillTokens(step) > 0 ? "mixed" : "decode");
    chart.bar(step, 0, step.total_us / 1000, color);
  }
  chart.levels(steps, (step) => step.predicted_us > 0 ? step.predicted_us / 1000 : null,
               colorOf("ink"));
}

function drawRows(chart, nowUs) {
  chart.begin(nowUs, Math.max(1, ...steps.map((step) => numSeqs(step) + step.num_waiting)), "");
  const stack = [["decode", "decode"], ["fresh_prefill", "fresh"], ["cached_prefill", "cached"]];
  for (const step of steps) {
    let low = 0;
    for (const [name, color] of stack) {
      chart.bar(step, low, low + step.num_seqs[name], colorOf(color));
      low += step.num_seqs[name];
    }
    chart.bar(step, low, low + step.num_waiting, colorOf("wait"));
  }
}

function drawMemory(chart, nowUs) {
  chart.begin(nowUs, 100, " %");
  chart.levels(steps, kvShare, colorOf("cached"));
}

function draw() {
  showTiles();
  const nowUs = clock() + (offset || 0);
  drawTimes(charts[0], nowUs);
  drawRows(charts[1], nowUs);
  drawMemory(charts[2], nowUs);
}

async function update() {
  try {
    const [told] = await Promise.all([getJson("weir/stats"), fetchSteps()]);
    stats = told.stats;
    byId("health").className = "dot good";
    byId("health").ariaLabel = "the server answers";
    byId("note").textContent = steps.length
      ? `The last ${kSeconds} seconds: ${steps.length} steps.`
      : `The last ${kSeconds} seconds. Nothing ran.`;
  } catch (error) {
    byId("health").className = "dot bad";
    byId("health").ariaLabel = "the server does not answer";
    byId("note").textContent = error.status === 403
      ? "This key may not see the steps: it takes an admin key." : `No steps: ${error.message}`;
    if (error.status === 403) return;
  }
  draw();
  setTimeout(update, document.hidden ? 4 * kPollMs : kPollMs);
}

export function startSteps() {
  window.addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
  update();
}
