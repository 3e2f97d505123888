// Stands in the head of every page of the site: colours, the section in view, and the search field,
// which loads what it searches when it gets the focus. Without scripts the page is whole but for these.

const root = document.documentElement;
const KEPT = "cifviz-colours";
const base = root.dataset.root ?? "";

/** What the reader chose; empty where nothing was chosen or the browser keeps nothing. */
function keptColours() {
  try {
    return localStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} colours "light", "dark", or empty: as the system */
function colour(colours) {
  if (colours === "light" || colours === "dark") root.dataset.theme = colours;
  else delete root.dataset.theme;
}

colour(keptColours()); // before anything is drawn
addEventListener("DOMContentLoaded", () => {
  offerColours();
  if (document.querySelector("search")) offerSearch();
  followSections();
  loadExplorers();
});

function offerColours() {
  const label = /** @type {HTMLElement} */ (document.querySelector(".theme"));
  const select = /** @type {HTMLSelectElement} */ (label.querySelector("select"));
  select.value = root.dataset.theme ?? "";
  label.hidden = false;
  addEventListener("storage", () => {
    // Another page chose, or this one was opened before the browser had kept the choice.
    colour(keptColours());
    select.value = root.dataset.theme ?? "";
  });
  select.addEventListener("change", () => {
    colour(select.value);
    try {
      localStorage.setItem(KEPT, select.value);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error; // a browser that keeps nothing
    }
  });
}

function offerSearch() {
  const box = /** @type {HTMLElement} */ (document.querySelector("search"));
  const input = /** @type {HTMLInputElement} */ (box.querySelector("input"));
  const panel = /** @type {HTMLElement} */ (box.querySelector(".found"));
  const count = /** @type {HTMLElement} */ (panel.querySelector("p"));
  const list = /** @type {HTMLElement} */ (panel.querySelector("ol"));
  box.hidden = false;
  /** @type {Promise<void> | undefined} */
  let loading;
  const load = () => (loading ??= script("sections.js").then(() => script("search.js")));
  const show = async () => {
    await load();
    const wanted = input.value.trim();
    panel.hidden = !wanted;
    if (!wanted) return;
    const found = globalThis.cifvizFind(wanted);
    const many = found.length === 1 ? "1 section" : `${found.length} sections`;
    count.textContent = found.length ? many : `Nothing found for “${wanted}”.`;
    list.replaceChildren(...found.slice(0, 20).map(entry));
  };
  input.addEventListener("focus", load);
  input.addEventListener("input", show);
  box.addEventListener("keydown", (event) => {
    const stops = [input, .../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("a"))];
    const here = stops.indexOf(/** @type {any} */ (document.activeElement));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      panel.hidden = true;
      input.focus();
    } else if (step && stops[here + step]) {
      stops[here + step].focus();
      event.preventDefault();
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    input.focus();
    event.preventDefault();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!box.contains(/** @type {Node} */ (event.target))) panel.hidden = true;
  });
  list.addEventListener("click", () => {
    panel.hidden = true;
  });
}

/** One result as a link. @param {{place: string, lesson: string, heading: string, parts: string[]}} one */
function entry(one) {
  const link = document.createElement("a");
  link.href = base + (root.dataset.copy === "solved" ? "solutions/" : "") + one.place;
  link.textContent = one.heading;
  const about = document.createElement("small");
  about.append(`${one.lesson} · `);
  for (const [index, part] of one.parts.entries()) {
    if (index % 2) {
      const mark = document.createElement("mark");
      mark.textContent = part;
      about.append(mark);
    } else about.append(part);
  }
  const item = document.createElement("li");
  item.append(link, about);
  return item;
}

/** Load a script of the site. @param {string} place */
function script(place) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = base + place;
    element.onload = () => resolve(undefined);
    element.onerror = () => reject(new Error(`${place} is not there`));
    document.head.append(element);
  });
}

/** A fold with a live explorer loads it when it is opened first. */
function loadExplorers() {
  for (const fold of document.querySelectorAll("details.live"))
    fold.addEventListener("toggle", () => openExplorer(/** @type {HTMLElement} */ (fold)), { once: true });
}

/** @param {HTMLElement} fold */
function openExplorer(fold) {
  const frame = document.createElement("iframe");
  frame.title = "The explorer, live";
  frame.src = fold.dataset.source ?? "";
  fold.append(frame);
}

/** Mark in the contents which section is in view. */
function followSections() {
  const contents = /** @type {HTMLElement} */ (document.querySelector(".contents"));
  const links = new Map();
  for (const link of contents.querySelectorAll("ul ul a"))
    links.set(decodeURIComponent(/** @type {HTMLAnchorElement} */ (link).hash.slice(1)), link);
  const heads = [...document.querySelectorAll("main h2[id]")].filter((one) => links.has(one.id));
  const follow = () => {
    const passed = heads.filter((one) => one.getBoundingClientRect().top < innerHeight / 3);
    const here = passed.at(-1)?.id;
    for (const [id, link] of links)
      if (id === here) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
  };
  addEventListener("scroll", follow, { passive: true });
  follow();
  contents.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest" });
  contents.addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("a");
    if (link && contents.matches(":popover-open")) contents.hidePopover();
  });
}
