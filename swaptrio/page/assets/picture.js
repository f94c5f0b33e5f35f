// The drawing of one side, between two places: lanes, who waits, bars for locks, arrows, dots.
// It lies between the grounds of the rows and their texts.

const MOST_ARROWS = 300; // drawn at once; a picture with more shows nothing

class Picture {
    constructor(lanes, side, number, first, last) {
        Object.assign(this, { lanes, side, number, first, last });
        this.recording = side.recording;
        this.rows = lanes.app.rows;
        this.from = this.rows.seqBy(number, this.rows.rowAt(first));
        this.to = this.rows.seqBy(number, this.rows.rowAt(last));
    }

    parts() {
        return [
            ...this.entries(),
            ...this.spines(),
            ...this.waits(),
            ...this.bars(),
            ...this.arrows(),
            ...this.dots(),
        ];
    }

    y(seq) {
        return this.rows.placeOfSeq(this.number, seq) * ROW;
    }

    clipped(y) {
        return Math.max(this.first * ROW, Math.min(y, (this.last + 1) * ROW));
    }

    // A line below the last step of each entry of the window.
    entries() {
        const { left, width } = this.side;
        return this.recording.raw.window
            .filter(([, first, last]) => last >= first)
            .map(([, , last]) => this.y(last) + ROW)
            .filter((y) => y === this.clipped(y))
            .map((y) => svg("path", { class: "entry", d: `M${left} ${y}h${width}` }));
    }

    spines() {
        const top = this.first * ROW;
        return this.side.columns.map((column) =>
            svg("path", {
                class: `spine${column.task.daemon ? " daemon" : ""}`,
                d: `M${column.spine} ${top}V${(this.last + 1) * ROW}`,
            }),
        );
    }

    // Who still waited when it ended.
    waits() {
        const end = this.rows.places * ROW;
        const shape = [];
        for (const [name] of this.recording.raw.verdict.waiting) {
            const column = this.side.columns.find(({ task }) => task.name === name);
            if (!column) continue;
            const seq = this.recording.own[column.task.place].at(-1) || 0;
            const y = this.clipped(this.y(seq) + ROW / 2);
            shape.push(
                svg("path", {
                    class: "waits",
                    d: `M${column.spine} ${y}V${Math.min(end + 6, this.clipped(end) + 6)}`,
                }),
            );
        }
        return shape;
    }

    bars() {
        const parts = [];
        for (const bar of this.recording.bars.between(this.from, this.to)) {
            const column = this.side.columns[bar.task];
            const begin = this.clipped(this.y(bar.first) + 3);
            const end = this.clipped(this.y(bar.last) + (bar.open ? ROW : ROW - 4));
            if (end <= begin) continue;
            parts.push(
                svg(
                    "rect",
                    {
                        class: `bar hue${bar.hue}`,
                        x: column.bars + bar.place * (BAR + 1),
                        y: begin,
                        width: BAR,
                        height: end - begin,
                        rx: 2,
                    },
                    svg(
                        "title",
                        {},
                        `${column.task.name} holds ${short(bar.name)}, steps ${bar.first} to ${bar.last}`,
                    ),
                ),
            );
        }
        return parts;
    }

    arrows() {
        const parts = [];
        for (const arrow of this.recording.arrows.between(this.from, this.to)) {
            if (parts.length >= MOST_ARROWS) break;
            const shape = this.arrow(arrow);
            if (shape) parts.push(shape);
        }
        return parts;
    }

    // Out of the dot of the source, along the lower edge of its row, down the lane of the target.
    arrow({ kind, object, source, target }) {
        const rowOf = this.rows.rowOf[this.number];
        if (!this.rows.isShown(rowOf[source]) || !this.rows.isShown(rowOf[target])) return null;
        const [from, to] = [source, target].map(
            (seq) => this.side.columns[this.recording.task(seq)],
        );
        const [y, end] = [this.y(source) + ROW / 2, this.y(target) + ROW / 2 - 5];
        const edge = this.y(source) + ROW;
        const top = this.first * ROW;
        const bottom = (this.last + 1) * ROW;
        if (end < top || y > bottom) return null;
        const down = Math.min(end, bottom);
        const begin =
            edge < top ? `M${to.spine} ${top}` : `M${from.spine} ${y}V${edge}H${to.spine}`;
        const head =
            end <= bottom
                ? `M${to.spine - 4} ${end - 5}L${to.spine} ${end}L${to.spine + 4} ${end - 5}`
                : "";
        const title = `${kind}: ${short(object)}, step ${source} to step ${target}`;
        return svg(
            "path",
            { class: `arrow ${kind}`, d: `${begin}V${down}${head}` },
            svg("title", {}, title),
        );
    }

    dots() {
        const parts = [];
        for (let place = this.first; place <= this.last; place++) {
            const row = this.rows.rowAt(place);
            const seq = this.rows.seq(this.number, row);
            if (seq <= 0) continue;
            const column = this.side.columns[this.recording.task(seq)];
            const state =
                seq === this.recording.failure
                    ? " failed"
                    : row === this.lanes.app.cursor
                      ? " here"
                      : "";
            parts.push(
                svg("circle", {
                    class: `dot${state}`,
                    cx: column.spine,
                    cy: place * ROW + ROW / 2,
                    r: 3.5,
                }),
            );
        }
        return parts;
    }
}
