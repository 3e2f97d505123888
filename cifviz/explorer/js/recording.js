// Sound of the reader's own, from a microphone or a file, on its way to Python: in pieces that are
// small enough for Jupyter to carry, each acknowledged, with words on the screen where it fails.

import { button, element } from "./dom.js";
import { wavFile } from "./wav.js";

/** Bytes of a piece; Jupyter drops messages above 10 MiB without a word. */
const PIECE = 4 * 1024 * 1024;
/** Milliseconds that a model may listen. */
const LISTENING = 600_000;
/** Files that Python reads itself; others are decoded here. */
const READ_BY_PYTHON = /\.(wav|flac|mp3|ogg)$/i;

export class Recording {
  /**
   * @param {HTMLElement} parent
   * @param {import("./kernel.js").Kernel} kernel
   * @param {import("./view.js").Explorer} explorer
   */
  constructor(parent, kernel, explorer) {
    this.kernel = kernel;
    this.explorer = explorer;
    this.isClosed = false;
    const row = element(parent, "div", "cifviz-buttons");
    const label = element(row, "label");
    label.textContent = "hear a file of yours ";
    const input = Object.assign(element(label, "input"), { type: "file", accept: "audio/*" });
    input.addEventListener("change", () => input.files.length && this.hearFile(input.files[0]));
    this.button = button(row, "record", () => this.toggle());
    parent.ondragover = (event) => event.preventDefault();
    parent.ondrop = (event) => {
      event.preventDefault();
      event.stopPropagation(); // a notebook would take the file itself
      const [file] = event.dataTransfer.files;
      if (file) this.hearFile(file);
    };
  }

  /** Begin to record, or end and let Python hear it. */
  async toggle() {
    if (this.recorder) {
      this.recorder.stop();
      return;
    }
    try {
      await this.begin();
    } catch (error) {
      this.explorer.say(`No microphone: ${error.message}`);
    }
  }

  async begin() {
    // Browsers lend it to pages of this machine and of https alone.
    if (!navigator.mediaDevices) throw new Error("this page may not use one; https may");
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const pieces = [];
    this.recorder = new MediaRecorder(stream);
    this.recorder.ondataavailable = ({ data }) => pieces.push(data);
    this.recorder.onstop = () => {
      for (const track of stream.getTracks()) track.stop();
      this.recorder = null;
      this.button.textContent = "record";
      if (!this.isClosed) this.hearFile(new File(pieces, "recording"));
    };
    this.recorder.start();
    this.button.textContent = "stop recording";
  }

  /** Give the microphone back. */
  close() {
    this.isClosed = true;
    this.recorder?.stop();
  }

  /** Let Python hear a file, and say how it went. */
  async hearFile(file) {
    const { name } = file;
    try {
      const content = await file.arrayBuffer();
      const isReadable = READ_BY_PYTHON.test(name);
      await this.send(isReadable ? content : await wavFile(content), isReadable ? name : "recording.wav");
      this.explorer.say(`Listening to ${name} …`);
      await this.kernel.ask({ type: "listen" }, { patience: LISTENING });
    } catch (error) {
      this.explorer.say(`${name} was not heard: ${error.message}`);
    }
  }

  /** Send bytes, piece by piece. */
  async send(content, name) {
    const count = Math.max(Math.ceil(content.byteLength / PIECE), 1);
    for (let index = 0; index < count; index += 1) {
      this.explorer.say(`Sending: ${Math.round((100 * index) / count)} %`);
      const piece = content.slice(index * PIECE, (index + 1) * PIECE);
      await this.kernel.ask({ type: "piece", index, count, name }, { buffers: [piece] });
    }
  }
}
