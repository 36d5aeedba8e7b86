// The page: what it shows is written in the address after "#", what changes
// comes by events, and a slow poll makes good what they miss.

import { $, setText, toast } from "./dom.js";
import * as api from "./api.js";
import { listen } from "./events.js";
import { openDetail, refreshDetail, shownTask, startDetail } from "./detail.js";
import { showStats } from "./stats.js";
import { refreshTimes, showFilter, showProgress, showTasks, startFilter, statuses } from "./tasks.js";
import { startUploads } from "./upload.js";

const pageSize = 10;
const pollLive = 30_000;  // ms between reads while events come in
const pollAlone = 3_000;  // ms between reads without events
const atMostEvery = 500;  // ms between reads caused by events

// place reads and writes what is shown: #status=failed&page=2&task=…
const place = {
  get() {
    const query = new URLSearchParams(location.hash.slice(1));
    const status = query.get("status") ?? "";
    return {
      status: statuses.includes(status) ? status : "",
      page: Math.max(1, Number.parseInt(query.get("page"), 10) || 1),
      task: query.get("task") ?? "",
    };
  },
  set(change) {
    const now = { ...this.get(), ...change };
    const query = new URLSearchParams();
    if (now.status) query.set("status", now.status);
    if (now.page > 1) query.set("page", now.page);
    if (now.task) query.set("task", now.task);
    const hash = query.size ? `#${query}` : location.pathname;
    if (`#${query}` !== location.hash) history.pushState(null, "", hash);
    go();
  },
};

let link = "connecting";
let failed = false; // the last read
let locked = false; // until there is another key
let reading;        // AbortController of the read under way
let again = false;  // something happened while it was under way

// read fetches what is shown, and ends an older read: the place may be another.
async function read() {
  reading?.abort();
  const control = reading = new AbortController();
  const { status, page } = place.get();
  refreshDetail();
  try {
    const [tasks, stats] = await Promise.all([
      api.list({ page, limit: pageSize, status }, control.signal), api.stats(control.signal)]);
    if (control.signal.aborted) return;
    failed = false;
    const last = Math.max(1, tasks.pagination.totalPages);
    if (page > last && tasks.pagination.totalIsExact) return place.set({ page: last });
    showTasks(tasks, status, (task) => place.set({ task }), soon);
    showStats(stats);
  } catch (problem) {
    if (control.signal.aborted) return;
    control.abort(); // the other of the two
    if (!failed && problem.status !== 401) toast(problem.message, "error"); // once, not at every poll
    failed = true;
  } finally {
    if (reading === control) {
      reading = undefined;
      showLink();
      if (again) soon();
    }
  }
}

// soon reads at once, or a moment later where there is or was a read just now:
// a thousand events are a few reads.
let due, last = 0;
function soon() {
  if (locked || due) return;
  again = Boolean(reading);
  if (again) return;
  due = setTimeout(() => {
    due = undefined;
    last = Date.now();
    read();
  }, Math.max(0, last + atMostEvery - Date.now()));
}

let timer;
function poll() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (!document.hidden) { soon(); refreshTimes(); }
    poll();
  }, link === "live" ? pollLive : pollAlone);
}

const said = { connecting: "Connecting", live: "Live", polling: "Polling", offline: "Offline", locked: "Key needed" };
function showLink() {
  const state = locked ? "locked" : failed ? "offline" : link === "offline" ? "polling" : link;
  $("link").dataset.state = state;
  setText($("link"), said[state]);
}

// go makes the page show what the address says.
function go() {
  const { status, task } = place.get();
  showFilter(status);
  if (task !== shownTask()) openDetail(task);
  if (!locked) read();
}

// The key.
function askKey(why) {
  const dialog = $("key");
  if (dialog.open) return;
  if (why) setText($("key-why"), why);
  $("key-value").value = "";
  dialog.showModal();
}
api.onUnauthorized(() => {
  if (locked) return;
  locked = true;
  showLink();
  askKey(api.key.get() ? "The server does not take this key. It is forgotten when you close this tab."
    : "The server asks for a key. It is forgotten when you close this tab.");
});
$("key-open").addEventListener("click", () => askKey());
$("key-cancel").addEventListener("click", () => $("key").close());
$("key-form").addEventListener("submit", () => {
  api.key.set($("key-value").value.trim());
  locked = false;
  restart();
  read();
});

startFilter((status) => place.set({ status, page: 1 }));
startDetail(() => place.set({ task: "" }), soon);
startUploads(() => soon(), (task) => place.set({ task }));
$("newer").addEventListener("click", () => place.set({ page: place.get().page - 1 }));
$("older").addEventListener("click", () => place.set({ page: place.get().page + 1 }));
addEventListener("popstate", go);
document.addEventListener("visibilitychange", () => document.hidden || soon());

const restart = listen((event) => {
  if (event.eventType === "task.progress") showProgress(event.taskId, event.progress);
  else soon();
}, (state) => {
  if (state === link) return;
  link = state;
  showLink();
  poll();
  soon(); // what happened while nobody listened, or why nobody does
});
poll();
go();
