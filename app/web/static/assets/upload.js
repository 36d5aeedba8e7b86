// Getting pictures in: dropped, pasted, chosen, or by address.

import { $, el, setText, toast } from "./dom.js";
import { bytes } from "./format.js";
import { fetchAddress, newKey, upload } from "./api.js";

const parallel = 3;
const lingering = 4000; // ms that a finished upload stays listed

// startUploads wires the forms. onTask is called with each new task, and open
// shows one.
export function startUploads(onTask, open) {
  const drop = $("drop");
  const waiting = [];
  let running = 0;

  function next() {
    while (running < parallel && waiting.length) {
      running++;
      waiting.shift()().finally(() => { running--; next(); });
    }
  }

  function add(file) {
    const key = newKey(); // the same for every try, so a lost answer makes no second task
    const progress = el("progress", { max: 1, value: 0, "aria-label": `Sending ${file.name}` });
    const state = el("span", { className: "upload-state" }, "Waiting");
    const actions = el("span", { className: "upload-actions" });
    const item = el("li", {},
      el("span", { className: "upload-name" }, file.name), el("span", { className: "upload-size" }, bytes(file.size)), progress, state, actions);
    $("uploads").append(item);

    const send = async () => {
      actions.replaceChildren();
      item.dataset.state = "sending";
      try {
        const task = await upload(file, key, (share) => {
          progress.value = share;
          setText(state, share < 1 ? `${Math.floor(share * 100)} %` : "Checking");
        });
        progress.value = 1;
        item.dataset.state = "done";
        setText(state, "Accepted");
        actions.replaceChildren(el("button", { type: "button", className: "small", onclick: () => open(task.taskId) }, "Show"));
        onTask(task);
        setTimeout(() => item.remove(), lingering);
      } catch (problem) {
        item.dataset.state = "failed";
        setText(state, problem.message);
        const again = problem.status === 0 || problem.status === 401 || problem.status === 429 || problem.status >= 500;
        actions.replaceChildren(
          again ? el("button", { type: "button", className: "small", onclick: () => { waiting.push(send); next(); } }, "Try again") : "",
          el("button", { type: "button", className: "small", onclick: () => item.remove() }, "Dismiss"));
      }
    };
    waiting.push(send);
  }

  function addAll(files) {
    for (const file of files) add(file);
    next();
  }

  $("files").addEventListener("change", (e) => {
    addAll(e.target.files);
    e.target.value = ""; // so that the same file can be chosen again
  });

  // The whole window takes drops: a picture that misses the box must not
  // replace the page.
  const carriesFiles = (e) => e.dataTransfer?.types.includes("Files");
  let depth = 0;
  addEventListener("dragenter", (e) => { if (carriesFiles(e)) { depth++; drop.dataset.over = true; } });
  addEventListener("dragleave", (e) => { if (carriesFiles(e) && --depth <= 0) { depth = 0; delete drop.dataset.over; } });
  addEventListener("dragover", (e) => { if (carriesFiles(e)) { e.preventDefault(); e.dataTransfer.dropEffect = "copy"; } });
  addEventListener("drop", (e) => {
    if (!carriesFiles(e)) return;
    e.preventDefault();
    depth = 0;
    delete drop.dataset.over;
    addAll(e.dataTransfer.files);
  });
  addEventListener("paste", (e) => addAll(e.clipboardData?.files ?? []));

  $("address-form").addEventListener("submit", async (e) => {
    e.preventDefault();
    const input = $("address");
    const button = e.submitter ?? e.target.querySelector("button");
    button.disabled = true;
    try {
      onTask(await fetchAddress(input.value.trim()));
      input.value = "";
      toast("Accepted. A worker fetches the picture.");
    } catch (problem) {
      toast(problem.message, "error");
    } finally {
      button.disabled = false;
    }
  });
}
