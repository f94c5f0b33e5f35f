// Making elements. Texts of a trace go in as text nodes and never as markup, so they are shown
// and do nothing, whatever they hold.

const SVG = document.getElementById("drawing").namespaceURI;

// Characters that nobody sees, or that turn the direction of what follows: shown as escapes,
// so that a text cannot look like another. Tab and line feed are left as they are.
const UNSEEN = new RegExp(
    "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u200b-\\u200f" +
        "\\u2028-\\u202e\\u2060-\\u2069\\ufeff]",
    "g",
);

const LONGEST = 240;

function visible(text) {
    return String(text).replace(
        UNSEEN,
        (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"),
    );
}

// A text cut to what a row can show. The cut falls between characters, not inside of one.
function short(text, longest = LONGEST) {
    const seen = visible(text);
    if (seen.length <= longest) return seen;
    return Array.from(seen.slice(0, longest)).slice(0, -1).join("") + "\u2026";
}

function byId(id) {
    return document.getElementById(id);
}

// An element with attributes and children; a child that is no element becomes text.
function el(tag, attributes = {}, ...children) {
    return furnish(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
    return furnish(document.createElementNS(SVG, tag), attributes, children);
}

function furnish(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (isNothing(value)) continue;
        if (name === "on") listen(node, value);
        else node.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children.flat()) {
        if (isNothing(child)) continue;
        node.append(child instanceof Node ? child : visible(child));
    }
    return node;
}

// What leaves out an attribute or a child: the left side of && where it does not hold.
function isNothing(value) {
    return value === undefined || value === null || value === false;
}

function listen(node, handlers) {
    for (const [name, handler] of Object.entries(handlers))
        node.addEventListener(name, handler);
}

function button(text, title, press, attributes = {}) {
    return el("button", { type: "button", title, on: { click: press }, ...attributes }, text);
}

function tableOf(name, caption, heads, lines) {
    const cells = heads.map((head) => el("th", { scope: "col" }, short(head, 60)));
    return el(
        "table",
        { class: name },
        caption && el("caption", {}, short(caption)),
        el("thead", {}, el("tr", {}, cells)),
        el("tbody", {}, lines),
    );
}

function count(number, noun) {
    return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

// Runs *work* once in the next frame, however often it is asked for until then.
function inNextFrame(work) {
    let asked = false;
    return () => {
        if (asked) return;
        asked = true;
        requestAnimationFrame(() => {
            asked = false;
            work();
        });
    };
}

// The number of entries of the rising *list* that are at most *limit*.
function countUpTo(list, limit) {
    let low = 0;
    let high = list.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (list[middle] <= limit) low = middle + 1;
        else high = middle;
    }
    return low;
}
