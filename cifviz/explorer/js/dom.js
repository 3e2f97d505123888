// Elements of a page. Whatever they say is text, never markup.

/**
 * Add an element to another one.
 *
 * @param {HTMLElement} parent
 * @param {string} name
 * @param {string} [className]
 */
export function element(parent, name, className = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  parent.append(made);
  return made;
}

/** A button with a text, and what it does. */
export function button(parent, text, act) {
  const made = element(parent, "button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

/** A button that stays pressed until it is pressed again. */
export function toggle(parent, text, act) {
  const made = button(parent, text, () => {
    const on = made.getAttribute("aria-pressed") !== "true";
    made.setAttribute("aria-pressed", String(on));
    act(on);
  });
  made.setAttribute("aria-pressed", "false");
}

/** Names and values in a list, in the elements that are there already if they are as many. */
export function showPairs(list, pairs) {
  while (list.childElementCount > pairs.length) list.lastElementChild.remove();
  pairs.forEach(([name, value], index) => {
    let pair = list.children[index];
    if (!pair) {
      pair = element(list, "div");
      element(pair, "dt");
      element(pair, "dd");
    }
    const [term, detail] = pair.children;
    if (term.textContent !== name) term.textContent = name;
    if (detail.textContent !== value) detail.textContent = value;
  });
}
