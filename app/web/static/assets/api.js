// The REST API as this page uses it.

const base = new URL("api/v1/", document.baseURI);
const storedKey = "revela-api-key";

export const key = {
  get: () => sessionStorage.getItem(storedKey) ?? "",
  set(value) {
    if (value) sessionStorage.setItem(storedKey, value);
    else sessionStorage.removeItem(storedKey);
    blobs.clear();
  },
};

// Problem is an answer that says no (RFC 9457), or none at all (status 0).
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail || body?.title || (status ? `The server answered ${status}.` : "The server cannot be reached."));
    this.status = status;
    this.code = body?.code ?? "";
  }
}

let unauthorized = () => {};

// onUnauthorized sets what happens when the API wants a key.
export function onUnauthorized(f) { unauthorized = f; }

export const address = (path) => new URL(path, base);

export function headers(extra = {}) {
  return key.get() ? { ...extra, "X-API-Key": key.get() } : extra;
}

// call sends a request and returns the response, or throws a Problem.
export async function call(path, { method = "GET", json, headers: extra, signal } = {}) {
  const init = { method, signal, headers: headers(extra), cache: "no-cache" };
  if (json !== undefined) {
    init.body = JSON.stringify(json);
    init.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(address(path), init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0);
  }
  if (response.ok) return response;
  if (response.status === 401) unauthorized();
  throw new Problem(response.status, await response.json().catch(() => null));
}

const read = async (path, options) => (await call(path, options)).json();
const id = encodeURIComponent;

export const getTask = (task, signal) => read(`tasks/${id(task)}`, { signal });
export const stats = (signal) => read("queue/stats", { signal });
export const retry = (task) => call(`tasks/${id(task)}/retry`, { method: "POST" });
export const cancel = (task) => call(`tasks/${id(task)}/cancel`, { method: "POST" });
export const remove = (task) => call(`tasks/${id(task)}`, { method: "DELETE" });

export function list({ page, limit, status }, signal) {
  const query = new URLSearchParams({ page, limit });
  if (status) query.set("status", status);
  return read(`tasks?${query}`, { signal });
}

export const fetchAddress = (imageUrl) =>
  read("tasks", { method: "POST", json: { imageUrl }, headers: { "Idempotency-Key": newKey() } });

export const variantPath = (task, image) => `tasks/${id(task.taskId)}/images/${id(image.resolution)}`;
export const originalPath = (task) => `tasks/${id(task.taskId)}/original`;

// newKey makes an idempotency key. randomUUID would need HTTPS.
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

// upload sends a file and calls progress with the share that is sent, 0 to 1.
// fetch cannot tell the progress of sending.
export function upload(file, idempotencyKey, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address("tasks/upload"));
    for (const [name, value] of Object.entries(headers({ "Idempotency-Key": idempotencyKey }))) {
      request.setRequestHeader(name, value);
    }
    request.responseType = "json";
    request.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total);
    request.onerror = () => reject(new Problem(0));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) return resolve(request.response);
      if (request.status === 401) unauthorized();
      reject(new Problem(request.status, request.response));
    };
    const form = new FormData();
    form.append("image", file, file.name);
    request.send(form);
  });
}

// An address in an <img> carries no header, so with a key its bytes are fetched
// and named by a blob. The last few are remembered.
const blobs = {
  urls: new Map(),
  limit: 60,
  clear() {
    for (const entry of this.urls.values()) entry.then(URL.revokeObjectURL, () => {});
    this.urls.clear();
  },
  get(path) {
    let entry = this.urls.get(path);
    if (entry) {
      this.urls.delete(path);
    } else {
      entry = call(path).then((r) => r.blob()).then((b) => URL.createObjectURL(b));
      entry.catch(() => this.urls.get(path) === entry && this.urls.delete(path));
    }
    this.urls.set(path, entry);
    if (this.urls.size > this.limit) {
      const [oldest, url] = this.urls.entries().next().value;
      this.urls.delete(oldest);
      url.then(URL.revokeObjectURL, () => {});
    }
    return entry;
  },
};

// picture returns an address that the browser can show.
export const picture = async (path) => (key.get() ? blobs.get(path) : address(path).href);
