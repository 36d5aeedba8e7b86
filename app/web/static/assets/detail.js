// One task with its pictures, in a dialog.

import { $, el, toast } from "./dom.js";
import { bytes, dateTime, sourceName, statusName } from "./format.js";
import { address, getTask, key, originalPath, picture, variantPath } from "./api.js";
import { buttons } from "./actions.js";

const dialog = $("detail");
let shown = "";   // the task's id, or ""
let drawn = "";   // what was drawn of it
let changed = () => {};

// startDetail wires the dialog. onClose is called when it was closed, onChange
// after an action.
export function startDetail(onClose, onChange) {
  changed = onChange;
  dialog.addEventListener("close", () => {
    if (dialog.open) return; // the event comes late: another task is shown by now
    shown = drawn = "";
    dialog.replaceChildren();
    onClose();
  });
  dialog.addEventListener("click", (e) => { if (e.target === dialog) close(); }); // beside it
}

function close() {
  shown = drawn = "";
  dialog.close();
}

export const shownTask = () => shown;

// openDetail shows a task. "" closes the dialog.
export async function openDetail(id) {
  if (!id) return dialog.open && close();
  if (id === shown) return;
  shown = id;
  drawn = "";
  dialog.replaceChildren(head("Loading", ""));
  if (!dialog.open) dialog.showModal();
  await refreshDetail();
}

// refreshDetail draws the task anew if it changed.
export async function refreshDetail() {
  const id = shown;
  if (!id) return;
  try {
    const task = await getTask(id);
    if (shown === id) draw(task);
  } catch (problem) {
    if (shown !== id) return;
    if (problem.status === 404) {
      toast("This task is gone.");
      close();
    } else if (!drawn) {
      dialog.replaceChildren(head("Not to be had", ""), el("p", { className: "error" }, problem.message));
    }
  }
}

function draw(task) {
  const version = JSON.stringify(task);
  if (version === drawn) return;
  drawn = version;
  const facts = [
    ["Task", el("code", {}, task.taskId)],
    ["Made", dateTime(task.createdAt)],
    ["Changed", dateTime(task.updatedAt)],
    ["Attempts", String(task.attempts ?? 0)],
    ["Variants", task.variants ?? "default"],
  ];
  if (task.original?.note) facts.push(["Note", task.original.note]);
  const images = task.images ?? [];
  const body = el("div", { className: "detail-body" },
    task.error ? el("p", { className: "error" }, task.error) : null,
    images.length ? el("div", { className: "variants" }, images.map((image) => figure(task, image))) : null,
    el("dl", { className: "facts-list" }, facts.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])));
  const actions = el("div", { className: "actions" },
    images.length ? link(originalPath(task), "Original", { className: "button" }) : null,
    ...buttons(task, (what, id) => (what === "delete" ? close() : refreshDetail(), changed(what, id))));
  const hadFocus = dialog.contains(document.activeElement);
  dialog.replaceChildren(head(sourceName(task), task.status), body, actions);
  if (hadFocus && !dialog.contains(document.activeElement)) dialog.querySelector(".close").focus();
}

function head(title, status) {
  return el("header", { className: "detail-head" },
    el("h2", { id: "detail-title" }, title),
    status ? el("span", { className: "badge", data: { status } }, statusName(status)) : null,
    el("button", { type: "button", className: "quiet close", "aria-label": "Close", onclick: close }, "✕"));
}

function figure(task, image) {
  const path = variantPath(task, image);
  const img = el("img", { alt: `${sourceName(task)}, ${image.width} pixels wide`, width: image.width, height: image.height, decoding: "async" });
  picture(path).then((url) => { img.src = url; }, () => { img.alt = "The picture cannot be loaded."; });
  return el("figure", {},
    link(path, img),
    el("figcaption", {},
      el("strong", {}, image.resolution), ` ${image.width} × ${image.height} · ${image.format.toUpperCase()} · ${bytes(image.size)}`,
      el("code", { title: "MD5 of the content" }, image.md5)));
}

// link opens a picture in a tab of its own. Where a key is needed the tab gets
// its bytes, and not before they are wanted: originals are large.
function link(path, content, props = {}) {
  const node = el("a", { href: address(path), target: "_blank", rel: "noopener", ...props }, content);
  if (!key.get()) return node;
  node.addEventListener("click", async (e) => {
    e.preventDefault();
    const tab = open("", "_blank");
    try {
      tab.location = await picture(path);
    } catch (problem) {
      tab?.close();
      toast(problem.message, "error");
    }
  });
  return node;
}
