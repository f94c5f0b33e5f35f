// Rows: what stands side by side. Row 0 is the state before the first step; then each step has
// a row of its own or, where two traces are compared, shares it with the same step of the other.

class Rows {
    constructor(recordings, pair) {
        this.recordings = recordings;
        this.seqs = pair
            ? joined(pair)
            : [Int32Array.from({ length: recordings[0].count + 1 }, (_, n) => n)];
        this.count = this.seqs[0].length;
        this.last = this.seqs.map(lastSeen);
        this.rowOf = this.seqs.map((seqs, side) => placesOf(seqs, recordings[side].count));
        this.differ = new Set(pair ? pair.differ.map((row) => row + 1) : []);
        this.divergence = pair && pair.differ.length ? pair.differ[0] + 1 : 0;
        this.shown = null;
    }

    // The step of a side that stands in *row*: 0 before the first, ABSENT where it has none.
    seq(side, row) {
        return this.seqs[side][row];
    }

    // The last step of a side up to *row*.
    seqBy(side, row) {
        return this.last[side][row];
    }

    // The side whose step a row tells of first.
    sideOf(row) {
        return this.seqs[0][row] === ABSENT ? 1 : 0;
    }

    // With a filter only some rows are shown; a place counts those.
    filter(test) {
        if (!test) {
            this.shown = null;
            return;
        }
        const kept = [0];
        for (let row = 1; row < this.count; row++) if (test(row)) kept.push(row);
        this.shown = Int32Array.from(kept);
    }

    get places() {
        return this.shown ? this.shown.length : this.count;
    }

    rowAt(place) {
        return this.shown ? this.shown[place] : place;
    }

    // The place of *row*, or of the last shown row before it.
    placeOf(row) {
        return this.shown ? countUpTo(this.shown, row) - 1 : row;
    }

    isShown(row) {
        return !this.shown || this.shown[this.placeOf(row)] === row;
    }

    // Where a step of a side stands on the screen.
    placeOfSeq(side, seq) {
        return this.placeOf(this.rowOf[side][seq]);
    }
}

function joined(pair) {
    const sides = [[0], [0]];
    for (const [here, there, length] of pair.runs) {
        for (let step = 0; step < length; step++) {
            sides[0].push(here ? here + step : ABSENT);
            sides[1].push(there ? there + step : ABSENT);
        }
    }
    return sides.map((side) => Int32Array.from(side));
}

function lastSeen(seqs) {
    let last = 0;
    return seqs.map((seq) => (seq === ABSENT ? last : (last = seq)));
}

function placesOf(seqs, steps) {
    const places = new Int32Array(steps + 1);
    seqs.forEach((seq, row) => {
        if (seq !== ABSENT) places[seq] = row;
    });
    return places;
}
