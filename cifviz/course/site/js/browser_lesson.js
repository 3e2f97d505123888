// Makes the cells of a lesson that run in a browser editable, and runs them in Python (Pyodide),
// which `runtime.js` beside the page holds. Without scripts the page is one to read.

const START = "Starting Python. The first time this takes some seconds …";
const RUNNING = "Running …";
const STOPPED = "Stopped. What the cells above defined is gone; they run again with the next cell.";

/** Python in a worker; it starts with the first cell. */
class Python {
  /** @type {Worker | undefined} */
  #worker;
  /** @type {Promise<any> | undefined} */
  #given;
  #fail = (/** @type {Error} */ _reason) => {};

  get isStarted() {
    return this.#worker !== undefined;
  }

  /** Run a cell. @param {string} source @returns {Promise<{ok: boolean, text: string}>} */
  async run(source) {
    if (!this.#worker) await this.#start();
    return this.#ask({ source });
  }

  /** End Python, whatever it does; a cell that runs fails with `reason`. @param {string} reason */
  end(reason) {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#fail(new Error(reason));
  }

  async #start() {
    this.#given ??= loadRuntime();
    const ended = new Promise((_, reject) => {
      this.#fail = reject;
    });
    const { code, files, lock, python, imports } = await Promise.race([this.#given, ended]);
    const place = URL.createObjectURL(new Blob(code, { type: "text/javascript" }));
    this.#worker = new Worker(place);
    await this.#ask({ files, lock, python, imports });
    URL.revokeObjectURL(place);
  }

  /** @param {object} message @returns {Promise<any>} */
  #ask(message) {
    const worker = /** @type {Worker} */ (this.#worker);
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      const fail = (/** @type {string} */ why) => {
        this.end(why);
      };
      worker.onerror = (event) => fail(event.message || "the worker of this page failed");
      worker.onmessage = ({ data }) => (data.failed ? fail(data.failed) : resolve(data));
      worker.postMessage(message);
    });
  }
}

/** What the worker is made of and given. */
async function loadRuntime() {
  await script("runtime.js");
  const { packed, worker, ...rest } = globalThis.cifvizRuntime;
  const names = Object.keys(packed);
  const parts = await Promise.all(names.map((name) => unpack(packed[name])));
  const unpacked = Object.fromEntries(names.map((name, place) => [name, parts[place]]));
  const { "pyodide.asm.js": asm, "pyodide.js": loader, ...files } = unpacked;
  return { ...rest, files, code: [asm, "\n;", loader, "\n;", worker] };
}

/** Bytes of a gzip archive in base64. @param {string} text */
async function unpack(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length); // Uint8Array.from takes twenty times as long
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** Load a script beside the page. @param {string} place */
function script(place) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = place;
    element.onload = () => resolve(undefined);
    element.onerror = () => reject(new Error(`${place} is not beside this page`));
    document.head.append(element);
  });
}

/** Answers that a reader typed, kept by the browser if it keeps anything. */
const kept = {
  /** @param {string} key */
  get(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  /** @param {string} key @param {string | null} text */
  set(key, text) {
    try {
      if (text === null) localStorage.removeItem(key);
      else localStorage.setItem(key, text);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error; // a browser that keeps nothing
    }
  },
};

/** A cell that runs. */
class Cell {
  hasRun = false;

  /** @param {HTMLElement} element @param {(cell: Cell) => void} press */
  constructor(element, press) {
    const shown = /** @type {HTMLElement} */ (element.querySelector("pre.code"));
    this.original = (shown.textContent ?? "").trimEnd();
    this.isExercise = element.classList.contains("exercise");
    this.isAnswer = element.classList.contains("answer");
    this.key = `cifviz-${element.dataset.cell}`;
    this.recorded = /** @type {HTMLElement | null} */ (element.querySelector(":scope > .output"));
    // 1. The code, in a field.
    this.field = document.createElement("textarea");
    this.field.value = kept.get(this.key) ?? this.original;
    this.field.spellcheck = false;
    this.field.setAttribute("autocapitalize", "off");
    this.field.setAttribute("aria-label", `Code of ${element.dataset.name}`);
    this.field.addEventListener("input", () => this.#edited());
    this.field.addEventListener("keydown", (event) => this.#key(event, press));
    shown.replaceWith(this.field);
    // 2. Buttons, and a place for what it shows.
    this.name = element.dataset.name ?? "";
    this.button = button("Run", `Run ${this.name}`, () => press(this));
    this.reset = button("As it was", `As it was: the code of ${this.name}`, () => {
      this.field.value = this.original;
      this.#edited();
      this.field.focus();
    });
    const buttons = document.createElement("p");
    buttons.className = "buttons";
    buttons.append(this.button, this.reset);
    this.output = document.createElement("div");
    this.output.className = "ran";
    this.output.setAttribute("role", "status");
    element.append(buttons, this.output);
    if (this.isExercise) this.recorded?.remove();
    else if (this.recorded) element.append(this.recorded);
    this.#edited();
  }

  /** @param {string} text @param {boolean} ok */
  show(text, ok = true) {
    const lines = document.createElement("pre");
    lines.className = "printed";
    lines.textContent = text.trimEnd();
    if (lines.textContent.includes("\n")) {
      lines.classList.add("lines");
      lines.tabIndex = 0;
    }
    this.output.classList.toggle("failed", !ok);
    this.output.replaceChildren(...(text.trim() ? [lines] : []));
  }

  /** @param {string} text */
  tell(text) {
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = text;
    this.output.replaceChildren(note);
  }

  /** What was recorded makes room for what ran here. */
  replaceRecorded() {
    if (this.recorded) this.recorded.hidden = true;
  }

  #edited() {
    const { value } = this.field;
    this.hasRun = false;
    this.field.rows = value.split("\n").length;
    this.reset.hidden = value === this.original;
    kept.set(this.key, value === this.original ? null : value);
  }

  /** @param {KeyboardEvent} event @param {(cell: Cell) => void} press */
  #key(event, press) {
    if (event.key !== "Enter" || event.isComposing) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey) {
      event.preventDefault();
      press(this);
      return;
    }
    // A new line begins where this one does, further to the right behind a colon.
    const { selectionStart, value } = this.field;
    const line = value.slice(value.lastIndexOf("\n", selectionStart - 1) + 1, selectionStart);
    const indent = (/^ */.exec(line)?.[0] ?? "") + (line.trimEnd().endsWith(":") ? "    " : "");
    event.preventDefault();
    document.execCommand("insertText", false, `\n${indent}`); // which alone can be undone
  }
}

/** @param {string} text @param {string} label @param {() => void} press */
function button(text, label, press) {
  const one = document.createElement("button");
  one.type = "button";
  one.textContent = text;
  one.setAttribute("aria-label", label);
  one.addEventListener("click", press);
  return one;
}

addEventListener("DOMContentLoaded", () => {
  const python = new Python();
  /** @type {Cell | undefined} */
  let busy;
  const cells = [...document.querySelectorAll(".cell.runs")].map(
    (element) => new Cell(/** @type {HTMLElement} */ (element), press),
  );

  /** Run a cell with those above it that have not run; or stop what runs. @param {Cell} cell */
  async function press(cell) {
    if (busy === cell) python.end(STOPPED);
    if (busy) return;
    busy = cell;
    setBusy(cell, true);
    const above = cells.slice(0, cells.indexOf(cell));
    const needed = above.filter((one) => !one.hasRun && !one.isExercise);
    try {
      for (const one of [...needed, cell]) await run(one);
    } catch (error) {
      for (const one of cells) one.hasRun = false;
      cell.tell(error instanceof Error ? error.message : String(error));
    } finally {
      busy = undefined;
      setBusy(cell, false);
    }
  }

  /** @param {Cell} one */
  async function run(one) {
    busy?.tell(python.isStarted ? RUNNING : START);
    const { ok, text } = await python.run(one.field.value);
    one.hasRun = ok;
    if (one !== busy && one.isAnswer && ok) return; // it resolves a prediction, and was not asked for
    one.replaceRecorded();
    one.show(text, ok);
  }

  /** @param {Cell} cell @param {boolean} is */
  function setBusy(cell, is) {
    const does = is ? "Stop" : "Run";
    cell.button.textContent = does;
    cell.button.setAttribute("aria-label", `${does} ${cell.name}`);
    for (const one of cells) if (one !== cell) one.button.disabled = is;
  }
});
