/** What the commands of this folder share: an error becomes one line and an exit code. */

import { BundleError, UsageError } from "./duihua.mjs";

export async function command(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (error.code?.startsWith("ERR_PARSE_ARGS")) error = new UsageError(error.message);
    if (!(error instanceof UsageError || error instanceof BundleError)) throw error;
    console.error(`Error: ${error.message}`);
    process.exitCode = error instanceof UsageError ? 2 : 3;
  }
}
