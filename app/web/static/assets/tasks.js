// The list of tasks: one page of one status, changed in place.

import { $, el, setText } from "./dom.js";
import { ago, count, dateTime, sourceName, statusName } from "./format.js";
import { picture, variantPath } from "./api.js";
import { buttons } from "./actions.js";

export const statuses = ["pending", "processing", "completed", "failed", "cancelled"];

const rows = new Map(); // by task id

// startFilter makes the choice of statuses and calls choose with "" for all.
export function startFilter(choose) {
  for (const status of ["", ...statuses]) {
    const input = el("input", { type: "radio", name: "status", value: status, onchange: () => choose(status) });
    $("filter").append(el("label", { className: "chip" }, input, el("span", {}, status ? statusName(status) : "All")));
  }
}

export function showFilter(status) {
  for (const input of $("filter").querySelectorAll("input")) input.checked = input.value === status;
}

// showTasks draws a page. open shows one task, changed is called after an
// action on one.
export function showTasks({ data, pagination }, status, open, changed) {
  const here = new Set();
  data.forEach((task, i) => {
    here.add(task.taskId);
    let row = rows.get(task.taskId);
    if (!row) {
      row = makeRow(task, open);
      rows.set(task.taskId, row);
    }
    updateRow(row, task, changed);
    if ($("list").children[i] !== row.node) $("list").insertBefore(row.node, $("list").children[i] ?? null);
  });
  for (const [id, row] of rows) {
    if (here.has(id)) continue;
    row.node.remove();
    rows.delete(id);
  }
  $("empty").hidden = data.length > 0;
  setText($("empty"), status ? `No ${status} tasks.` : "No tasks yet. Add a picture above.");

  const { page, totalPages, total, totalIsExact, nextCursor } = pagination;
  $("pages").hidden = totalPages <= 1 && page <= 1;
  setText($("page"), totalIsExact
    ? `Page ${count(page)} of ${count(Math.max(totalPages, 1))}, ${count(total)} tasks`
    : `Page ${count(page)}, about ${count(total)} tasks or more`);
  $("newer").disabled = page <= 1;
  $("older").disabled = totalIsExact ? page >= totalPages : !nextCursor;
}

// showProgress moves the bar of a task that is in work.
export function showProgress(id, percent) {
  const row = rows.get(id);
  if (row && Number.isFinite(percent)) row.progress.value = percent;
}

// refreshTimes keeps "2 min. ago" true.
export function refreshTimes() {
  for (const { time } of rows.values()) setText(time, ago(time.dateTime));
}

function makeRow(task, open) {
  const row = {
    thumb: el("div", { className: "thumb" }),
    name: el("button", { type: "button", className: "name", onclick: () => open(task.taskId) }),
    badge: el("span", { className: "badge" }),
    note: el("span", { className: "note" }),
    progress: el("progress", { max: 100, "aria-label": "Progress", hidden: true }),
    time: el("time"),
    actions: el("div", { className: "row-actions" }),
    version: "",
    shown: "",
  };
  row.node = el("li", { className: "row" }, row.thumb,
    el("div", { className: "what" }, row.name, el("p", { className: "facts" }, row.badge, row.time, row.note), row.progress), row.actions);
  return row;
}

function updateRow(row, task, changed) {
  const version = `${task.status} ${task.updatedAt} ${task.attempts}`;
  if (row.version === version) return;
  row.version = version;
  setText(row.name, sourceName(task));
  row.badge.dataset.status = task.status;
  setText(row.badge, statusName(task.status));
  row.time.dateTime = new Date(task.createdAt).toISOString();
  row.time.title = dateTime(task.createdAt);
  setText(row.time, ago(task.createdAt));
  setText(row.note, note(task));
  row.progress.hidden = task.status !== "processing";
  if (row.progress.hidden) row.progress.removeAttribute("value");
  row.actions.replaceChildren(...buttons(task, changed, true));
  showThumb(row, task);
}

function note(task) {
  if (task.status === "failed") return task.error ?? "";
  if (task.status === "completed") return task.images?.map((i) => `${i.width} × ${i.height}`).join(", ") ?? "";
  if (task.attempts > 1) return `try ${task.attempts}`;
  return "";
}

function showThumb(row, task) {
  const smallest = [...(task.images ?? [])].sort((a, b) => a.width - b.width)[0];
  const path = smallest ? variantPath(task, smallest) : "";
  if (row.shown === path) return;
  row.shown = path;
  if (!path) return row.thumb.replaceChildren();
  const image = el("img", { alt: "", loading: "lazy", decoding: "async" });
  row.thumb.replaceChildren(image);
  picture(path).then((url) => { image.src = url; }, () => { row.shown = ""; });
}
