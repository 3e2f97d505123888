// Questions to Python and its answers, in messages of the widget. Every view has its own.

/** Milliseconds to wait for an answer. */
const PATIENCE = 30_000;
const SILENCE = "Python does not answer; if its kernel was restarted, run the cell again";

let kernels = 0;

export class Kernel {
  /** @param {object} model Of anywidget. */
  constructor(model) {
    this.model = model;
    // Views of one model hear all answers, also those to questions that other pages asked.
    this.name = `${Date.now()}-${(kernels += 1)}`;
    this.asked = 0;
    this.waiting = new Map();
    this.hear = (message, buffers) => {
      const question = this.waiting.get(message.id);
      if (!question) return;
      this.forget(message.id);
      if (message.error) question.reject(new Error(message.error));
      else question.resolve({ message, buffers });
    };
    model.on("msg:custom", this.hear);
  }

  /**
   * Ask something.
   *
   * @param {{type: string}} message
   * @param {{buffers?: ArrayBuffer[], patience?: number}} [more] Bytes to send along; milliseconds
   *   to wait.
   * @returns {Promise<{message: object, buffers: DataView[]}>} The answer; an error where Python
   *   says one, or nothing.
   */
  ask(message, { buffers = [], patience = PATIENCE } = {}) {
    const id = `${this.name}-${(this.asked += 1)}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.forget(id);
        reject(new Error(SILENCE));
      }, patience);
      this.waiting.set(id, { resolve, reject, timer });
      try {
        this.model.send({ ...message, id }, undefined, buffers);
      } catch (error) {
        this.forget(id);
        reject(new Error(SILENCE, { cause: error }));
      }
    });
  }

  forget(id) {
    clearTimeout(this.waiting.get(id)?.timer);
    this.waiting.delete(id);
  }

  close() {
    for (const id of [...this.waiting.keys()]) this.forget(id);
    this.model.off("msg:custom", this.hear);
  }
}
