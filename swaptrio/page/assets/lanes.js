// The lanes: time downwards, one column a task, drawn only where it is in sight.
//
// Rows are plain elements on top of one drawing, which holds what reaches over rows: the shaded
// window, the lanes, bars for locks, arrows. Both are made anew whenever something moves; that
// is some hundred elements, however long the trace is.

const ROW = 22;
const GUTTER = 62;
const NARROWEST = 104;
const IDLE = 46;
const BAR = 6;
const BESIDE = 8; // rows drawn above and below of what is in sight
const DAEMON_SHARE = 0.7;
const LAST_SHARE = 1.4; // texts of the last column have no column to their right to run into

class Lanes {
    constructor(app) {
        this.app = app;
        this.scroller = byId("scroller");
        this.steps = byId("steps");
        this.drawing = byId("drawing");
        this.names = byId("names");
        this.list = byId("rows");
        this.draw = inNextFrame(() => this.drawNow());
        this.scroller.addEventListener("scroll", this.draw);
        this.steps.addEventListener("click", (event) => this.pressed(event));
        new ResizeObserver(() => {
            this.lay();
            this.drawNow();
        }).observe(this.scroller);
        this.lay();
    }

    // Give every task its column.
    lay() {
        const room = this.scroller.clientWidth - this.app.recordings.length * GUTTER;
        const wanted = this.app.recordings.flatMap((recording) => sharesOf(recording));
        const idle = wanted.filter((share) => !share).length * IDLE;
        const each =
            (room - idle) /
            Math.max(
                1,
                wanted.reduce((sum, share) => sum + share, 0),
            );
        let left = 0;
        this.sides = this.app.recordings.map((recording) => {
            const side = laySide(recording, left, each);
            left = side.right;
            return side;
        });
        this.width = left;
        this.ending =
            40 + 20 * Math.max(...this.app.recordings.map((r) => endingLines(r).length));
        this.layNames();
        this.measure();
    }

    measure() {
        const height = this.app.rows.places * ROW + this.ending;
        this.steps.style.height = `${height}px`;
        this.steps.style.width = this.names.style.width = `${this.width}px`;
    }

    layNames() {
        this.names.replaceChildren(
            ...this.sides.flatMap((side) =>
                side.columns.map((column) => {
                    const { task } = column;
                    const name = el(
                        "span",
                        {
                            class: nameClass(side.recording, column),
                            title: short(
                                `${task.name}${task.daemon ? ", a daemon" : ""}${column.idle ? ", no step" : ""}`,
                            ),
                        },
                        short(task.name, 80),
                    );
                    return placed(name, column.left, column.width);
                }),
            ),
        );
        for (const side of this.sides) {
            const name = this.sides.length > 1 ? `${"AB"[side.recording.side]}  step` : "step";
            this.names.append(
                placed(el("span", { class: "name gutter" }, name), side.left, GUTTER),
            );
        }
    }

    // The places of the first and the last row that are in sight, as scrolled now.
    inSight() {
        const top = this.scroller.scrollTop;
        const height = this.scroller.clientHeight - this.names.offsetHeight;
        const last = this.app.rows.places - 1;
        return [
            Math.min(last, Math.floor(top / ROW)),
            Math.min(last, Math.max(0, Math.ceil((top + height) / ROW) - 1)),
        ];
    }

    // How many rows a page holds.
    get page() {
        const [first, last] = this.inSight();
        return Math.max(1, last - first - 1);
    }

    // Scroll as little as needed for the row of the cursor to be in sight.
    reveal() {
        const place = this.app.rows.placeOf(this.app.cursor);
        const height = this.scroller.clientHeight - this.names.offsetHeight;
        const top = this.scroller.scrollTop;
        const end = place === this.app.rows.places - 1 ? this.ending : ROW;
        if (place * ROW < top + ROW) this.scroller.scrollTop = place * ROW - ROW;
        else if ((place + 1) * ROW + end > top + height) {
            this.scroller.scrollTop = (place + 1) * ROW + end - height;
        }
        this.revealColumn();
    }

    revealColumn() {
        const side = this.app.rows.sideOf(this.app.cursor);
        const seq = this.app.rows.seq(side, this.app.cursor);
        if (!seq) return;
        const { left, width } = this.sides[side].columns[this.app.recordings[side].task(seq)];
        const box = this.scroller;
        if (left < box.scrollLeft) box.scrollLeft = left - GUTTER;
        else if (left + width > box.scrollLeft + box.clientWidth) {
            box.scrollLeft = Math.min(left, left + width - box.clientWidth);
        }
    }

    drawNow() {
        const [top, bottom] = this.inSight();
        const first = Math.max(0, top - BESIDE);
        const last = Math.min(this.app.rows.places - 1, bottom + BESIDE);
        this.drawRows(first, last);
        this.drawPicture(first, last);
        const active = byId(`row-${this.app.cursor}`);
        if (active) this.steps.setAttribute("aria-activedescendant", active.id);
        else this.steps.removeAttribute("aria-activedescendant");
    }

    drawRows(first, last) {
        const rows = this.sides
            .map((side, number) => this.window(side, number))
            .filter(Boolean);
        for (let place = first; place <= last; place++) rows.push(this.row(place));
        if (last === this.app.rows.places - 1) rows.push(...this.endings());
        this.list.replaceChildren(...rows);
    }

    // The shade of the steps up to the end of the window.
    window(side, number) {
        const { windowEnd } = side.recording;
        if (!windowEnd) return null;
        const shade = placed(el("div", { class: "window" }), side.left, side.width);
        shade.style.top = `${ROW}px`;
        shade.style.height = `${this.app.rows.placeOfSeq(number, windowEnd) * ROW}px`;
        return shade;
    }

    row(place) {
        const { app } = this;
        const row = app.rows.rowAt(place);
        const node = el("div", {
            role: "option",
            id: `row-${row}`,
            class: this.rowClass(row),
            "aria-selected": String(row === app.cursor),
            "aria-posinset": place + 1,
            "aria-setsize": app.rows.places,
            "aria-label": short(app.describe(row)),
        });
        node.style.top = `${place * ROW}px`;
        this.sides.forEach((side, number) => node.append(...this.sideOfRow(side, number, row)));
        return node;
    }

    rowClass(row) {
        const { app } = this;
        const marks = {
            cursor: row === app.cursor,
            match: app.matches.has(row),
            touched: app.touched.has(row),
            differs: app.rows.differ.has(row),
            divergence: row === app.rows.divergence && row > 0,
        };
        return classes({ row: true, ...marks });
    }

    // One side of a row: the number of its step, and what the step did, in the task's column.
    sideOfRow(side, which, row) {
        const seq = this.app.rows.seq(which, row);
        const ground = (name) => placed(el("span", { class: name }), side.left, side.width);
        if (seq === ABSENT) return [ground("none")];
        const failed = seq > 0 && seq === side.recording.failure;
        const star = side.recording.decided.has(seq) ? "*" : "";
        const number = el(
            "span",
            { class: classes({ number: true, failed }) },
            `${seq}${star}`,
        );
        return [
            failed && ground("failed"),
            placed(number, side.left, GUTTER - 10),
            seq ? stepText(side, seq, failed) : startText(side),
        ].filter(Boolean);
    }

    // What stands below the last step: how it ended.
    endings() {
        const top = this.app.rows.places * ROW + 8;
        return this.sides.map((side) => {
            const verdict = side.recording.raw.verdict;
            const lines = endingLines(side.recording).map((line) => el("div", {}, short(line)));
            const box = el("div", { class: `ending${verdict.broken ? " broken" : ""}` }, lines);
            box.style.top = `${top}px`;
            return placed(box, side.left + GUTTER, side.width - GUTTER - 8);
        });
    }

    drawPicture(first, last) {
        const top = first * ROW;
        const bottom = (last + 1) * ROW + (last === this.app.rows.places - 1 ? this.ending : 0);
        this.drawing.setAttribute("width", this.width);
        this.drawing.setAttribute("height", bottom - top);
        this.drawing.setAttribute("viewBox", `0 ${top} ${this.width} ${bottom - top}`);
        this.drawing.style.top = `${top}px`;
        const parts = this.sides.flatMap((side, number) =>
            new Picture(this, side, number, first, last).parts(),
        );
        this.drawing.replaceChildren(...parts);
    }

    pressed(event) {
        const place = Math.floor(
            (event.clientY - this.steps.getBoundingClientRect().top) / ROW,
        );
        if (place < this.app.rows.places) this.app.go(this.app.rows.rowAt(place));
    }
}

function classes(marks) {
    return Object.keys(marks)
        .filter((name) => marks[name])
        .join(" ");
}

function startText(side) {
    const text = el("span", { class: "step said" }, "before the first step");
    return placed(text, side.left + GUTTER, side.width - GUTTER);
}

function stepText(side, seq, failed) {
    const { recording } = side;
    const column = side.columns[recording.task(seq)];
    const text = el(
        "span",
        {
            class: classes({ step: true, failed, shaded: seq <= recording.windowEnd }),
            title: short(describeStep(recording, seq), 1000),
        },
        el("b", {}, short(recording.label(seq))),
        failed && el("strong", { class: "cross" }, `\u2717 ${recording.raw.verdict.outcome}`),
        recording.said(seq) && el("span", { class: "said" }, short(recording.said(seq))),
    );
    return placed(text, column.text, side.right - column.text - 4);
}

function nameClass(recording, { task, idle }) {
    const { broken, concerned } = recording.raw.verdict;
    return classes({
        name: true,
        daemon: task.daemon,
        idle,
        concerned: broken && concerned.includes(task.name),
    });
}

// How much of the room each task gets; a task without a step gets a narrow column.
function sharesOf(recording) {
    const last = activeTasks(recording).at(-1);
    return recording.tasks.map((task) => {
        if (!recording.own[task.place].length) return 0;
        return task === last ? LAST_SHARE : task.daemon ? DAEMON_SHARE : 1;
    });
}

function laySide(recording, start, each) {
    const shares = sharesOf(recording);
    let left = start + GUTTER;
    const columns = recording.tasks.map((task) => {
        const idle = shares[task.place] === 0;
        const width = idle ? IDLE : Math.max(NARROWEST, Math.floor(each * shares[task.place]));
        const spine = left + 8 + recording.bars.width[task.place] * (BAR + 1);
        const column = { task, idle, left, width, bars: left + 4, spine, text: spine + 10 };
        left += width;
        return column;
    });
    return { recording, columns, left: start, right: left, width: left - start };
}

function placed(node, left, width) {
    node.style.left = `${left}px`;
    node.style.width = `${width}px`;
    return node;
}

function endingLines(recording) {
    const { outcome, message, waiting } = recording.raw.verdict;
    return [outcome, ...message.split("\n").filter(Boolean), ...waiting.map(waitingText)];
}

function waitingText([task, label, object, holders]) {
    const by = holders.length ? `, held by ${holders.join(", ")}` : "";
    return `${task} waits at ${label} for ${object || "something without a name"}${by}`;
}
