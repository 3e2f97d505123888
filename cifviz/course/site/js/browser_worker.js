// Runs cells of a lesson in Python, in a thread of its own, so that the page can end what does not
// end by itself. Pyodide stands above this file in one script; what it would fetch is handed over.

/* global loadPyodide */

const NOWHERE = "https://offline.invalid/";
const TYPES = { "pyodide.asm.wasm": "application/wasm", "python_stdlib.zip": "application/zip" };

/** @type {any} */
let session;

self.onmessage = async ({ data }) => {
  if (data.files) {
    session = await start(data);
    self.postMessage({ ready: true });
  } else {
    const result = session.run(data.source);
    const [ok, text] = result.toJs();
    result.destroy();
    self.postMessage({ ok, text });
  }
};

self.onunhandledrejection = (event) => self.postMessage({ failed: String(event.reason) });

/**
 * @param {{files: Record<string, ArrayBuffer>, lock: object, python: Record<string, string>, imports: string}} given
 */
async function start({ files, lock, python, imports }) {
  self.fetch = async (wanted) => {
    const name = String(wanted).replace(NOWHERE, "");
    if (!(name in files)) throw new TypeError(`there is no network here for ${wanted}`);
    return new Response(files[name], { headers: { "Content-Type": TYPES[name] } });
  };
  const pyodide = await loadPyodide({ indexURL: NOWHERE, lockFileContents: lock });
  for (const [path, text] of Object.entries(python)) {
    const place = `/lesson/${path}`;
    pyodide.FS.mkdirTree(place.slice(0, place.lastIndexOf("/")));
    pyodide.FS.writeFile(place, text);
  }
  pyodide.runPython("import sys; sys.path.insert(0, '/lesson')");
  return pyodide.pyimport("browser_session").Session(imports);
}
