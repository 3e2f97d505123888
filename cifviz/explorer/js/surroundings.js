// What happens around an explorer: the page's width and colours change, and its keys are wanted.

/** What gives the page other colours: a dark screen, those that a reader chose, paper. */
const SCHEMES = ["(prefers-color-scheme: dark)", "(forced-colors: active)", "print"];

/**
 * Hear of another width and of other colours.
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
  // JupyterLab says by an attribute which theme it wears.
  const themes = new MutationObserver(restyled);
  themes.observe(document.body, { attributeFilter: ["data-jp-theme-name"] });
  return () => {
    sizes.disconnect();
    themes.disconnect();
    for (const scheme of schemes) scheme.removeEventListener("change", restyled);
  };
}

/**
 * Keep the keys of controls to themselves: a notebook would take an arrow on a slider, or a letter
 * that looks for a choice, for a command of its own. Tab, Escape and commands lead out.
 *
 * @param {HTMLElement} root
 * @returns {() => void} Ends it.
 */
export function keepKeys(root) {
  const isOurs = ({ key, target, ctrlKey, metaKey, altKey }) =>
    target !== root && key !== "Tab" && key !== "Escape" && !(ctrlKey || metaKey || altKey);
  root.addEventListener("keydown", (event) => isOurs(event) && event.stopPropagation());
  // Notebook 7 looks at keys before they arrive, but not at those of an element with this mark.
  const mark = (event) => {
    if (!root.contains(event.target)) return;
    event.target.toggleAttribute("data-lm-suppress-shortcuts", isOurs(event));
  };
  addEventListener("keydown", mark, true);
  return () => removeEventListener("keydown", mark, true);
}
