// The page around an explorer: changes of its width and colours, and the keys of a notebook.

import { context2d } from "./dom.js";
import { isDark } from "./look.js";

/** Media queries on which colours depend: a dark scheme, forced colours, print. */
const SCHEMES = ["(prefers-color-scheme: dark)", "(forced-colors: active)", "print"];
/** Milliseconds within which a page that named another theme has its style sheet. */
const LATE = 300;
/** Behind everything: what an editor or a notebook says, or the browser's own. */
const LAST = "var(--vscode-editor-background, var(--jp-layout-color0, Canvas))";

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
  // Pages name their theme in attributes, some before its style sheet is there.
  let late = 0;
  const themes = new MutationObserver(() => {
    restyled();
    clearTimeout(late);
    late = setTimeout(restyled, LATE);
  });
  for (const part of [document.documentElement, document.body]) {
    themes.observe(part, { attributes: true });
  }
  return () => {
    sizes.disconnect();
    themes.disconnect();
    clearTimeout(late);
    for (const scheme of schemes) scheme.removeEventListener("change", restyled);
  };
}

/**
 * Give an element the background of the page around it, and colours that are read on it.
 *
 * @param {HTMLElement} root
 */
export function dress(root) {
  const paper = groundBehind(root);
  root.style.setProperty("--cifviz-paper", paper);
  root.dataset.theme = isDark(paper) ? "dark" : "light";
}

/**
 * The colour behind an element, from its ancestors.
 *
 * @param {Element} element
 */
function groundBehind(element) {
  const layers = [];
  for (let one = parentOf(element); one; one = parentOf(one)) {
    layers.push(getComputedStyle(one).backgroundColor);
  }
  const probe = document.createElement("span");
  probe.style.cssText = `display: none; background-color: ${LAST}`;
  document.body.append(probe);
  layers.push(getComputedStyle(probe).backgroundColor);
  probe.remove();
  const canvas = context2d(new OffscreenCanvas(1, 1));
  for (const layer of layers.reverse()) {
    canvas.fillStyle = layer;
    canvas.fillRect(0, 0, 1, 1);
  }
  const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
  return `rgb(${red}, ${green}, ${blue})`;
}

/**
 * The parent, which of a shadow tree is its host.
 *
 * @param {Element} element
 * @returns {Element | null}
 */
function parentOf(element) {
  const root = element.getRootNode();
  return element.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
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
