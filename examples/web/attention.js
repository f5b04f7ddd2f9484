/** The attention of a reply as a table of colours: a row for each token, a column for each it read. */

const CAPTION = "行是回复，列是读到的话；颜色越浓，看得越重。";
const SHOWN = { " ": "␣", "<eos>": "终", "<unk>": "？" };
const ARROWS = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

const shown = (token) => SHOWN[token] ?? token;

/** Return the table; `tell` hears a sentence on the cell that is pointed at or has the focus. */
export function heatMap({ tokens, attention, source }, tell) {
  const table = document.createElement("table");
  table.className = "heat";
  table.setAttribute("role", "grid");
  table.createCaption().textContent = CAPTION;
  const head = table.createTHead().insertRow();
  head.append(document.createElement("td"), ...source.tokens.map((token) => header("col", token)));
  const body = table.createTBody();
  attention.forEach((weights, row) => {
    const line = body.insertRow();
    line.append(header("row", tokens[row]));
    weights.forEach((weight, column) => {
      const cell = line.insertCell();
      cell.textContent = (100 * weight).toFixed(0);
      cell.style.setProperty("--weight", weight);
      cell.tabIndex = row || column ? -1 : 0;
      const [to, from] = [shown(tokens[row]), shown(source.tokens[column])];
      cell.dataset.sentence = `写“${to}”时，看“${from}”的权重是 ${(100 * weight).toFixed(1)}%`;
    });
  });
  for (const type of ["focusin", "mouseover"]) {
    body.addEventListener(type, ({ target }) => {
      if (target.dataset.sentence) tell(target.dataset.sentence);
    });
  }
  body.addEventListener("keydown", (event) => move(event, body));
  return table;
}

function header(scope, token) {
  const cell = document.createElement("th");
  cell.scope = scope;
  cell.title = token;
  cell.append(Object.assign(document.createElement("bdi"), { textContent: shown(token) }));
  return cell;
}

/** Arrow keys walk through the cells; only one of them is a stop of the Tab key. */
function move(event, body) {
  const step = ARROWS[event.key];
  if (!step) return;
  event.preventDefault();
  const cell = event.target;
  const row = body.rows[cell.parentNode.sectionRowIndex + step[0]];
  const next = row?.cells[cell.cellIndex + step[1]];
  if (next?.tagName !== "TD") return;
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
