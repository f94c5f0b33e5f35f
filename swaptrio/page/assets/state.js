// The state after the step of the cursor: the step itself, the tasks, and all keys as tables.

const SECTIONS = [
  ["step", "This step"],
  ["tasks", "Tasks"],
  ["slots", "Swap table"],
  ["folios", "Folios"],
  ["pages", "Page tables"],
  ["groups", "Memory cgroups"],
  ["orders", "Counters by order (mTHP)"],
  ["counters", "Counters"],
  ["devices", "Devices and clusters"],
  ["other", "Other state"],
  ["run", "About this run"],
];
const FIRST_COLUMNS = ["kind", "count", "shadow or folio", "value", "refs", "flags", "mapcount", "memcg", "data"];
const ROW_NAMES = { slots: "slot", folios: "folio", pages: "page", orders: "counter", counters: "counter", groups: "counter" };
const MOST_ROWS = 300;

class State {
  constructor(app) {
    this.app = app;
    this.world = new World(app.recordings);
    this.shapes = new Shapes(this.world.keys, (place) => this.world.valuesOf(place));
    this.tables = this.arrange();
    this.bodies = {};
    this.wide = new Set();
    for (const [name, title] of SECTIONS) this.section(name, title);
    this.bodies.run.append(...app.recordings.map((recording) => aboutRun(app, recording)));
  }

  section(name, title) {
    const body = el("div", { class: "body", id: `section-${name}` });
    const details = el("details", { class: "section", open: name !== "run" },
      el("summary", {}, el("h2", {}, title)), body);
    details.hidden = !["step", "tasks", "run"].includes(name) && !this.tables.has(name);
    this.bodies[name] = body;
    byId("state").append(details);
  }

  // Section, table, row, column: the place of the key.
  arrange() {
    const sections = new Map();
    this.world.keys.forEach((key, place) => {
      const where = this.shapes.place(key);
      const tables = entry(sections, where.section, () => new Map());
      const table = entry(tables, where.table, () => new Map());
      entry(table, where.row, () => new Map()).set(where.column, place);
    });
    for (const name of ["slots", "pages"]) {
      for (const [table, rows] of sections.get(name) ?? []) sections.get(name).set(table, inOrder(rows));
    }
    return sections;
  }

  draw() {
    const focused = document.activeElement?.dataset?.thing;
    this.world.look(this.app.rows, this.app.cursor);
    this.fill("step", this.app.recordings.map((_, side) => stepFacts(this.app, side)));
    this.fill("tasks", this.app.recordings.map((_, side) => tasksTable(this.app, side)));
    for (const [name, tables] of this.tables) {
      this.fill(name, [...tables].map(([title, rows]) => this.table(name, title, rows)));
    }
    if (focused) this.focusOn(focused);
  }

  fill(name, nodes) {
    const drawn = nodes.filter(Boolean);
    const empty = el("p", { class: "empty" }, "nothing");
    this.bodies[name].replaceChildren(...(drawn.length ? drawn : [empty]));
  }

  // The table was made anew, and the button that had the focus with it.
  focusOn(thing) {
    const button = [...byId("state").querySelectorAll("[data-thing]")].find((b) => b.dataset.thing === thing);
    if (button && document.activeElement === document.body) button.focus({ preventScroll: true });
  }

  table(section, title, rows) {
    const lines = [];
    for (const [row, columns] of rows) {
      const cells = this.cells(section, columns);
      if (cells.length) lines.push([row, new Map(cells)]);
    }
    if (!lines.length) return null;
    const columns = columnsOf(lines);
    const whole = this.wide.has(section + title);
    const shownLines = whole ? lines : firstLines(lines);
    const table = el("table", {},
      title && el("caption", {}, short(title, 80)),
      el("thead", {}, el("tr", {}, [ROW_NAMES[section] ?? "", ...columns]
        .map((name) => el("th", { scope: "col" }, short(name, 40))))),
      el("tbody", {}, shownLines.map(([row, cells]) => this.line(section, row, cells, columns))));
    if (shownLines.length === lines.length) return el("div", { class: "wide" }, table);
    return el("div", { class: "wide" }, table, this.more(section + title, lines.length));
  }

  more(name, all) {
    return button(`Show all ${all} rows`, "This can be slow", () => {
      this.wide.add(name);
      this.draw();
    });
  }

  // The columns of a row of which something is there.
  cells(section, columns) {
    const found = [];
    for (const [column, place] of columns) {
      const facts = this.world.facts(place);
      if (!isThere(facts)) continue;
      if (section === "slots" && column === "value") found.push(...slotColumns(facts));
      else found.push([column, facts]);
    }
    return found;
  }

  line(section, row, cells, columns) {
    const touched = [...cells.values()].some((facts) => facts.some((fact) => fact.changed));
    const head = el("th", { scope: "row" },
      touched && el("span", { class: "dot", title: "changed in this step" }, "\u25cf"),
      this.app.thingButton(row, rowText(section, row)));
    return el("tr", { class: touched ? "touched" : undefined }, head,
      columns.map((column) => (cells.has(column)
        ? cell(cells.get(column), column, (value) => this.link(section, column, value))
        : el("td"))));
  }

  // A value that names a folio or a slot can be pressed for its history.
  link(section, column, value) {
    if (typeof value !== "string") return null;
    let thing = /^folio 0x[0-9a-f]+/.exec(value)?.[0] ?? value;
    if (section === "slots" && column === "shadow or folio") thing = `folio ${value}`;
    if (!this.world.things.has(thing) || !/^folio |:\d+$/.test(thing)) return null;
    return this.app.thingButton(thing, value);
  }
}

function entry(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

function inOrder(rows) {
  const number = ([name]) => Number(name.slice(name.lastIndexOf(":") + 1));
  return new Map([...rows].sort((one, two) => number(one) - number(two)));
}

function columnsOf(lines) {
  const found = new Set(lines.flatMap(([, cells]) => [...cells.keys()]));
  const known = FIRST_COLUMNS.filter((name) => found.has(name));
  return [...known, ...[...found].filter((name) => !known.includes(name))];
}

// What changed comes first where not everything is shown.
function firstLines(lines) {
  if (lines.length <= MOST_ROWS) return lines;
  const touched = lines.filter(([, cells]) => [...cells.values()].some((facts) => facts.some((f) => f.changed)));
  return [...touched, ...lines.filter((line) => !touched.includes(line))].slice(0, MOST_ROWS);
}

function rowText(section, row) {
  if (section === "slots" || section === "pages") return row.slice(row.lastIndexOf(":") + 1);
  if (section === "folios") return row.replace(/^folio /, "");
  if (section === "groups") return splitKey(row)[1] || row;
  return row;
}

// What the step of a side did.
function stepFacts(app, side) {
  const recording = app.recordings[side];
  const seq = app.rows.seq(side, app.cursor);
  const box = el("dl", { class: "facts" });
  if (app.recordings.length > 1) fact(box, "trace", app.nameOf(side));
  if (seq === ABSENT) fact(box, "step", "no step here");
  else if (!seq) fact(box, "step", "before the first");
  else facts(app, box, recording, seq);
  return box;
}

function facts(app, box, recording, seq) {
  const object = recording.object(seq);
  fact(box, "step", `${seq} of ${recording.count}` + (recording.times[seq] ? `, at ${recording.times[seq]} ns` : "") +
    (recording.decided.has(seq) ? ", by a decision of the schedule" : ""));
  fact(box, "task", recording.taskName(seq));
  fact(box, "at", el("b", {}, recording.label(seq)));
  fact(box, "operation", el("span", {}, `${recording.kind(seq)} `, object && app.thingButton(object, object)));
  if (recording.option(seq) !== undefined) fact(box, "chose", recording.option(seq));
  if (recording.said(seq)) fact(box, "did", recording.said(seq));
  const window = recording.raw.window.find(([, first, last]) => first <= seq && seq <= last);
  if (window) fact(box, "window", window[0]);
  if (recording.held(seq).length) fact(box, "holds", recording.held(seq).join(", "));
  if (seq === recording.failure) fact(box, "failure", failureText(recording));
  const changes = recording.changes(seq);
  if (changes.length) fact(box, "changed", el("ul", { class: "changes" }, changes.map(changeLine)));
}

function failureText(recording) {
  const { outcome, message } = recording.raw.verdict;
  return el("strong", { class: "cross" }, `\u2717 ${outcome}${message ? `: ${message}` : ""}`);
}

function changeLine(change) {
  return el("li", {}, `${short(change.key)}: `, el("del", {}, short(valueText(change.old, change.now))),
    " \u2192 ", el("ins", {}, short(valueText(change.now, change.old))));
}

function fact(box, name, value) {
  box.append(el("dt", {}, name), el("dd", {}, value));
}

// Where each task stands.
function tasksTable(app, side) {
  const recording = app.recordings[side];
  const seq = app.rows.seqBy(side, app.cursor);
  const acted = app.rows.seq(side, app.cursor) > 0 ? recording.task(seq) : ABSENT;
  const lines = recording.tasks.map((task) => taskLine(app, recording, task, seq, task.place === acted));
  const table = el("table", {},
    app.recordings.length > 1 && el("caption", {}, app.nameOf(side)),
    el("thead", {}, el("tr", {}, ["task", "function", "stands at", "holds", "last step"]
      .map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, lines));
  return el("div", { class: "wide" }, table);
}

function taskLine(app, recording, task, seq, acted) {
  const { last, next, stuck, held } = recording.standing(task.place, seq);
  const row = last && app.rows.rowOf[recording.side][last];
  return el("tr", { class: acted ? "touched" : undefined },
    el("th", { scope: "row" }, acted && el("span", { class: "dot", title: "made this step" }, "\u25cf"),
      short(task.name, 60), task.daemon && el("small", {}, " daemon")),
    el("td", {}, currentFunction(recording, last, next, stuck)),
    el("td", {}, standsAt(recording, last, next, stuck)),
    el("td", {}, short(held.join(", "))),
    el("td", { title: last ? short(recording.label(last)) : undefined },
      last ? app.rowButton(row, `${last}`) : "none"));
}

function currentFunction(recording, last, next, stuck) {
  const label = next ? recording.label(next) : stuck ? stuck[1] : last ? recording.label(last) : "";
  const point = label.lastIndexOf(".");
  return short(point > 0 ? label.slice(0, point) : label, 80);
}

function lastWord(label) {
  return short(label.slice(label.lastIndexOf(".") + 1), 60);
}

function standsAt(recording, last, next, stuck) {
  if (next) return lastWord(recording.label(next));
  if (stuck) return el("strong", { class: "cross" }, short(`waits for ${stuck[2] || "something"}`, 80));
  return last ? "no further step" : "no step";
}

// What is known of the execution as a whole.
function aboutRun(app, recording) {
  const { raw } = recording;
  const box = el("dl", { class: "facts" });
  const plain = { scenario: raw.scenario, variant: raw.variant, seed: raw.seed, digest: raw.digest,
    ending: raw.verdict.outcome, message: raw.verdict.message, tool: raw.tool };
  for (const [name, value] of Object.entries(plain)) if (value) fact(box, name, value);
  if (raw.verdict.waiting.length) fact(box, "waiting", listOf(endingLines(recording).slice(-raw.verdict.waiting.length)));
  if (raw.verdict.cycle.length) fact(box, "circle", [...raw.verdict.cycle, raw.verdict.cycle[0]].join(" \u2192 "));
  if (raw.reports.length) fact(box, "also reported", listOf(raw.reports.map(([check, message]) => `${check}: ${message}`)));
  if (raw.window.length) fact(box, "window", el("ol", {}, raw.window.map((entry) => windowLine(app, recording, entry))));
  fact(box, "decisions", `${recording.decided.size}, at the steps with a star`);
  fact(box, "schedule", el("code", {}, raw.schedule));
  return box;
}

function windowLine(app, recording, [text, first, last]) {
  if (last < first) return el("li", {}, text);
  const row = app.rows.rowOf[recording.side][last];
  return el("li", {}, `${text} `, app.rowButton(row, first === last ? `step ${last}` : `steps ${first} to ${last}`));
}

function listOf(texts) {
  return el("ul", {}, texts.map((text) => el("li", {}, text)));
}
