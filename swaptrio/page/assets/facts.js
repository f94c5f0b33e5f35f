// What is told in words: the step of the cursor, the tasks, the run as a whole, and the keys.

const HELP = {
    "\u2190 \u2192 \u2191 \u2193": "one step back or on",
    "Page Up, Page Down": "one page back or on; in the state they scroll",
    "Home, End": "before the first step, to the last; in the state they scroll",
    "/": "search; Enter for the next match, Shift and Enter for the one before",
    "n, N": "the next match, the one before",
    "f, d": "the failure, the first difference",
    Escape: "close the history",
    bar: "a lock held; its name is in its hint, and under Tasks",
    "line with a head": "a message (solid), a wake-up (dashed), a lock handed over (dotted)",
    shaded: "the steps of the window; a dotted line ends each of its entries",
    "*": "a decision of the schedule led to this step",
    "\u25cf": "changed in this step; or, beside a step, part of the history that is open",
    "\u2260": "the first difference between two traces",
    "\u2717": "the failure",
};

// What the step of a side did.
function stepFacts(app, side) {
    const recording = app.recordings[side];
    const seq = app.rows.seq(side, app.cursor);
    const box = el("dl", { class: "facts" });
    if (app.recordings.length > 1) addFact(box, "trace", app.nameOf(side));
    if (seq === ABSENT) addFact(box, "step", "no step here");
    else if (!seq) addFact(box, "step", "before the first");
    else tellStep(app, box, recording, seq);
    return box;
}

function tellStep(app, box, recording, seq) {
    const object = recording.object(seq);
    addFact(box, "step", whichStep(recording, seq));
    addFact(box, "task", recording.taskName(seq));
    addFact(box, "at", el("b", {}, recording.label(seq)));
    addFact(
        box,
        "operation",
        el("span", {}, `${recording.kind(seq)} `, object && app.thingButton(object, object)),
    );
    if (recording.option(seq) !== undefined) addFact(box, "chose", recording.option(seq));
    const window = recording.raw.window.find(([, first, last]) => first <= seq && seq <= last);
    if (window) addFact(box, "window", window[0]);
    if (recording.held(seq).length) addFact(box, "holds", recording.held(seq).join(", "));
    if (seq === recording.failure) addFact(box, "failure", failureText(recording));
    const changes = recording.changes(seq).map((change) => changeLine(change, app));
    if (changes.length) addFact(box, "changed", el("ul", { class: "changes" }, changes));
    else addFact(box, "did", recording.said(seq) || "nothing that others see");
}

function whichStep(recording, seq) {
    const time = recording.times[seq] ? `, at ${recording.times[seq]} ns` : "";
    const decided = recording.decided.has(seq) ? ", by a decision of the schedule" : "";
    return `${seq} of ${recording.count}${time}${decided}`;
}

function failureText(recording) {
    const { outcome, message } = recording.raw.verdict;
    return el(
        "strong",
        { class: "cross" },
        `\u2717 ${outcome}${message ? `: ${message}` : ""}`,
    );
}

function changeLine(change, app) {
    const [thing, field] = splitKey(change.key);
    const key = app ? app.thingButton(thing, change.key) : short(change.key);
    const fact = { was: change.old, now: change.now, changed: true };
    return el("li", {}, key, ": ", ...contents(fact, field, () => null));
}

function addFact(box, name, value) {
    box.append(el("dt", {}, name), el("dd", {}, value));
}

// Where each task stands.
function tasksTable(app, side) {
    const recording = app.recordings[side];
    const seq = app.rows.seqBy(side, app.cursor);
    const acted = app.rows.seq(side, app.cursor) > 0 ? recording.task(seq) : ABSENT;
    const lines = recording.tasks.map((task) =>
        taskLine(app, recording, task, seq, task.place === acted),
    );
    const caption = app.recordings.length > 1 && app.nameOf(side);
    const heads = ["task", "function", "stands at", "holds", "last step"];
    return el("div", { class: "wide" }, tableOf("tasks", caption, heads, lines));
}

function taskLine(app, recording, task, seq, acted) {
    const { last, next, stuck, held } = recording.standing(task.place, seq);
    const row = last && app.rows.rowOf[recording.side][last];
    return el(
        "tr",
        { class: acted ? "touched" : undefined },
        el(
            "th",
            { scope: "row" },
            acted && el("span", { class: "dot", title: "made this step" }, "\u25cf"),
            short(task.name, 60),
            task.daemon && el("small", {}, " daemon"),
        ),
        el("td", {}, currentFunction(recording, last, next, stuck)),
        el("td", {}, standsAt(recording, last, next, stuck)),
        el("td", {}, short(held.join(", "))),
        el(
            "td",
            { title: last ? short(recording.label(last)) : undefined },
            last ? app.rowButton(row, `${last}`) : "none",
        ),
    );
}

function currentFunction(recording, last, next, stuck) {
    const label = next
        ? recording.label(next)
        : stuck
          ? stuck[1]
          : last
            ? recording.label(last)
            : "";
    const point = label.lastIndexOf(".");
    return short(point > 0 ? label.slice(0, point) : label, 80);
}

function lastWord(label) {
    return short(label.slice(label.lastIndexOf(".") + 1), 60);
}

function standsAt(recording, last, next, stuck) {
    if (next) return lastWord(recording.label(next));
    if (stuck)
        return el(
            "strong",
            { class: "cross" },
            short(`waits for ${stuck[2] || "something"}`, 80),
        );
    return last ? "no further step" : "no step";
}

// What is known of the execution as a whole.
function aboutRun(app, recording) {
    const box = el("dl", { class: "facts" });
    for (const [name, value] of Object.entries(runFacts(app, recording)))
        if (value) addFact(box, name, value);
    return box;
}

// What there is to say of a run; what is empty is not said.
function runFacts(app, recording) {
    const { raw, decided } = recording;
    const { outcome, message, waiting, cycle } = raw.verdict;
    return {
        trace: app.recordings.length > 1 && app.nameOf(recording.side),
        scenario: raw.scenario,
        variant: raw.variant,
        seed: raw.seed,
        digest: raw.digest,
        ending: outcome,
        message,
        waiting: listOf("ul", waiting.map(waitingText)),
        circle: cycle.length > 0 && [...cycle, cycle[0]].join(" \u2192 "),
        "also reported": listOf(
            "ul",
            raw.reports.map((report) => report.join(": ")),
        ),
        window: listOf(
            "ol",
            raw.window.map((entry) => windowLine(app, recording, entry)),
        ),
        decisions: `${decided.size}, at the steps with a star`,
        schedule: el("code", {}, raw.schedule),
        "recorded by": `swaptrio ${raw.tool}`,
    };
}

function windowLine(app, recording, [text, first, last]) {
    if (last < first) return text;
    const row = app.rows.rowOf[recording.side][last];
    const steps = first === last ? `step ${last}` : `steps ${first} to ${last}`;
    return el("span", {}, `${text} `, app.rowButton(row, steps));
}

function helpList() {
    const box = el("dl", { class: "facts help" });
    for (const [sign, meaning] of Object.entries(HELP)) addFact(box, sign, meaning);
    return box;
}

function listOf(tag, items) {
    const entries = items.map((item) => el("li", {}, item));
    return items.length > 0 && el(tag, {}, entries);
}
