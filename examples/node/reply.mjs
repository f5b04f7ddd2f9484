/** Answer each text, or each line of stdin: node reply.mjs FOLDER [--decoding JSON] [TEXT]... */

import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import { command } from "./command.mjs";
import { Bot, UsageError } from "./duihua.mjs";

const USAGE = `Usage: node reply.mjs FOLDER [--decoding JSON] [TEXT]...
Example: node reply.mjs ../../exports/xiaoyan --decoding '{"kind": "beam", "width": 4}' 你好`;

await command(async () => {
  const { values, positionals } = parseArgs({
    options: { decoding: { type: "string" }, help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  if (values.help) return console.log(USAGE);
  const [folder, ...texts] = positionals;
  if (folder === undefined) throw new UsageError(`no folder of a bundle.\n${USAGE}`);

  const bot = await Bot.load(folder);
  const decoding = values.decoding === undefined ? bot.decoding : parse(values.decoding);
  for await (const text of texts.length ? texts : createInterface({ input: process.stdin })) {
    console.log((await bot.reply(text, decoding)).text);
  }
});

function parse(json) {
  try {
    return Object(JSON.parse(json));
  } catch {
    throw new UsageError(`--decoding ${json}: not JSON. Example: '{"kind": "beam", "width": 4}'`);
  }
}
