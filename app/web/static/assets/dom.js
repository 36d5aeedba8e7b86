// Building the page. Everything that comes from outside becomes text: nothing
// here parses markup.

export const $ = (id) => document.getElementById(id);

// el makes an element. Properties starting with "on" are listeners, "data" is
// an object of data attributes, null and false are left out.
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name === "className" ? "class" : name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

// setText changes a text only where it differs, so screen readers and
// selections are left alone.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

let toastTimer;

// toast says something for a while, above everything else.
export function toast(message, kind = "info") {
  const box = $("toasts");
  // The top layer is a stack: opening again puts the box above a dialog.
  if (box.showPopover) {
    if (box.matches(":popover-open")) box.hidePopover();
    box.showPopover();
  }
  const node = el("p", { className: "toast", data: { kind } }, message);
  box.append(node);
  while (box.children.length > 3) box.firstChild.remove();
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    box.replaceChildren();
    if (box.hidePopover && box.matches(":popover-open")) box.hidePopover();
  }, 6000);
}
