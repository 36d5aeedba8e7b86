// Live events. EventSource could not send a key, so the stream is read by hand.

import { address, headers } from "./api.js";

const silence = 90_000;     // ms without a byte after which a stream counts as dead
const retryFirst = 1_000;   // ms until the first new try
const retryLast = 30_000;   // ms between tries at most
const unsupported = 60_000; // ms until asking again a server that has no events

// listen calls onEvent for each event and onState with "live", "polling" (the
// server answers, but not with events) or "offline". It returns a function that
// starts anew at once, for after a change of the key.
export function listen(onEvent, onState) {
  let control;            // of the connection under way
  let wake = () => {};    // ends the pause
  let restarted = false;  // by the caller: no pause
  let delay = retryFirst;
  let lastId = "";

  const pause = (ms) => new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => { clearTimeout(timer); resolve(); };
  });

  // once reads one stream to its end, and returns the status of an answer that
  // is none.
  async function once() {
    const current = control = new AbortController();
    let watchdog;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => current.abort(), silence);
    };
    try {
      alive();
      const extra = { Accept: "text/event-stream" };
      if (lastId) extra["Last-Event-ID"] = lastId;
      const response = await fetch(address("events"), { headers: headers(extra), signal: current.signal, cache: "no-store" });
      const streams = response.headers.get("Content-Type")?.startsWith("text/event-stream");
      if (!response.ok || !streams) {
        await response.body?.cancel();
        return response.ok ? 404 : response.status;
      }
      delay = retryFirst;
      onState("live");
      const parse = parser((message) => {
        if (message.id !== undefined) lastId = message.id;
        try { onEvent(JSON.parse(message.data)); } catch { /* not one of ours */ }
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return 200;
        alive();
        parse(value);
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  async function loop() {
    for (;;) {
      restarted = false;
      let status = 0;
      try { status = await once(); } catch { /* cut or aborted */ }
      if (restarted) continue;
      onState(status ? "polling" : "offline");
      await pause(status >= 400 && status < 500 ? unsupported : delay * (0.8 + 0.4 * Math.random()));
      delay = Math.min(delay * 2, retryLast);
    }
  }
  loop();

  return () => { restarted = true; delay = retryFirst; control.abort(); wake(); };
}

// parser takes pieces of a stream and calls emit for each message that has data.
function parser(emit) {
  let rest = "";
  let message = { data: [] };
  return (piece) => {
    rest += piece;
    // A carriage return at the very end may be half of a line's end.
    const whole = rest.endsWith("\r") ? rest.slice(0, -1) : rest;
    const lines = whole.split(/\r\n|\n|\r/);
    rest = lines.pop() + rest.slice(whole.length);
    for (const line of lines) {
      if (line === "") {
        if (message.data.length) emit({ ...message, data: message.data.join("\n") });
        message = { data: [] };
        continue;
      }
      const [, field, value] = line.match(/^([^:]*):? ?(.*)$/);
      if (field === "data") message.data.push(value);
      else if (field === "id") message.id = value;
    }
  };
}
