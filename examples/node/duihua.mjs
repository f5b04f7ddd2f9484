/**
 * A duihua bundle in Node.js:
 *
 *     const bot = await Bot.load("exports/xiaoyan");
 *     const { text, tokens, score, candidates, source, attention } = await bot.reply("你好");
 *
 * The client itself is ../web/duihua.js; here it gets files and a runtime.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { Bot as Client, Bundle, BundleError } from "../web/duihua.js";

export { BundleError, UsageError } from "../web/duihua.js";

// As soon as it is loaded, onnxruntime would write a device id into the home directory and report
// to its maker. Who wants that sets the variable to 0.
process.env.ORT_DISABLE_TELEMETRY ||= "1";
const ort = await import("onnxruntime-node");

export class Bot extends Client {
  /** Open the bundle in `folder`, every file of it checked. */
  static async load(folder) {
    const bundle = await Bundle.open((name) => read(folder, name), folder);
    for (const name of Object.keys(bundle.manifest.files ?? {})) {
      await bundle.file(name);
    }
    return super.load(ort, bundle, { executionProviders: ["cpu"], logSeverityLevel: 3 });
  }
}

async function read(folder, name) {
  if (!/^\w[\w.-]*$/.test(name)) throw new BundleError(`${folder}: ${name} is no name of a file.`);
  try {
    return await readFile(join(folder, name));
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
    throw new BundleError(`${folder}: ${name} cannot be read (${error.code}).`);
  }
}
