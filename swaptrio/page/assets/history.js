// The history of a thing: a slot, a folio, a lock, a counter. Every step that changed one of its
// keys, that had it as its object, or that changed a value in which its name stands.

const MOST_ENTRIES = 200;

class History {
    constructor(app) {
        this.app = app;
        this.box = byId("history");
        this.thing = null;
    }

    open(thing) {
        this.thing = thing;
        this.found = this.app.recordings.map((recording) => stepsOf(recording, thing));
        this.app.touched = this.rowsTouched();
        this.from = null;
        this.box.hidden = false;
        this.draw();
        this.box.scrollIntoView({ block: "nearest" });
        this.box.querySelector("h2").focus();
        this.app.changed();
    }

    close() {
        if (!this.thing) return;
        const thing = this.thing;
        this.thing = null;
        this.box.hidden = true;
        this.box.replaceChildren();
        this.app.touched = new Set();
        this.app.changed();
        const opener = [...byId("state").querySelectorAll("[data-thing]")].find(
            (b) => b.dataset.thing === thing,
        );
        (opener ?? byId("steps")).focus({ preventScroll: true });
    }

    rowsTouched() {
        const rows = this.found.flatMap((steps, side) =>
            steps.map((seq) => this.app.rows.rowOf[side][seq]),
        );
        return new Set(rows.sort((one, two) => one - two));
    }

    draw() {
        const close = button("Close", "Close the history (Escape)", () => this.close());
        const head = el(
            "h2",
            { tabindex: "-1" },
            "History of ",
            el("b", {}, short(this.thing, 80)),
        );
        const lists = this.found.map((steps, side) => this.list(steps, side));
        this.box.replaceChildren(el("div", { class: "head" }, head, close), ...lists.flat());
        this.follow();
    }

    // At most some hundred entries: those around the cursor, with buttons for more.
    list(steps, side) {
        const several = this.app.recordings.length > 1;
        const caption = el(
            "p",
            { class: "told" },
            several ? `${this.app.nameOf(side)}: ` : "",
            count(steps.length, "step"),
        );
        const here =
            this.from ??
            Math.max(
                0,
                countUpTo(steps, this.app.rows.seqBy(side, this.app.cursor)) - MOST_ENTRIES / 2,
            );
        const start = Math.max(0, Math.min(here, steps.length - MOST_ENTRIES));
        const some = steps.slice(start, start + MOST_ENTRIES);
        const entries = el(
            "ol",
            { class: "entries" },
            some.map((seq) => this.entry(side, seq)),
        );
        return [
            caption,
            this.turn(start > 0, "Earlier steps", start - MOST_ENTRIES),
            entries,
            this.turn(start + MOST_ENTRIES < steps.length, "Later steps", start + MOST_ENTRIES),
        ];
    }

    turn(needed, text, from) {
        if (!needed) return "";
        return button(text, text, () => {
            this.from = Math.max(0, from);
            this.draw();
        });
    }

    entry(side, seq) {
        const recording = this.app.recordings[side];
        const row = this.app.rows.rowOf[side][seq];
        const changes = recording
            .changes(seq)
            .filter((change) => concerns(change, this.thing, namePattern(this.thing)));
        return el(
            "li",
            { "data-row": row },
            this.app.rowButton(row, `${seq}`),
            " ",
            el("span", { class: "who" }, short(recording.taskName(seq), 60)),
            " ",
            short(recording.label(seq), 120),
            changes.length
                ? el(
                      "ul",
                      { class: "changes" },
                      changes.map((change) => changeLine(change)),
                  )
                : ` (${recording.kind(seq)})`,
        );
    }

    // Mark the entry of the cursor's step.
    follow() {
        if (!this.thing) return;
        for (const entry of this.box.querySelectorAll("li[data-row]")) {
            const here = Number(entry.dataset.row) === this.app.cursor;
            if (here) entry.setAttribute("aria-current", "step");
            else entry.removeAttribute("aria-current");
        }
    }
}

function stepsOf(recording, thing) {
    const { raw, start } = recording;
    const pattern = namePattern(thing);
    const keys = raw.keys.map((key) => belongs(key, thing));
    const values = raw.values.map((value) => typeof value === "string" && pattern.test(value));
    const object = raw.texts.map((text) => text === thing);
    const found = [];
    for (let seq = 1; seq <= recording.count; seq++) {
        let hit = object[raw.object[seq - 1]];
        for (let at = start[seq]; at < start[seq + 1] && !hit; at++) {
            hit = keys[raw.key[at]] || values[raw.now[at]] || values[recording.old[at]];
        }
        if (hit) found.push(seq);
    }
    return found;
}

function concerns(change, thing, pattern) {
    return (
        belongs(change.key, thing) ||
        [change.old, change.now].some(
            (value) => typeof value === "string" && pattern.test(value),
        )
    );
}

function belongs(key, thing) {
    return key === thing || splitKey(key)[0] === thing;
}

// The name as a whole word; slots name a folio by its number alone.
function namePattern(thing) {
    const name = thing.replace(/^folio (?=0x)/, "").replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
    return new RegExp(`(?<![\\w:.-])${name}(?![\\w.-])|:${name}(?![\\w.-])`);
}
