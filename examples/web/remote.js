/** The bot in the worker, as the page sees it. */
export class RemoteBot {
  #worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  #waiting = new Map();
  #last = 0;

  /** Start the worker; resolve once it can answer. `onLoading` hears { loaded, total } in bytes. */
  static async load(onLoading) {
    const bot = new RemoteBot();
    bot.manifest = await new Promise((resolve, reject) => {
      const fail = (message) => {
        bot.#worker.terminate(); // it may still be loading the rest
        reject(new Error(message));
      };
      bot.#worker.onerror = () => fail("worker.js: the browser cannot run it.");
      bot.#worker.onmessage = ({ data }) => {
        if (data.loading) onLoading(data.loading);
        else if (data.ready) resolve(data.ready);
        else if (data.id === undefined) fail(data.failed);
        else bot.#settle(data);
      };
    });
    return bot;
  }

  /** Answer a text that follows `earlier` turns; the answer tells its `milliseconds`, too. */
  reply(text, decoding, earlier = []) {
    return this.#ask({ text, decoding, earlier });
  }

  /** Run golden.jsonl. */
  verify() {
    return this.#ask({ verify: true });
  }

  #ask(question) {
    const id = ++this.#last;
    this.#worker.postMessage({ id, ...question });
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #settle({ id, answer, failed }) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (answer) resolve(answer);
    else reject(new Error(failed));
  }
}
