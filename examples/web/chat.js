import { heatMap } from "./attention.js";
import { freshSeed } from "./duihua.js";
import { RemoteBot } from "./remote.js";

const KINDS = { greedy: "贪心", beam: "束搜索", sample: "采样" };
const LONG = 2000; // characters from which on a message scrolls in itself

const $ = (id) => document.getElementById(id);
const earlier = []; // all turns so far
let bot = null;

/** Make an element; text is set as text, never as HTML. */
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Loading

async function start() {
  try {
    bot = await RemoteBot.load(showLoading);
  } catch (error) {
    showStatus(`加载失败：${error.message}`, "failed");
    return;
  }
  const { name = "机器人", decoding } = bot.manifest;
  $("form").elements.kind.value = decoding.kind;
  showSeed();
  showStatus(`${name} · 就绪`, "ready");
  $("send").disabled = false;
  await navigator.serviceWorker?.ready;
  showStatus(`${name} · 就绪，可离线使用`, "offline");
}

function showLoading({ loaded, total }) {
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
  $("progress").value = Math.min(1, loaded / total);
  $("status").textContent = `正在加载 ${megabytes(loaded)} / ${megabytes(total)} MB`;
}

function showStatus(text, state) {
  $("status").textContent = text;
  $("progress").hidden = true;
  document.body.dataset.state = state;
}

// Talking

async function send() {
  const text = $("text").value;
  if (!bot || $("send").disabled || !text.trim() || !$("form").reportValidity()) return;
  const decoding = chosenDecoding();
  $("text").value = "";
  fitText();
  addMessage("user", text);
  const message = addMessage("bot", "……");
  message.ariaBusy = "true";
  $("send").disabled = true;
  try {
    const answer = await bot.reply(text, decoding, earlier);
    earlier.push(text, answer.text);
    showAnswer(message, answer, decoding);
  } catch (error) {
    message.classList.add("failed");
    message.firstChild.textContent = `没有回复：${error.message}`;
  }
  message.ariaBusy = "false";
  $("send").disabled = false;
  scrollDown();
}

/** Return what the form asks for; the bundle's own settings go with its own kind of search. */
function chosenDecoding() {
  const kind = $("form").elements.kind.value;
  const own = bot.manifest.decoding;
  const decoding = kind === own.kind ? { ...own } : { kind };
  if (kind === "sample") decoding.seed = $("seed").value ? Number($("seed").value) : freshSeed();
  return decoding;
}

function addMessage(who, text) {
  const bubble = element("p", { className: "bubble", dir: "auto", textContent: text });
  if (text.length > LONG) bubble.tabIndex = 0;
  const message = element("li", { className: who }, bubble);
  $("messages").append(message);
  scrollDown();
  return message;
}

function showAnswer(message, answer, decoding) {
  const bubble = message.firstChild;
  bubble.textContent = answer.text || "（没有话说）";
  const facts = [
    `${answer.milliseconds.toFixed(1)} ms`,
    decoding.kind === "sample" ? `采样，种子 ${decoding.seed}` : KINDS[decoding.kind],
  ];
  const button = element("button", { type: "button", textContent: "注意力" });
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", "detail");
  button.addEventListener("click", () => showDetail(answer, button));
  message.append(element("p", { className: "facts" }, facts.join(" · "), button));
}

function scrollDown() {
  $("messages").scrollTop = $("messages").scrollHeight;
}

// The reply that was chosen

let opener = null;

function showDetail(answer, button) {
  if (button === opener) return closeDetail();
  opener?.setAttribute("aria-expanded", "false");
  opener = button;
  opener.setAttribute("aria-expanded", "true");
  const map = answer.attention.length
    ? heatMap(answer, (sentence) => ($("weight").textContent = sentence))
    : element("p", { textContent: "没有可显示的注意力。" });
  $("map").replaceChildren(map);
  $("weight").textContent = "";
  $("candidates").replaceChildren(
    ...answer.candidates.map(({ text, score }) =>
      element(
        "li",
        { dir: "auto" },
        text || "（没有话说）",
        element("span", { className: "score", textContent: score.toFixed(3) }),
      ),
    ),
  );
  $("detail").hidden = false;
  $("detail").scrollTop = 0;
  opener.scrollIntoView({ block: "nearest" });
}

function closeDetail() {
  $("detail").hidden = true;
  opener?.setAttribute("aria-expanded", "false");
  opener?.focus();
  opener = null;
}

// The form

function showSeed() {
  $("seed-label").hidden = $("form").elements.kind.value !== "sample";
}

/** Let the field grow with its text; the style sheet sets the limit. */
function fitText() {
  $("text").style.height = "auto";
  $("text").style.height = `${$("text").scrollHeight}px`;
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
$("search").addEventListener("change", showSeed);
$("text").addEventListener("input", fitText);
$("text").addEventListener("keydown", (event) => {
  // While an input method composes, Enter takes its suggestion; 229 is how older ones say so.
  const composing = event.isComposing || event.keyCode === 229;
  if (event.key !== "Enter" || event.shiftKey || composing) return;
  event.preventDefault();
  send();
});
$("close").addEventListener("click", closeDetail);
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("detail").hidden) closeDetail();
});

navigator.serviceWorker?.register("sw.js").catch(() => {}); // without one it only needs its server
start();
$("text").focus();
