/** Prove that this client gives what bundles promise: node verify.mjs FOLDER... */

import { verify } from "../web/golden.js";
import { command } from "./command.mjs";
import { Bot, UsageError } from "./duihua.mjs";

await command(async () => {
  const folders = process.argv.slice(2);
  if (!folders.length) throw new UsageError("no folder of a bundle. Usage: node verify.mjs FOLDER...");
  let wrong = 0;
  for (const folder of folders) {
    const { cases, differences } = await verify(await Bot.load(folder));
    for (const difference of differences) console.error(`${folder}: ${difference}`);
    console.log(`${folder}: ${cases} cases, ${differences.length} differences`);
    wrong += differences.length;
  }
  return wrong ? 1 : 0;
});
