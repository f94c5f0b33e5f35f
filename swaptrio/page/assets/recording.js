// One trace: its columns, and the state at any step.
//
// Steps are numbered from 1 as in the trace; 0 is the state before the first. The file holds of
// each change only the new value, so one pass over all changes finds the old ones and leaves a
// checkpoint of the whole state every so many steps. A state is then found from the checkpoint
// before it or from the state that was asked for last, whichever is nearer; stepping one to and
// fro costs what the step changed.

const ABSENT = -1;
const STRIDE = 1024;
const MOST_KEPT = 8e6; // numbers in all checkpoints together

// How many bars stand side by side in a lane. More locks are told in words only.
const MOST_BARS = 6;

class Recording {
    constructor(raw, side) {
        this.raw = raw;
        this.side = side;
        this.count = raw.label.length;
        this.tasks = raw.tasks.map(([name, daemon], place) => ({ name, daemon, place }));
        this.windowEnd = Math.max(0, ...raw.window.map((entry) => entry[2]));
        this.failure = raw.verdict.broken ? this.count : 0;
        this.decided = new Set(raw.decided);
        this.countTimes();
        this.indexTasks();
        this.replay();
        this.bars = new Bars(this);
        this.arrows = new Arrows(this);
    }

    label(seq) {
        return this.raw.texts[this.raw.label[seq - 1]];
    }
    object(seq) {
        return this.raw.texts[this.raw.object[seq - 1]];
    }
    said(seq) {
        return this.raw.texts[this.raw.said[seq - 1]];
    }
    kind(seq) {
        return this.raw.kinds[this.raw.kind[seq - 1]];
    }
    task(seq) {
        return this.raw.task[seq - 1];
    }
    taskName(seq) {
        return this.tasks[this.task(seq)].name;
    }
    option(seq) {
        return this.raw.option[seq];
    }
    held(seq) {
        return this.raw.locksets[this.raw.held[seq - 1]];
    }

    countTimes() {
        let now = 0;
        this.times = new Float64Array(this.count + 1);
        this.raw.passed.forEach((passed, index) => {
            this.times[index + 1] = now += passed;
        });
    }

    // For each task the numbers of its steps.
    indexTasks() {
        this.own = this.tasks.map(() => []);
        this.raw.task.forEach((task, index) => this.own[task].push(index + 1));
    }

    // The last step of a task up to *seq*, and the first after it; 0 for none.
    lastOf(task, seq) {
        return this.own[task][countUpTo(this.own[task], seq) - 1] || 0;
    }
    nextOf(task, seq) {
        return this.own[task][countUpTo(this.own[task], seq)] || 0;
    }

    replay() {
        const { keys, world, changes, key, now } = this.raw;
        this.state = new Int32Array(keys.length).fill(ABSENT);
        this.state.set(world);
        this.start = new Uint32Array(this.count + 2);
        this.old = new Int32Array(key.length);
        this.stride = Math.max(STRIDE, Math.ceil((this.count * keys.length) / MOST_KEPT));
        this.checkpoints = [this.state.slice()];
        for (let seq = 1, at = 0; seq <= this.count; seq++) {
            this.start[seq] = at;
            for (const end = at + changes[seq - 1]; at < end; at++) {
                this.old[at] = this.state[key[at]];
                this.state[key[at]] = now[at];
            }
            this.start[seq + 1] = at;
            if (seq % this.stride === 0) this.checkpoints.push(this.state.slice());
        }
        this.at = this.count;
    }

    // The state after step *seq*: for each key the place of its value, or ABSENT.
    stateAt(seq) {
        const nearest = Math.floor(seq / this.stride);
        if (Math.abs(seq - this.at) > seq - nearest * this.stride) {
            this.state.set(this.checkpoints[nearest]);
            this.at = nearest * this.stride;
        }
        while (this.at < seq) this.forward(++this.at);
        while (this.at > seq) this.backward(this.at--);
        return this.state;
    }

    forward(seq) {
        const { key, now } = this.raw;
        for (let at = this.start[seq]; at < this.start[seq + 1]; at++)
            this.state[key[at]] = now[at];
    }

    backward(seq) {
        const { key } = this.raw;
        for (let at = this.start[seq + 1]; at-- > this.start[seq];)
            this.state[key[at]] = this.old[at];
    }

    value(place) {
        return place === ABSENT ? undefined : this.raw.values[place];
    }

    // What step *seq* changed: key, old and new value (undefined where there was or is none).
    changes(seq) {
        const found = [];
        if (!seq) return found;
        for (let at = this.start[seq]; at < this.start[seq + 1]; at++) {
            const key = this.raw.key[at];
            found.push({
                place: key,
                key: this.raw.keys[key],
                old: this.value(this.old[at]),
                now: this.value(this.raw.now[at]),
            });
        }
        return found;
    }

    // A task as it stands after step *seq*.
    standing(task, seq) {
        const last = this.lastOf(task, seq);
        const next = this.nextOf(task, seq);
        const stuck = this.raw.verdict.waiting.find(([name]) => name === this.tasks[task].name);
        return {
            last,
            next,
            stuck: next ? undefined : stuck,
            held: last ? this.held(last) : [],
        };
    }
}

// Things that reach over some steps, found by the stretch of steps that is in sight.
const STRETCH = 256;

class Reaching {
    constructor(steps) {
        this.lists = Array.from({ length: Math.floor(steps / STRETCH) + 1 }, () => []);
    }

    add(thing, first, last) {
        const end = Math.floor(last / STRETCH);
        for (let at = Math.floor(first / STRETCH); at <= end; at++) this.lists[at].push(thing);
    }

    // Only where it begins and where it ends.
    addEnds(thing, first, last) {
        this.add(thing, first, first);
        if (Math.floor(first / STRETCH) !== Math.floor(last / STRETCH))
            this.add(thing, last, last);
    }

    between(first, last) {
        const found = new Set();
        const end = Math.min(this.lists.length - 1, Math.floor(last / STRETCH));
        for (let at = Math.max(0, Math.floor(first / STRETCH)); at <= end; at++) {
            for (const thing of this.lists[at]) found.add(thing);
        }
        return found;
    }
}

// Locks held, each in the first free place of its lane.
class Bars extends Reaching {
    constructor(recording) {
        super(recording.count);
        this.width = recording.tasks.map(() => 0);
        const free = recording.tasks.map(() => new Array(MOST_BARS).fill(0));
        for (const [lock, task, first, last, open] of recording.raw.holds) {
            const place = free[task].findIndex((end) => end < first);
            if (place < 0) continue;
            free[task][place] = last;
            this.width[task] = Math.max(this.width[task], place + 1);
            const name = recording.raw.texts[lock];
            this.add(
                { name, task, place, first, last, open: open === 1, hue: hueOf(name) },
                first,
                last,
            );
        }
    }
}

// Messages, wake-ups and hand-overs. One that is long under way is drawn where it begins and
// where it ends, for a channel may hold any number of them.
const MOST_UNDER_WAY = 4 * STRETCH;

class Arrows extends Reaching {
    constructor(recording) {
        super(recording.count);
        for (const [kind, object, source, target] of recording.raw.links) {
            const texts = recording.raw.texts;
            const arrow = { kind: texts[kind], object: texts[object], source, target };
            const long = target - source > MOST_UNDER_WAY;
            if (long) this.addEnds(arrow, source, target);
            else this.add(arrow, source, target);
        }
    }
}

// One of the colours of locks, always the same for the same name.
const HUES = 6;

function hueOf(name) {
    let sum = 0;
    for (let at = 0; at < name.length; at++) sum = (sum * 31 + name.charCodeAt(at)) >>> 0;
    return sum % HUES;
}
