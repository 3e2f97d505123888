// The page around an explorer: changes of its width and colours, and the keys of a notebook.

/** Media queries on which colours depend: a dark scheme, forced colours, print. */
const SCHEMES = ["(prefers-color-scheme: dark)", "(forced-colors: active)", "print"];

/**
 * Watch the width of an element and the colours of the page.
 *
 * @param {HTMLElement} element
 * @param {{resized: () => void, restyled: () => void}} acts
 * @returns {() => void} Ends it.
 */
export function watchPage(element, { resized, restyled }) {
  const sizes = new ResizeObserver(resized);
  sizes.observe(element);
  const schemes = SCHEMES.map((query) => matchMedia(query));
  for (const scheme of schemes) scheme.addEventListener("change", restyled);
  // JupyterLab names its theme in an attribute.
  const themes = new MutationObserver(restyled);
  themes.observe(document.body, { attributeFilter: ["data-jp-theme-name"] });
  return () => {
    sizes.disconnect();
    themes.disconnect();
    for (const scheme of schemes) scheme.removeEventListener("change", restyled);
  };
}

/**
 * Keep the keys of controls from the notebook, which would take an arrow on a slider, or a letter
 * that looks for a choice, for a command of its own. Tab, Escape and commands pass, but for those
 * that the explorer takes.
 *
 * @param {HTMLElement} root
 * @param {(event: KeyboardEvent) => boolean} isTaken
 * @returns {() => void} Ends it.
 */
export function keepKeys(root, isTaken) {
  /** @param {KeyboardEvent} event */
  const isOurs = (event) => {
    const { key, target, ctrlKey, metaKey, altKey } = event;
    if (target === root || key === "Tab") return false;
    return isTaken(event) || !(key === "Escape" || ctrlKey || metaKey || altKey);
  };
  root.addEventListener("keydown", (event) => {
    if (isOurs(event)) event.stopPropagation();
  });
  // Notebook 7 handles keys before they arrive, but not those of an element with this attribute.
  const mark = (/** @type {KeyboardEvent} */ event) => {
    const { target } = event;
    if (!(target instanceof Element && root.contains(target))) return;
    target.toggleAttribute("data-lm-suppress-shortcuts", isOurs(event));
  };
  addEventListener("keydown", mark, true);
  return () => removeEventListener("keydown", mark, true);
}
