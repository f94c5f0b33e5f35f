// Search: words that a step must all have, each anywhere or, with a field in front, only there.
// A word is looked for once in each text of the table, and then steps only compare numbers.

const FIELDS = ["task", "label", "object", "kind", "lock", "key"];
const WORD = /(?:([a-z]+):)?(?:"([^"]*)"|(\S+))/gi;

function parseQuery(query) {
    const words = [];
    for (const [whole, field, quoted, bare] of query.matchAll(WORD)) {
        const known = field !== undefined && FIELDS.includes(field.toLowerCase());
        const text = known ? (quoted ?? bare) : (quoted ?? whole);
        words.push({ field: known ? field.toLowerCase() : "", text: text.toLowerCase() });
    }
    return words;
}

// A test of steps of *recording*; null where *query* asks for nothing.
function matcher(recording, query) {
    const tests = parseQuery(query).map((word) => wordTest(recording, word));
    if (!tests.length) return null;
    return (seq) => tests.every((test) => test(seq));
}

function wordTest(recording, { field, text }) {
    const places = fieldTests(recording, text);
    if (field) return places[field]();
    const { texts, said } = recording.raw;
    const all = [
        places.task(),
        places.label(),
        places.object(),
        places.key(),
        columnTest(flags(texts, text), said),
    ];
    return (seq) => all.some((test) => test(seq));
}

// For each field what makes its test.
function fieldTests(recording, text) {
    const { raw } = recording;
    const names = raw.tasks.map(([name]) => name);
    const sets = raw.locksets.map((locks) => locks.join("\n"));
    return {
        task: () => columnTest(flags(names, text), raw.task),
        label: () => columnTest(flags(raw.texts, text), raw.label),
        object: () => columnTest(flags(raw.texts, text), raw.object),
        kind: () => columnTest(flags(raw.kinds, text), raw.kind),
        lock: () => lockTest(recording, flags(sets, text), flags(raw.texts, text)),
        key: () => changeTest(recording, flags(raw.keys, text)),
    };
}

function flags(texts, wanted) {
    return Uint8Array.from(texts, (text) => (text.toLowerCase().includes(wanted) ? 1 : 0));
}

function columnTest(wanted, column) {
    return (seq) => wanted[column[seq - 1]] === 1;
}

// Whether a lock is held after the step, or taken or given back in it.
function lockTest({ raw }, held, wanted) {
    const locking = flags(raw.kinds, "lock");
    return (seq) =>
        held[raw.held[seq - 1]] === 1 ||
        (locking[raw.kind[seq - 1]] === 1 && wanted[raw.object[seq - 1]] === 1);
}

function changeTest(recording, wanted) {
    const { start, raw } = recording;
    return (seq) => {
        for (let at = start[seq]; at < start[seq + 1]; at++)
            if (wanted[raw.key[at]]) return true;
        return false;
    };
}

// The rows of which a side has a step that passes the test of that side.
function matchingRows(rows, tests) {
    const found = [];
    if (!tests[0]) return found;
    for (let row = 1; row < rows.count; row++) {
        const hit = tests.some(
            (test, side) => rows.seq(side, row) > 0 && test(rows.seq(side, row)),
        );
        if (hit) found.push(row);
    }
    return found;
}
