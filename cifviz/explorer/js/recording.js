// Sound from the reader's microphone or file, on its way to Python: in pieces that Jupyter can carry,
// each acknowledged, with a message on the screen where it fails.

/** @import { Kernel } from "./kernel.js" */
/** @import { Explorer } from "./view.js" */

import { button, element, messageOf } from "./dom.js";
import { wavFile } from "./wav.js";

/** Bytes of a piece; Jupyter drops messages above 10 MiB silently. */
const PIECE = 4 * 1024 * 1024;
/** Milliseconds that a transcription may take. */
const PATIENCE = 600_000;
/** Files that Python reads itself; others are decoded here. */
const READ_BY_PYTHON = /\.(wav|flac|mp3|ogg)$/i;

export class Recording {
  /**
   * @param {HTMLElement} parent
   * @param {Kernel} kernel
   * @param {Explorer} explorer
   */
  constructor(parent, kernel, explorer) {
    this.kernel = kernel;
    this.explorer = explorer;
    this.isClosed = false;
    /** @type {MediaRecorder | null} */
    this.recorder = null;
    const row = element(parent, "div", "cifviz-buttons");
    const label = element(row, "label");
    label.textContent = "transcribe a file ";
    const input = Object.assign(element(label, "input"), { type: "file", accept: "audio/*" });
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      if (file) void this.transcribe(file);
    });
    this.button = button(row, "record", () => void this.toggle());
    parent.ondragover = (event) => event.preventDefault();
    parent.ondrop = (event) => {
      event.preventDefault();
      event.stopPropagation(); // a notebook would take the file itself
      const [file] = event.dataTransfer?.files ?? [];
      if (file) void this.transcribe(file);
    };
  }

  /** Begin to record, or end and transcribe what was recorded. */
  async toggle() {
    if (this.recorder) {
      this.recorder.stop();
      return;
    }
    try {
      await this.begin();
    } catch (error) {
      this.explorer.say(`No microphone: ${messageOf(error)}`);
    }
  }

  async begin() {
    // Browsers give it to pages of this machine and of https alone.
    if (!navigator.mediaDevices) throw new Error("this page may not use one; https may");
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    /** @type {Blob[]} */
    const pieces = [];
    this.recorder = new MediaRecorder(stream);
    this.recorder.ondataavailable = ({ data }) => pieces.push(data);
    this.recorder.onstop = () => {
      for (const track of stream.getTracks()) track.stop();
      this.recorder = null;
      this.button.textContent = "record";
      if (!this.isClosed) void this.transcribe(new File(pieces, "recording"));
    };
    this.recorder.start();
    this.button.textContent = "stop recording";
  }

  /** Release the microphone. */
  close() {
    this.isClosed = true;
    this.recorder?.stop();
  }

  /**
   * Let Python transcribe a file; a message says how it went.
   *
   * @param {File} file
   */
  async transcribe(file) {
    const { name } = file;
    try {
      const content = await file.arrayBuffer();
      const isReadable = READ_BY_PYTHON.test(name);
      await this.send(isReadable ? content : await wavFile(content), isReadable ? name : "recording.wav");
      this.explorer.say(`Transcribing ${name} …`);
      await this.kernel.ask("listen", {}, { patience: PATIENCE });
    } catch (error) {
      this.explorer.say(`${name} was not transcribed: ${messageOf(error)}`);
    }
  }

  /**
   * Send bytes, piece by piece.
   *
   * @param {ArrayBuffer} content
   * @param {string} name
   */
  async send(content, name) {
    const count = Math.max(Math.ceil(content.byteLength / PIECE), 1);
    for (let index = 0; index < count; index += 1) {
      this.explorer.say(`Sending: ${Math.round((100 * index) / count)} %`);
      const piece = content.slice(index * PIECE, (index + 1) * PIECE);
      await this.kernel.ask("piece", { index, count, name }, { buffers: [piece] });
    }
  }
}
