// The queue in six states.

import { $, el, setText } from "./dom.js";
import { count } from "./format.js";

const states = ["waiting", "active", "delayed", "completed", "failed", "paused"];
const names = { waiting: "Waiting", active: "Active", delayed: "Delayed", completed: "Completed", failed: "Failed", paused: "Paused" };
const hints = {
  waiting: "Jobs that a worker will take next",
  active: "Jobs in work",
  delayed: "Jobs that wait for their next try",
  completed: "Finished jobs that the queue still keeps",
  failed: "Jobs that used up their tries",
  paused: "Jobs that wait while the queue is paused",
};

const values = new Map(states.map((state) => {
  const value = el("dd", {}, "–");
  $("stats").append(el("div", { data: { state }, title: hints[state] }, el("dt", {}, names[state]), value));
  return [state, value];
}));

export function showStats(stats) {
  for (const [state, value] of values) {
    setText(value, count(stats[state]));
    value.parentElement.dataset.some = stats[state] > 0;
  }
  const known = Number.isFinite(stats.completedTotal);
  setText($("totals"), known ? `${count(stats.completedTotal)} completed and ${count(stats.failedTotal)} failed since the queue was made` : "");
}
