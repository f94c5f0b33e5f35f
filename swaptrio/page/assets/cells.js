// Values in cells: what stands there, what stood there before this step, and what stands there in
// the other trace. A change is marked by its signs as well as by its colour.

// What each side has behind a key: *was* before the step of the row, *now* after it.
class World {
    constructor(recordings) {
        this.recordings = recordings;
        const known = new Map();
        this.toOwn = recordings.map(() => []);
        recordings.forEach((recording, side) =>
            recording.raw.keys.forEach((key, own) => {
                if (!known.has(key)) known.set(key, known.size);
                this.toOwn[side][known.get(key)] = own;
            }),
        );
        this.keys = [...known.keys()];
        this.known = known;
        this.things = new Set(this.keys.map((key) => splitKey(key)[0]));
    }

    // Look at the state of a row.
    look(rows, row) {
        this.views = this.recordings.map((recording, side) => {
            const seq = rows.seq(side, row);
            const changes = seq > 0 ? recording.changes(seq) : [];
            return {
                recording,
                state: recording.stateAt(rows.seqBy(side, row)),
                changed: new Map(changes.map((change) => [change.place, change])),
            };
        });
    }

    // One fact a side: what is behind the key at *place*.
    facts(place) {
        return this.views.map(({ recording, state, changed }, side) => {
            const own = this.toOwn[side][place];
            if (own === undefined) return { was: undefined, now: undefined, changed: false };
            const change = changed.get(own);
            if (change) return { was: change.old, now: change.now, changed: true };
            const now = recording.value(state[own]);
            return { was: now, now, changed: false };
        });
    }

    // All values that the key at *place* ever has.
    valuesOf(place) {
        if (!this.values) this.values = this.collect();
        return [...this.values[place]];
    }

    collect() {
        const found = this.keys.map(() => new Set());
        for (const recording of this.recordings) {
            const { keys, world, key, now } = recording.raw;
            const places = keys.map((name) => this.known.get(name));
            world.forEach((value, own) => found[places[own]].add(recording.value(value)));
            key.forEach((own, at) => {
                if (now[at] !== ABSENT) found[places[own]].add(recording.value(now[at]));
            });
        }
        return found;
    }
}

// A value in words, where *other* tells what it is if it is not there.
function valueText(value, other) {
    if (value !== undefined) return String(value);
    return typeof other === "number" ? "0" : "-";
}

function isThere(facts) {
    return facts.some((fact) => fact.changed || fact.now !== undefined);
}

// The cell for *facts*; *link* makes of a text what can be pressed.
function cell(facts, column, link) {
    const [fact, twin] = facts;
    const changed = facts.some((one) => one.changed);
    const differs = twin && String(twin.now) !== String(fact.now);
    const node = el("td", { class: changed ? "changed" : differs ? "unlike" : undefined });
    node.append(...contents(fact, column, link));
    if (differs || (twin && twin.changed !== fact.changed)) {
        node.append(
            el(
                "span",
                { class: "twin", title: "in the second trace" },
                "B ",
                ...contents(twin, column, link),
            ),
        );
    }
    return node;
}

function contents(fact, column, link) {
    if (column === "flags") return flagContents(fact);
    if (!fact.changed) return [shown(fact.now, link)];
    return [
        el("del", {}, short(valueText(fact.was, fact.now))),
        " \u2192 ",
        el("ins", {}, shown(valueText(fact.now, fact.was), link)),
    ];
}

function shown(value, link) {
    return link(value) || short(value === undefined ? "" : String(value));
}

// A set of words: those that came and those that went are marked.
function flagContents({ was, now }) {
    const before = wordsOf(was);
    const after = wordsOf(now);
    return [
        ...after.map((word) =>
            before.includes(word) ? `${word} ` : el("ins", {}, `+${word} `),
        ),
        ...before
            .filter((word) => !after.includes(word))
            .map((word) => el("del", {}, `-${word} `)),
    ];
}

function wordsOf(text) {
    return text === undefined ? [] : String(text).split(/\s+/).filter(Boolean);
}

// The word of a slot in its parts: s1:101, f0:0x1000, f1z, b.
const KINDS = { s: "shadow", f: "folio", b: "bad", "-": "free" };

function slotParts(word) {
    const parts = /^([sfb-])(\d*)(z?)(?::([^]*))?$/.exec(String(word ?? "-"));
    if (!parts) return { kind: String(word) };
    const [, kind, number, zero, holds] = parts;
    return { kind: KINDS[kind] + (zero ? ", zero" : ""), count: number || undefined, holds };
}

// The columns that a fact about a slot makes.
function slotColumns(facts) {
    const columns = [
        ["kind", "kind"],
        ["count", "count"],
        ["shadow or folio", "holds"],
    ];
    return columns.map(([name, part]) => [
        name,
        facts.map((fact) => {
            const was = slotParts(fact.was)[part];
            const now = slotParts(fact.now)[part];
            return { was, now, changed: fact.changed && was !== now };
        }),
    ]);
}
