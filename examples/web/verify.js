/** Show whether this browser gives what the bundle's golden.jsonl promises. */

import { RemoteBot } from "./remote.js";

const result = document.getElementById("result");

async function run() {
  const bot = await RemoteBot.load(() => {});
  const { cases, differences } = await bot.verify();
  const lines = differences.map((textContent) =>
    Object.assign(document.createElement("li"), { textContent }),
  );
  document.getElementById("differences").replaceChildren(...lines);
  result.textContent = `${cases} 条，${differences.length} 处不同`;
  result.dataset.done = differences.length ? "different" : "equal";
}

run().catch((error) => {
  result.textContent = `失败：${error.message}`;
  result.dataset.done = "failed";
});
