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
    ["help", "Keys and signs"],
];
const CLOSED = ["run", "help"]; // until somebody opens them
const ALWAYS = ["step", "tasks", "run", "help"];
const FIRST_COLUMNS = [
    "kind",
    "count",
    "shadow or folio",
    "value",
    "refs",
    "flags",
    "mapcount",
    "memcg",
    "data",
];
const ROW_NAMES = {
    slots: "slot",
    folios: "folio",
    pages: "page",
    orders: "counter",
    counters: "counter",
    groups: "counter",
};
const MOST_ROWS = 300;

class State {
    constructor(app) {
        this.app = app;
        this.world = new World(app.recordings);
        this.shapes = new Shapes(this.world.keys, (place) => this.world.valuesOf(place));
        this.tables = this.arrange();
        this.bodies = {};
        this.wide = new Set();
        this.drawn = new Map();
        for (const [name, title] of SECTIONS) this.section(name, title);
        this.bodies.help.append(helpList());
        this.bodies.run.append(...app.recordings.map((recording) => aboutRun(app, recording)));
    }

    section(name, title) {
        const body = el("div", { class: "body", id: `section-${name}` });
        const details = el(
            "details",
            { class: "section", open: !CLOSED.includes(name) },
            el("summary", {}, el("h2", {}, title)),
            body,
        );
        details.hidden = !ALWAYS.includes(name) && !this.tables.has(name);
        this.bodies[name] = body;
        byId("state").append(details);
    }

    // Section, table, row, column: the place of the key.
    arrange() {
        const sections = new Map();
        this.world.keys.forEach((key, place) => {
            const found = this.shapes.place(key);
            const tables = ensure(sections, found.section, () => new Map());
            const table = ensure(tables, found.table, () => new Map());
            ensure(table, found.row, () => new Map()).set(found.column, place);
        });
        for (const name of ["slots", "pages"]) {
            for (const [table, rows] of sections.get(name) ?? [])
                sections.get(name).set(table, inOrder(rows));
        }
        return sections;
    }

    draw() {
        const focused = document.activeElement?.dataset?.thing;
        this.world.look(this.app.rows, this.app.cursor);
        this.fill(
            "step",
            this.app.recordings.map((_, side) => stepFacts(this.app, side)),
        );
        this.fill(
            "tasks",
            this.app.recordings.map((_, side) => tasksTable(this.app, side)),
        );
        for (const [name, tables] of this.tables) {
            this.fill(
                name,
                [...tables].map(([title, rows]) => this.table(name, title, rows)),
            );
        }
        if (focused) this.focusOn(focused);
    }

    fill(name, nodes) {
        const drawn = nodes.filter(Boolean);
        if (!drawn.length) drawn.push(el("p", { class: "empty" }, "nothing"));
        const body = this.bodies[name];
        const same =
            drawn.length === body.childNodes.length &&
            drawn.every((node, place) => node === body.childNodes[place]);
        if (!same) body.replaceChildren(...drawn);
    }

    // The table was made anew, and the button that had the focus with it.
    focusOn(thing) {
        const found = [...byId("state").querySelectorAll("[data-thing]")].find(
            (b) => b.dataset.thing === thing,
        );
        if (found && document.activeElement === document.body)
            found.focus({ preventScroll: true });
    }

    table(section, title, rows) {
        const lines = [];
        for (const [row, columns] of rows) {
            const cells = this.cells(section, columns);
            if (cells.length) lines.push([row, new Map(cells)]);
        }
        if (!lines.length) return null;
        const name = `${section}\n${title}`;
        const columns = columnsOf(lines);
        const some = this.wide.has(name) ? lines : firstLines(lines);
        const shape = JSON.stringify([columns, some.map(([row]) => row), lines.length]);
        const drawn = this.drawn.get(name);
        if (drawn && drawn.shape === shape) this.renew(drawn, section, some, columns);
        else
            this.drawn.set(
                name,
                this.build(name, section, title, some, columns, lines.length, shape),
            );
        return this.drawn.get(name).box;
    }

    build(name, section, title, lines, columns, all, shape) {
        const rows = lines.map(([row, cells]) => ({
            sign: JSON.stringify([...cells]),
            node: this.line(section, row, cells, columns),
        }));
        const heads = [ROW_NAMES[section] ?? "", ...columns];
        const nodes = rows.map(({ node }) => node);
        const table = tableOf("keys", title, heads, nodes);
        const more = lines.length < all && this.more(name, all);
        return { shape, rows, box: el("div", { class: "wide" }, table, more) };
    }

    // A table with the same rows and columns as before: only rows that look different are made
    // anew. A step changes two or three of perhaps hundreds.
    renew(drawn, section, lines, columns) {
        lines.forEach(([row, cells], place) => {
            const line = drawn.rows[place];
            const sign = JSON.stringify([...cells]);
            if (line.sign === sign) return;
            const node = this.line(section, row, cells, columns);
            line.node.replaceWith(node);
            Object.assign(line, { sign, node });
        });
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
        const head = el(
            "th",
            { scope: "row" },
            touched && el("span", { class: "dot", title: "changed in this step" }, "\u25cf"),
            this.app.thingButton(row, rowText(section, row)),
        );
        return el(
            "tr",
            { class: touched ? "touched" : undefined },
            head,
            columns.map((column) =>
                cells.has(column)
                    ? cell(cells.get(column), column, (value) =>
                          this.link(section, column, value),
                      )
                    : el("td"),
            ),
        );
    }

    // A value that names a folio or a slot can be pressed for its history.
    link(section, column, value) {
        if (typeof value !== "string") return null;
        let thing = /^(?:folio 0x[0-9a-f]+|\S+:\d+)/.exec(value)?.[0] ?? value;
        if (section === "slots" && column === "shadow or folio") thing = `folio ${value}`;
        if (!this.world.things.has(thing) || !/^folio |:\d+$/.test(thing)) return null;
        return this.app.thingButton(thing, value);
    }
}

function ensure(map, key, make) {
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
    const touched = lines.filter(([, cells]) =>
        [...cells.values()].some((facts) => facts.some((f) => f.changed)),
    );
    return [...touched, ...lines.filter((line) => !touched.includes(line))].slice(0, MOST_ROWS);
}

function rowText(section, row) {
    if (section === "slots" || section === "pages") return row.slice(row.lastIndexOf(":") + 1);
    if (section === "folios") return row.replace(/^folio /, "");
    if (section === "groups") return splitKey(row)[1] || row;
    return row;
}
