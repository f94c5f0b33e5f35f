// Where a key of the state is shown. The shapes are those of the model's snapshots:
//
//   swap0:17, swap0:17.owner         a slot of a device (which has a key "swap0 cluster 0.count",
//                                    or all of whose values are words such as s1:101, f0:0x1000)
//   P:16                             a page of a page table or of a file (none, poison, swap0:17,
//                                    folio 0x1000 page 0), with words behind: writable, order 2
//   folio 0x1000.refs                a folio
//   m1.memory                        a memcg (whoever has memory, memsw or swap), and the root
//   swpin.2                          a counter by order
//   nr_anon                          a counter
//
// A trace of something else has other keys: an object's fields make a table of its family, and
// the rest is listed. Nothing is left out because its shape is unknown.

const SLOT = /^(?:-|b|[sf]\d+z?)(?::[^]*)?$/;
const PTE = /^(?:none|poison|[^]+ page \d+|[^]+:\d+)(?: [a-z-]+(?: \d+)?)*$/;
const NUMBERED = /^([^]+):(\d+)$/;
const CLUSTER = /^([^]+) cluster (\d+)$/;
const GROUP_FIELDS = ["memory", "memsw", "swap"];
const CLUSTER_SLOTS = 512;

// The object and the field of a key; the field is empty where the key is no "a.b".
function splitKey(key) {
    const point = key.lastIndexOf(".");
    return point > 0 && point < key.length - 1
        ? [key.slice(0, point), key.slice(point + 1)]
        : [key, ""];
}

class Shapes {
    constructor(keys, valuesOf) {
        this.keys = keys;
        this.things = keys.map((key) => splitKey(key)[0]);
        this.devices = new Set();
        this.groups = new Set();
        this.learn();
        this.slots = this.tablesWhere(SLOT, valuesOf);
        this.pages = this.tablesWhere(PTE, valuesOf);
    }

    // Devices and memcgs are known by one of their keys.
    learn() {
        for (const key of this.keys) {
            const [thing, field] = splitKey(key);
            const cluster = CLUSTER.exec(thing);
            if (cluster && field === "count") this.devices.add(cluster[1]);
            if (GROUP_FIELDS.includes(field) && !thing.includes(":")) this.groups.add(thing);
        }
        if (this.groups.size) this.groups.add("root");
    }

    // The tables of numbered keys all of whose values are of one form.
    tablesWhere(form, valuesOf) {
        const fits = new Map();
        this.keys.forEach((key, place) => {
            const [thing, field] = splitKey(key);
            const numbered = NUMBERED.exec(thing);
            if (!numbered || field) return;
            const fit = valuesOf(place).every((value) => form.test(String(value)));
            fits.set(numbered[1], fit && fits.get(numbered[1]) !== false);
        });
        return new Set([...fits].filter(([, fit]) => fit).map(([name]) => name));
    }

    // Section, table, row, column of a key.
    place(key) {
        const [thing, field] = splitKey(key);
        const numbered = NUMBERED.exec(thing);
        if (numbered) return this.numbered(numbered[1], numbered[2], field);
        const cluster = CLUSTER.exec(thing);
        if (cluster && this.devices.has(cluster[1]))
            return where("devices", "", thing, field || "value");
        if (this.devices.has(thing)) return where("devices", "", thing, field || "value");
        if (!field) return where("counters", "", key, "value");
        if (/^\d+$/.test(field)) return where("orders", "", thing, field);
        if (thing.startsWith("folio ")) return where("folios", "", thing, field);
        if (this.groups.has(thing)) return where("groups", thing, key, "value");
        const family = thing.slice(0, Math.max(0, thing.lastIndexOf(" ")));
        return where("other", family, thing, field);
    }

    numbered(table, number, field) {
        const row = `${table}:${number}`;
        if (this.devices.has(table) || this.slots.has(table)) {
            const cluster = Math.floor(Number(number) / CLUSTER_SLOTS);
            return where("slots", `${table} cluster ${cluster}`, row, field || "value");
        }
        if (this.pages.has(table)) return where("pages", table, row, field || "value");
        return where("other", table, row, field || "value");
    }
}

function where(section, table, row, column) {
    return { section, table, row, column };
}
