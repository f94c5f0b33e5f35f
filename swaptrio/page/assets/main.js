// The page: a cursor on a row, and everything that follows it.

const SCROLLING = ["PageUp", "PageDown", "Home", "End"];
const SAY_AFTER = 200; // milliseconds; who holds an arrow key down hears the last step only

class App {
    constructor(data) {
        this.data = data;
        this.recordings = data.traces.map((raw, side) => new Recording(raw, side));
        this.rows = new Rows(this.recordings, data.pair);
        this.failures = new Set(
            this.recordings.flatMap((recording, side) =>
                recording.failure ? [this.rows.rowOf[side][recording.failure]] : [],
            ),
        );
        this.cursor = 0;
        this.matches = new Set();
        this.found = [];
        this.touched = new Set();
        this.query = "";
        this.follow = inNextFrame(() => this.drawAll());
    }

    begin() {
        this.heading();
        this.state = new State(this);
        this.history = new History(this);
        this.lanes = new Lanes(this);
        this.overview = new Overview(this);
        this.printed = new Printed(this);
        this.tools();
        this.keys();
        this.slider();
        this.go(this.opening(), true);
        this.drawAll();
        document.documentElement.dataset.ready = String(Math.round(performance.now()));
    }

    // Where the page opens: where two traces part, or at the failure, or at the start.
    opening() {
        return this.rows.divergence || [...this.failures][0] || 0;
    }

    nameOf(side) {
        const { scenario, variant } = this.recordings[side].raw;
        const name = [scenario || "trace", variant].filter(Boolean).join(", ");
        return this.recordings.length > 1 ? `${"AB"[side]}: ${name}` : name;
    }

    heading() {
        byId("title").textContent = visible(this.data.title);
        byId("verdicts").append(
            ...this.recordings.map((recording, side) => this.verdict(recording, side)),
        );
    }

    verdict(recording, side) {
        const { verdict } = recording.raw;
        const told = `${verdict.broken ? "\u2717 " : ""}${verdict.outcome}`;
        return el(
            "p",
            { class: `verdict${verdict.broken ? " broken" : ""}` },
            this.recordings.length > 1 && `${this.nameOf(side)}: `,
            el("strong", {}, told),
            verdict.message && ` ${short(verdict.message, 1000)}`,
            el(
                "span",
                { class: "told" },
                ` ${count(recording.count, "step")}, ${count(recording.tasks.length, "task")}`,
            ),
        );
    }

    // Move the cursor to a row, or to the shown row before it.
    go(row, quiet = false) {
        const place = Math.max(0, Math.min(this.rows.places - 1, this.rows.placeOf(row)));
        const next = this.rows.rowAt(place);
        if (next === this.cursor && !quiet) return;
        this.cursor = next;
        byId("slider").value = String(place);
        this.lanes.reveal();
        this.follow();
    }

    move(places) {
        const place = this.rows.placeOf(this.cursor) + places;
        this.go(this.rows.rowAt(Math.max(0, Math.min(this.rows.places - 1, place))));
    }

    // Something other than the cursor changed.
    changed() {
        this.lanes.draw();
        this.overview.draw();
    }

    drawAll() {
        this.lanes.drawNow();
        this.overview.drawNow();
        this.state.draw();
        this.history.follow();
        this.position();
    }

    position() {
        const slider = byId("slider");
        const text = this.describe(this.cursor);
        slider.setAttribute("aria-valuetext", short(text));
        byId("position").textContent = this.cursorText();
        clearTimeout(this.saying);
        this.saying = setTimeout(() => {
            byId("say").textContent = short(text);
        }, SAY_AFTER);
    }

    cursorText() {
        return this.recordings
            .map((recording, side) => {
                const name = this.recordings.length > 1 ? `${"AB"[side]} ` : "";
                return `${name}${this.rows.seqBy(side, this.cursor)}/${recording.count}`;
            })
            .join("  ");
    }

    // A row in one sentence.
    describe(row) {
        const told = this.recordings.map((recording, side) => {
            const seq = this.rows.seq(side, row);
            const name = this.recordings.length > 1 ? `${"AB"[side]}: ` : "";
            return name + describeStep(recording, seq);
        });
        if (row && row === this.rows.divergence) told.push("first difference");
        return told.join("; ");
    }

    // A button for the history of a thing, and one for a row.
    thingButton(thing, text) {
        return button(
            short(text, 80),
            `History of ${short(thing, 120)}`,
            () => this.history.open(thing),
            { class: "link", "data-thing": thing },
        );
    }

    rowButton(row, text) {
        return button(text, `Go to ${text}`, () => this.go(row), { class: "link" });
    }

    tools() {
        byId("moves").append(
            button("|\u25c0", "Before the first step (Home)", () => this.go(0)),
            button("\u25c0", "One step back (Left)", () => this.move(-1)),
            button("\u25b6", "One step on (Right)", () => this.move(1)),
            button("\u25b6|", "Last step (End)", () => this.go(this.rows.count - 1)),
        );
        for (const [text, row, title] of this.places()) {
            byId("jumps").append(button(text, title, () => this.go(row)));
        }
        const names = new Set(
            this.recordings.flatMap((recording) =>
                activeTasks(recording).map((task) => task.name),
            ),
        );
        byId("who").append(
            el("option", { value: "" }, "all tasks"),
            ...[...names].map((name) => el("option", { value: name }, short(name, 60))),
        );
        byId("query").addEventListener(
            "input",
            inNextFrame(() => this.search()),
        );
        byId("only").addEventListener("change", () => this.search());
        byId("who").addEventListener("change", () => this.search());
    }

    // What is worth a button of its own.
    places() {
        const found = [];
        this.recordings.forEach((recording, side) => {
            const of = this.recordings.length > 1 ? ` ${"AB"[side]}` : "";
            const rowOf = this.rows.rowOf[side];
            if (recording.windowEnd)
                found.push([
                    `Window end${of}`,
                    rowOf[recording.windowEnd],
                    "Last step of the window",
                ]);
            if (recording.failure)
                found.push([
                    `Failure${of}`,
                    rowOf[recording.failure],
                    "The step that failed (f)",
                ]);
        });
        if (this.rows.divergence)
            found.push([
                "First difference",
                this.rows.divergence,
                "The first row that differs (d)",
            ]);
        return found;
    }

    slider() {
        const slider = byId("slider");
        slider.max = String(this.rows.places - 1);
        slider.addEventListener("input", () => this.go(this.rows.rowAt(Number(slider.value))));
    }

    search() {
        const query = byId("query").value;
        const tests = this.recordings.map((recording) => matcher(recording, query));
        this.found = matchingRows(this.rows, tests);
        this.matches = new Set(this.found);
        const only = byId("only").checked && tests[0] !== null;
        const task = byId("who").value;
        this.rows.filter(
            only || task
                ? (row) => (!only || this.matches.has(row)) && this.isOf(row, task)
                : null,
        );
        if (query !== this.query) this.nextMatch(1, true);
        this.query = query;
        this.refiltered();
    }

    isOf(row, task) {
        return (
            !task ||
            this.recordings.some(
                (recording, side) =>
                    this.rows.seq(side, row) > 0 &&
                    recording.taskName(this.rows.seq(side, row)) === task,
            )
        );
    }

    refiltered() {
        byId("slider").max = String(this.rows.places - 1);
        this.lanes.measure();
        this.go(this.cursor, true);
        this.tellFound();
        this.overview.refresh();
    }

    tellFound() {
        const query = byId("query").value.trim();
        const place = this.matches.has(this.cursor)
            ? `${countUpTo(this.found, this.cursor)} of `
            : "";
        byId("found").textContent = query
            ? place + count(this.found.length, "match").replace(/matchs$/, "matches")
            : "";
    }

    // The next or the previous match, round the ends; *stay* if the cursor is on one already.
    nextMatch(direction, stay = false) {
        const found = this.found.filter((row) => this.rows.isShown(row));
        if (!found.length || (stay && this.matches.has(this.cursor))) return this.tellFound();
        const before = countUpTo(found, this.cursor);
        const at =
            direction > 0 ? before : before - (found[before - 1] === this.cursor ? 2 : 1);
        this.go(found[(at + found.length) % found.length]);
        return this.tellFound();
    }

    keys() {
        const page = () => this.lanes.page;
        const actions = {
            ArrowRight: () => this.move(1),
            ArrowDown: () => this.move(1),
            ArrowLeft: () => this.move(-1),
            ArrowUp: () => this.move(-1),
            PageDown: () => this.move(page()),
            PageUp: () => this.move(-page()),
            Home: () => this.go(0),
            End: () => this.go(this.rows.count - 1),
            "/": () => byId("query").focus(),
            n: () => this.nextMatch(1),
            N: () => this.nextMatch(-1),
            f: () => this.failures.size && this.go([...this.failures][0]),
            d: () => this.rows.divergence && this.go(this.rows.divergence),
            Escape: () => this.history.close(),
        };
        addEventListener("keydown", (event) => this.key(event, actions));
        byId("query").addEventListener("keydown", (event) => this.keyInQuery(event));
    }

    key(event, actions) {
        if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
        if (isForTyping(event.target) && event.key !== "Escape") return;
        // Beside the lanes these keys scroll what does not fit, as anywhere.
        if (SCROLLING.includes(event.key) && event.target.closest("#panel")) return;
        const action = actions[event.key];
        if (!action) return;
        event.preventDefault();
        action();
    }

    keyInQuery(event) {
        if (event.key === "Enter") this.nextMatch(event.shiftKey ? -1 : 1);
        else if (event.key === "Escape") byId("steps").focus();
        else return;
        event.preventDefault();
    }
}

function describeStep(recording, seq) {
    if (seq === ABSENT) return "no step";
    if (!seq) return "before the first step";
    const failed = seq === recording.failure ? `, ${recording.raw.verdict.outcome}` : "";
    const said = recording.said(seq) ? `, ${recording.said(seq)}` : "";
    return `step ${seq}, ${recording.taskName(seq)} at ${recording.label(seq)}${said}${failed}`;
}

// Whether keys belong to the element that has the focus.
function isForTyping(node) {
    return node.matches("select, textarea, input[type=search]");
}

const app = new App(JSON.parse(byId("data").textContent));
app.begin();
