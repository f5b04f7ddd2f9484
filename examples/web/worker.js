/**
 * The worker that computes, so that the page stays awake.
 *
 * It says { loading: { loaded, total } } in bytes, then { ready: manifest } or { failed: message }.
 * Asked { id, text, decoding, earlier } or { id, verify: true }, it says { id, answer } or
 * { id, failed: message }.
 */

import { Bot, Bundle, BundleError } from "./duihua.js";
import { verify } from "./golden.js";

const ORT = new URL("ort/", import.meta.url).href;

const loading = { loaded: 0, total: 0 };

/** Load a file of this page's own server, or null where there is none. */
async function download(url) {
  let response;
  try {
    response = await fetch(url);
  } catch {
    throw new BundleError(`${url} cannot be reached.`);
  }
  if (response.status === 404) return null;
  if (!response.ok) throw new BundleError(`${url}: the server says ${response.status}.`);
  loading.total += Number(response.headers.get("Content-Length"));
  const chunks = [];
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(chunks).arrayBuffer());
    chunks.push(value);
    loading.loaded += value.length;
    postMessage({ loading });
  }
}

async function loadRuntime() {
  const [ort, wasm] = await Promise.all([
    import(`${ORT}ort.wasm.min.mjs`).catch(() => null),
    download(`${ORT}ort-wasm-simd-threaded.wasm`),
  ]);
  if (!ort || !wasm) throw new BundleError("ort/: the files of onnxruntime-web are missing.");
  ort.env.logLevel = "error";
  ort.env.wasm.wasmPaths = ORT;
  ort.env.wasm.wasmBinary = wasm.buffer;
  ort.env.wasm.numThreads = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  return ort;
}

async function loadBot() {
  const [ort, bundle] = await Promise.all([
    loadRuntime(),
    Bundle.open((name) => download(new URL(`bundle/${name}`, import.meta.url)), "bundle"),
  ]);
  const bot = await Bot.load(ort, bundle);
  await bot.reply(""); // the first run prepares; no one shall wait for it
  return bot;
}

const bot = loadBot();

bot.then(
  ({ bundle }) => postMessage({ ready: bundle.manifest }),
  (error) => postMessage({ failed: error.message }),
);

addEventListener("message", async ({ data: { id, verify: verifying, ...asked } }) => {
  try {
    postMessage({ id, answer: await (verifying ? verify(await bot) : reply(await bot, asked)) });
  } catch (error) {
    postMessage({ id, failed: error.message });
  }
});

async function reply(bot, { text, decoding, earlier }) {
  const start = performance.now();
  const answer = await bot.reply(bot.withContext(text, earlier), decoding);
  return { ...answer, milliseconds: performance.now() - start };
}
