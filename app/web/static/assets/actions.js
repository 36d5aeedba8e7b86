// What may be done with a task in its state.

import { el, toast } from "./dom.js";
import { cancel, remove, retry } from "./api.js";

const certainty = 4000; // ms in which a second press confirms the first

// buttons returns those that the task's state allows. done is called with what
// was done, after the server agreed.
export function buttons(task, done, small = false) {
  const id = task.taskId;
  const list = [];
  if (task.status === "failed") list.push(button("Retry", "retry", () => retry(id)));
  if (task.status === "pending" || task.status === "processing") list.push(button("Cancel", "cancel", () => cancel(id), "Really cancel?"));
  list.push(button("Delete", "delete", () => remove(id), "Really delete?"));
  return list;

  function button(label, what, act, question) {
    let sure = !question;
    let timer;
    const node = el("button", { type: "button", className: small ? "small" : null, data: { what }, onclick: press }, label);
    function reset() {
      sure = !question;
      node.textContent = label;
      delete node.dataset.asking;
    }
    async function press() {
      clearTimeout(timer);
      if (!sure) {
        sure = true;
        node.textContent = question;
        node.dataset.asking = true;
        timer = setTimeout(reset, certainty);
        return;
      }
      node.disabled = true;
      try {
        await act();
        done(what, id);
      } catch (problem) {
        toast(problem.message, "error");
        done("nothing", id); // the state shown was not the true one
      } finally {
        node.disabled = false;
        reset();
      }
    }
    return node;
  }
}
