// Values as people read them.

const units = ["B", "kB", "MB", "GB"];

export function bytes(n) {
  if (!Number.isFinite(n)) return "";
  let i = 0;
  while (n >= 999.5 && i < units.length - 1) { n /= 1000; i++; }
  return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const steps = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

// ago takes a date as the API writes it.
export function ago(value) {
  const seconds = (new Date(value) - Date.now()) / 1000;
  if (Number.isNaN(seconds)) return "";
  if (Math.abs(seconds) < 5) return "just now";
  const [unit, size] = steps.find(([, size]) => Math.abs(seconds) >= size) ?? steps.at(-1);
  return relative.format(Math.trunc(seconds / size), unit);
}

export function dateTime(value) {
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? "" : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

export const count = (n) => (Number.isFinite(n) ? n.toLocaleString() : "–");

// sourceName is what a person calls the picture.
export function sourceName(task) {
  const source = task.source;
  const name = typeof source === "string" ? source : source?.name || source?.url || source?.path;
  return name || `Picture ${task.taskId.slice(-6)}`;
}

export const statusName = (status) => status.charAt(0).toUpperCase() + status.slice(1);
