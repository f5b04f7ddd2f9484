/**
 * The service worker: after the first visit the page works without its server.
 *
 * Whatever the server has comes from there, so that page, runtime and bundle always fit each other;
 * the cache answers where the server is gone.
 */

const CACHE = "duihua";
const FILES = [
  "./",
  "style.css",
  "icon.svg",
  "chat.js",
  "attention.js",
  "remote.js",
  "worker.js",
  "duihua.js",
  "golden.js",
  "verify.html",
  "verify.js",
  "ort/ort.wasm.min.mjs",
  "ort/ort-wasm-simd-threaded.mjs",
  "ort/ort-wasm-simd-threaded.wasm",
  "bundle/manifest.json",
  "bundle/text.onnx",
  "bundle/golden.jsonl",
];

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});

addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const { request } = event;
  const ours = new URL(request.url).origin === location.origin;
  if (ours && request.method === "GET") event.respondWith(answer(request));
});

async function answer(request) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.status === 200) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const known = await cache.match(request, { ignoreSearch: true });
    if (known) return known;
    throw error;
  }
}
