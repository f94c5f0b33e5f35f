// The whole trace in a strip: one line a task, a mark for each step, as wide as the slider. It is
// drawn on a canvas, pixel by pixel, and shows nothing that cannot be had from the slider, the
// search and the rows; so it is hidden from screen readers.

const LINE = 5;
const STRIP_MARGIN = 8; // the half of the slider's thumb

class Overview {
    constructor(app) {
        this.app = app;
        this.canvas = byId("overview");
        this.draw = inNextFrame(() => this.drawNow());
        this.still = document.createElement("canvas");
        this.canvas.addEventListener("pointerdown", (event) => this.scrub(event));
        this.canvas.addEventListener(
            "pointermove",
            (event) => event.buttons && this.scrub(event),
        );
        new ResizeObserver(() => this.refresh()).observe(this.canvas.parentElement);
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
            this.refresh(),
        );
        this.refresh();
    }

    scrub(event) {
        const room = this.width - 2 * STRIP_MARGIN;
        const share = (event.offsetX - STRIP_MARGIN) / Math.max(1, room);
        const last = this.app.rows.places - 1;
        this.app.go(this.app.rows.rowAt(Math.max(0, Math.min(last, Math.round(share * last)))));
    }

    // Draw what does not move with the cursor anew, too.
    refresh() {
        const scale = devicePixelRatio || 1;
        const lines = this.app.recordings.reduce(
            (sum, recording) => sum + activeTasks(recording).length,
            0,
        );
        this.width = this.canvas.clientWidth;
        if (!this.width) return; // not seen, as on paper
        this.height = Math.min(
            96,
            Math.max(20, lines * (LINE + 1) + 5 + 3 * this.app.recordings.length),
        );
        this.canvas.style.height = `${this.height}px`;
        for (const canvas of [this.canvas, this.still]) {
            canvas.width = this.width * scale;
            canvas.height = this.height * scale;
            canvas.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
        }
        this.colours = coloursOf(document.documentElement);
        this.drawStill();
        this.draw();
    }

    x(place) {
        const last = Math.max(1, this.app.rows.places - 1);
        return STRIP_MARGIN + (place / last) * (this.width - 2 * STRIP_MARGIN);
    }

    drawStill() {
        const pen = this.still.getContext("2d");
        let top = 4;
        this.app.recordings.forEach((recording, side) => {
            const tasks = activeTasks(recording);
            this.drawWindow(pen, recording, side, top - 2, tasks.length * (LINE + 1) + 2);
            tasks.forEach((task) => {
                this.drawTask(pen, recording, side, task, top);
                top += LINE + 1;
            });
            top += 3;
            if (recording.failure)
                this.mark(pen, this.app.rows.rowOf[side][recording.failure], "failure", 5);
        });
        if (this.app.rows.divergence) this.mark(pen, this.app.rows.divergence, "changed", 2);
    }

    drawWindow(pen, recording, side, top, height) {
        if (!recording.windowEnd) return;
        const end = this.x(this.app.rows.placeOfSeq(side, recording.windowEnd));
        pen.fillStyle = this.colours.window;
        pen.fillRect(this.x(0), top, end - this.x(0) + 1, height);
    }

    // One mark a pixel, however many steps there are; the more of them, the darker.
    drawTask(pen, recording, side, task, top) {
        const room = this.width - 2 * STRIP_MARGIN;
        const wide = Math.max(1, room / this.app.rows.places - 0.5);
        const most = Math.max(1, this.app.rows.places / room);
        pen.fillStyle = this.colours[task.daemon ? "faint" : "step"];
        this.countPixels(recording, side, task).forEach((number, x) => {
            if (!number) return;
            pen.globalAlpha = Math.min(1, 0.25 + (0.75 * number) / most);
            pen.fillRect(x - wide / 2, top, wide, LINE);
        });
        pen.globalAlpha = 1;
    }

    countPixels(recording, side, task) {
        const { rows } = this.app;
        const counts = new Uint32Array(this.width + 1);
        for (const seq of recording.own[task.place]) {
            const row = rows.rowOf[side][seq];
            if (rows.isShown(row)) counts[Math.round(this.x(rows.placeOf(row)))] += 1;
        }
        return counts;
    }

    mark(pen, row, colour, wide) {
        pen.fillStyle = this.colours[colour];
        pen.fillRect(this.x(this.app.rows.placeOf(row)) - wide / 2, 0, wide, this.height);
    }

    drawNow() {
        if (!this.width) return;
        const pen = this.canvas.getContext("2d");
        pen.clearRect(0, 0, this.width, this.height);
        this.ticks(pen, this.app.matches, "match", 0);
        this.ticks(pen, this.app.touched, "changed", this.height - 4);
        pen.drawImage(this.still, 0, 0, this.width, this.height);
        this.mark(pen, this.app.cursor, "cursor", 2);
    }

    ticks(pen, rows, colour, top) {
        pen.fillStyle = this.colours[colour];
        let before = -1;
        for (const row of rows) {
            const x = Math.floor(this.x(this.app.rows.placeOf(row)));
            if (x !== before) pen.fillRect(x - 1, top, 2, 4);
            before = x;
        }
    }
}

function activeTasks(recording) {
    return recording.tasks.filter((task) => recording.own[task.place].length);
}

function coloursOf(root) {
    const style = getComputedStyle(root);
    const names = ["window", "step", "faint", "failure", "changed", "match", "cursor"];
    return Object.fromEntries(
        names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
    );
}
