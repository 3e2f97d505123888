// Questions to Python and its answers, in messages of the widget. Every view has its own.

/** @import { MessageCallback, Questions, WidgetModel } from "./types.js" */

/** Milliseconds to wait for an answer. */
const PATIENCE = 30_000;
const SILENCE = "Python does not answer; if its kernel was restarted, run the cell again";

/**
 * @template {keyof Questions} Type
 * @typedef {{message: Questions[Type]["answer"], buffers: DataView<ArrayBuffer>[]}} Answer
 */

let kernels = 0;

export class Kernel {
  /** @param {WidgetModel} model */
  constructor(model) {
    this.model = model;
    // All views of a model receive all answers, those to the questions of other views included.
    this.name = `${Date.now()}-${(kernels += 1)}`;
    this.asked = 0;
    /**
     * Open questions by their id.
     *
     * @type {Map<string, {resolve: (answer: any) => void, reject: (error: Error) => void, timer: number}>}
     */
    this.waiting = new Map();
    /** @type {MessageCallback} */
    this.receive = (message, buffers) => {
      if (message.id === null) return;
      const question = this.waiting.get(message.id);
      if (!question) return;
      this.forget(message.id);
      if (message.error) question.reject(new Error(message.error));
      else question.resolve({ message, buffers });
    };
    model.on("msg:custom", this.receive);
  }

  /**
   * Ask something.
   *
   * @template {keyof Questions} Type
   * @param {Type} type
   * @param {Questions[Type]["sent"]} content
   * @param {{buffers?: ArrayBuffer[], patience?: number}} [more] Bytes to send along; milliseconds
   *   to wait.
   * @returns {Promise<Answer<Type>>} The answer; rejected with Python's error, or without an answer.
   */
  ask(type, content, { buffers = [], patience = PATIENCE } = {}) {
    const id = `${this.name}-${(this.asked += 1)}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.forget(id);
        reject(new Error(SILENCE));
      }, patience);
      this.waiting.set(id, { resolve, reject, timer });
      try {
        this.model.send({ ...content, type, id }, undefined, buffers);
      } catch (error) {
        this.forget(id);
        reject(new Error(SILENCE, { cause: error }));
      }
    });
  }

  /** @param {string} id */
  forget(id) {
    clearTimeout(this.waiting.get(id)?.timer);
    this.waiting.delete(id);
  }

  close() {
    for (const id of [...this.waiting.keys()]) this.forget(id);
    this.model.off("msg:custom", this.receive);
  }
}
