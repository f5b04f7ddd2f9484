/** The proof of a client: it gives what the bundle's golden.jsonl promises. */

/** How far a score may stand from its golden value: rounding differs between machines. */
const SCORE_TOLERANCE = 0.01;

/** Run every line of golden.jsonl; return how many there are and the differences, as sentences. */
export async function verify(bot) {
  const text = new TextDecoder().decode(await bot.bundle.file("golden.jsonl"));
  const lines = text.split("\n").filter(Boolean);
  const differences = [];
  for (const [index, line] of lines.entries()) {
    const promised = JSON.parse(line);
    const found = await bot.reply(promised.text, promised.decoding);
    for (const difference of compare(found, promised)) {
      differences.push(`golden.jsonl, line ${index + 1}: ${difference}`);
    }
  }
  return { cases: lines.length, differences };
}

function* compare({ source, candidates }, promised) {
  yield* unequal("source", source.ids, promised.ids);
  yield* unequal("number of replies", candidates.length, promised.replies.length);
  for (const [k, reply] of promised.replies.slice(0, candidates.length).entries()) {
    const { ids, text, score } = candidates[k];
    yield* unequal(`ids of reply ${k + 1}`, ids, reply.ids);
    yield* unequal(`text of reply ${k + 1}`, text, reply.text);
    const near = Math.abs(score - reply.score) <= SCORE_TOLERANCE; // not so for NaN
    if (!near) yield `score of reply ${k + 1} is ${score}, expected ${reply.score}`;
  }
}

function* unequal(what, found, expected) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) yield `${what} is ${a}, expected ${b}`;
}
