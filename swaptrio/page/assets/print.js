// On paper the lanes are a table: a column for each task, or one for the task's name where there
// are many. It is made only when somebody prints, for it has all rows.

const MOST_PRINTED = 4000;
const MOST_COLUMNS = 5;

class Printed {
    constructor(app) {
        this.app = app;
        this.box = byId("printed");
        addEventListener("beforeprint", () => this.make());
        addEventListener("afterprint", () => this.box.replaceChildren());
        matchMedia("print").addEventListener("change", (event) => {
            if (event.matches) this.make();
            else this.box.replaceChildren();
        });
    }

    make() {
        const tables = this.app.recordings.map((_, side) => this.table(side));
        this.box.replaceChildren(...tables);
    }

    table(side) {
        const recording = this.app.recordings[side];
        const steps = this.steps(side);
        const some = steps.slice(0, MOST_PRINTED);
        const tasks = activeTasks(recording);
        const lanes = tasks.length <= MOST_COLUMNS ? tasks : null;
        const heads = [
            "step",
            ...(lanes ? lanes.map((task) => task.name) : ["task", "step of the task"]),
        ];
        const lines = some.map((seq) => printedLine(recording, seq, lanes));
        return tableOf("lanes", this.caption(side, steps.length, some.length), heads, lines);
    }

    caption(side, all, some) {
        const told = `${this.app.nameOf(side)}: ${count(all, "step")}`;
        return some < all
            ? `${told}, the first ${some.toLocaleString("en")} of them here`
            : told;
    }

    steps(side) {
        const found = [];
        for (let place = 1; place < this.app.rows.places; place++) {
            const seq = this.app.rows.seq(side, this.app.rows.rowAt(place));
            if (seq > 0) found.push(seq);
        }
        return found;
    }
}

function printedLine(recording, seq, lanes) {
    const failed = seq === recording.failure;
    const mark = failed ? ` \u2717 ${recording.raw.verdict.outcome}` : "";
    const text = [
        el("b", {}, short(recording.label(seq))),
        " ",
        short(recording.said(seq) + mark),
    ];
    const task = recording.task(seq);
    const cells = lanes
        ? lanes.map((lane) => el("td", {}, lane.place === task ? text : ""))
        : [el("td", {}, short(recording.taskName(seq), 60)), el("td", {}, text)];
    const shaded = seq <= recording.windowEnd ? "inwindow" : "";
    return el(
        "tr",
        { class: `${shaded} ${failed ? "failure" : ""}`.trim() || undefined },
        el("th", { scope: "row" }, `${seq}${recording.decided.has(seq) ? "*" : ""}`),
        cells,
    );
}
