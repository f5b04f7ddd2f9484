/**
 * A client of a duihua bundle, format 2: text in, reply out.
 *
 * It knows neither files nor a runtime. It is given onnxruntime (`onnxruntime-web`,
 * `onnxruntime-node`) and a function that reads a file of the bundle:
 *
 *     const bundle = await Bundle.open(read, "bundle");
 *     const bot = await Bot.load(ort, bundle);
 *     const { text } = await bot.reply("你好");
 */

const FORMAT = 2;
const GRAPH = "text.onnx";
const EOS = 2n;
const SEPARATOR = "\u001e";
const MAX_MANIFEST_BYTES = 2 ** 20;

/** A bundle that is missing, damaged or of another format. */
export class BundleError extends Error {}

/** A call that cannot be meant: a setting out of its range, an unknown name. */
export class UsageError extends Error {}

/** The kinds of search with all their settings; what a caller leaves out is as it stands here. */
const COMMON = { max_length: 30, min_length: 1, no_repeat_ngram: 0, repetition_penalty: 1 };
export const DECODINGS = {
  greedy: COMMON,
  beam: { width: 4, length_penalty: 0.6, ...COMMON },
  sample: { temperature: 0.8, top_k: 40, top_p: 0.95, seed: null, samples: 1, ...COMMON },
};

/** The folder's manifest, and its files once their size and checksum are right. */
export class Bundle {
  constructor(read, place, manifest) {
    Object.assign(this, { read, place, manifest });
  }

  /**
   * Read the manifest. `read(name)` resolves to the bytes of a file, or to null where there is
   * none; `place` is what error messages call the bundle.
   */
  static async open(read, place) {
    const bytes = await read("manifest.json");
    if (!bytes) {
      throw new BundleError(
        `${place}: no manifest.json. A bundle is the folder that 'chatbot export' writes.`,
      );
    }
    if (bytes.length > MAX_MANIFEST_BYTES) {
      throw new BundleError(`${place}: manifest.json has more than ${MAX_MANIFEST_BYTES} bytes.`);
    }
    const manifest = parse(bytes, `${place}: manifest.json`);
    const format = manifest?.format;
    if (!Number.isInteger(format)) {
      throw new BundleError(`${place}: no format number. Export the bundle again.`);
    }
    if (format !== FORMAT) {
      const advice = format > FORMAT ? "Upgrade this client." : "Export it again.";
      throw new BundleError(
        `${place}: bundle format ${format}; this client reads ${FORMAT}. ${advice}`,
      );
    }
    return new this(read, place, manifest);
  }

  /** Return the bytes of a file whose size and checksum are those of the manifest. */
  async file(name) {
    const { place } = this;
    const listed = this.manifest.files?.[name];
    if (!listed) {
      throw new BundleError(`${place}: the manifest does not list ${name}. Export it again.`);
    }
    const bytes = await this.read(name);
    if (!bytes) {
      throw new BundleError(
        `${place}: ${name} is missing. Copy the whole folder or export it again.`,
      );
    }
    if (bytes.length !== listed.bytes) {
      throw new BundleError(
        `${place}: ${name} has ${bytes.length} bytes; the manifest says ${listed.bytes}. ` +
          "Export it again.",
      );
    }
    if ((await sha256(bytes)) !== listed.sha256) {
      throw new BundleError(
        `${place}: the checksum of ${name} differs from the manifest's. Export it again.`,
      );
    }
    return bytes;
  }
}

/** The chatbot. */
export class Bot {
  constructor(ort, session, bundle) {
    Object.assign(this, { ort, session, bundle });
  }

  /** Load the bundle's graph into `ort`; `options` are those of its InferenceSession. */
  static async load(ort, bundle, options = {}) {
    const graph = await bundle.file(GRAPH);
    try {
      const session = await ort.InferenceSession.create(graph, options);
      return new this(ort, session, bundle);
    } catch (error) {
      throw new BundleError(`${bundle.place}: onnxruntime refuses ${GRAPH}: ${error.message}`);
    }
  }

  /** The search that the bundle's maker chose. */
  get decoding() {
    return this.bundle.manifest.decoding;
  }

  /**
   * Put the turns before a text behind it, the newest first, as many as the model was trained to
   * read: for a model without context, the text is returned as it is.
   */
  withContext(text, earlier) {
    const { context = 0 } = this.bundle.manifest;
    const turns = [text, ...earlier.toReversed().slice(0, context)];
    return context ? turns.map((turn) => turn.replaceAll(SEPARATOR, " ")).join(SEPARATOR) : text;
  }

  /**
   * Answer a text: the best candidate's { text, ids, tokens, score, attention }, all `candidates`,
   * best first, and the `source` as the model read it, { ids, tokens }, its end mark included.
   * `attention` has a row of weights over the source for each token; [] if the model has none.
   * Where the model is not sure of the best candidate, and the bundle has something to say instead,
   * the text is that: one token, no ids and no attention. The candidates stay.
   */
  async reply(text, decoding = this.decoding) {
    const outputs = await this.#run(feeds(this.ort, text, decoding));
    const candidates = readCandidates(outputs);
    const source = {
      ids: Array.from(outputs.source.data, Number),
      tokens: [...outputs.source_tokens.data],
    };
    const honest = this.#fallback(text, outputs, checked(decoding));
    const shown = honest === null ? {} : { text: honest, ids: [], tokens: [honest], attention: [] };
    return { ...candidates[0], ...shown, candidates, source };
  }

  /** Return what the bundle says instead of a best reply that the model is not sure of, or null. */
  #fallback(text, { reply, scores, lengths }, { kind, length_penalty = 0 }) {
    const { fallback, context } = this.bundle.manifest;
    if (!fallback || kind === "sample") return null;
    const logProbability = scores.data[0] * ((5 + Number(lengths.data[0])) / 6) ** length_penalty;
    if (!(logProbability < fallback.below || fallback.replies.includes(reply.data[0]))) return null;
    const turn = context ? String(text).split(SEPARATOR, 1)[0] : String(text); // see withContext
    return fallback.replies[[...turn].length % fallback.replies.length]; // [...]: by code points
  }

  async #run(inputs) {
    try {
      return await this.session.run(inputs);
    } catch (error) {
      throw new BundleError(`${this.bundle.place}: ${GRAPH} fails: ${error.message}`);
    }
  }
}

/** Return the inputs of the graph for a text and a decoding as it stands in a bundle. */
function feeds(ort, text, decoding) {
  const { kind, ...settings } = checked(decoding);
  const sampled = kind === "sample";
  const int64 = (value) => new ort.Tensor("int64", BigInt64Array.of(BigInt(value)), []);
  const float32 = (value) => new ort.Tensor("float32", Float32Array.of(value), []);
  return {
    text: new ort.Tensor("string", [wellFormed(text)], [1]),
    max_len: int64(settings.max_length),
    min_len: int64(settings.min_length),
    beam_size: int64(settings.width ?? settings.samples ?? 1),
    length_penalty: float32(settings.length_penalty ?? 0),
    temperature: float32(sampled ? settings.temperature : 0),
    top_k: int64(settings.top_k ?? 0),
    top_p: float32(settings.top_p ?? 1),
    seed: int64(sampled ? (settings.seed ?? freshSeed()) : 0),
    no_repeat_ngram: int64(settings.no_repeat_ngram),
    repetition_penalty: float32(settings.repetition_penalty),
  };
}

/**
 * A half of a surrogate pair alone is no Unicode text: it becomes U+FFFD. U+0000, which ends a
 * string in some runtimes, means nothing to a bundle and is left out.
 */
function wellFormed(text) {
  return String(text).toWellFormed().replaceAll("\0", "");
}

/** Return all settings of a decoding; refuse what is unknown or out of its range. */
export function checked({ kind, ...given }) {
  const defaults = Object.hasOwn(DECODINGS, kind) ? DECODINGS[kind] : null;
  if (!defaults) {
    throw new UsageError(
      `decoding ${JSON.stringify(kind)}: known are ${Object.keys(DECODINGS).join(", ")}.`,
    );
  }
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(defaults, name));
  if (unknown !== undefined) {
    throw new UsageError(
      `${kind} has no setting '${unknown}': known are ${Object.keys(defaults).join(", ")}.`,
    );
  }
  const settings = { ...defaults, ...given };
  for (const [name, value] of Object.entries(settings)) {
    if (name !== "seed" || value !== null) checkRange(name, value, RANGES[name]);
  }
  checkRange("min_length", settings.min_length, { ...RANGES.min_length, high: settings.max_length });
  return { kind, ...settings };
}

const RANGES = {
  max_length: { low: 1, high: 512, whole: true },
  min_length: { low: 0, high: 512, whole: true },
  no_repeat_ngram: { low: 0, high: 512, whole: true },
  repetition_penalty: { low: 0.1, high: 10 },
  width: { low: 1, high: 64, whole: true },
  length_penalty: { low: 0, high: 5 },
  temperature: { low: 0.01, high: 100 },
  top_k: { low: 0, high: 1_000_000, whole: true },
  top_p: { low: 0, high: 1 },
  seed: { low: 0, high: Number.MAX_SAFE_INTEGER, whole: true },
  samples: { low: 1, high: 64, whole: true },
};

function checkRange(name, value, { low, high, whole }) {
  const isNumber = typeof value === "number" && low <= value && value <= high; // not so for NaN
  if (!isNumber || (whole && !Number.isInteger(value))) {
    const expected = `a ${whole ? "whole " : ""}number from ${low} to ${high}`;
    throw new UsageError(`${name}=${JSON.stringify(value)}: expected ${expected}.`);
  }
}

export function freshSeed() {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

/** Return the K replies of the graph's outputs, best first, without the end mark. */
function readCandidates({ reply, scores, ids, lengths, attention, tokens }) {
  const [, steps] = ids.dims; // ids and tokens (K, T), attention (K, T, S)
  const width = attention.dims[2];
  return Array.from(reply.data, (text, k) => {
    let length = Number(lengths.data[k]);
    if (length > 0 && ids.data[k * steps + length - 1] === EOS) length -= 1;
    const first = k * steps;
    const row = (t) => [...attention.data.subarray((first + t) * width, (first + t + 1) * width)];
    return {
      text,
      ids: Array.from(ids.data.subarray(first, first + length), Number),
      tokens: tokens.data.slice(first, first + length),
      score: scores.data[k],
      attention: width ? Array.from({ length }, (_, t) => row(t)) : [],
    };
  });
}

async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) {
    throw new BundleError("checksums need a secure page: open it over https or on localhost.");
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Parse UTF-8 JSON. */
export function parse(bytes, place) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new BundleError(`${place}: not JSON (${error.message}). Export the bundle again.`);
  }
}
