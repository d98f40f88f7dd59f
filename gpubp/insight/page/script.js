"use strict";
// Every step of the page: the inputs, the layers forward; where there is a loss, that, the layers backward, the update.
const told = JSON.parse(document.getElementById("trace").textContent);
const trains = told.loss.length > 0;
const stages = [
  { title: "the example", pass: "start", text: trains ? "what goes in, and what should come out" : "what goes in", lines: told.feeds },
  ...told.layers.map((layer) => layerStage(layer, "forward")),
  ...(trains ? [{ title: "the loss", pass: "loss", text: "how far the outputs are from the targets", lines: told.loss }] : []),
  ...[...told.layers].reverse().filter((layer) => layer.backward.length).map((layer) => layerStage(layer, "backward")),
  ...(trains ? [{ title: "the update", pass: "update", text: told.update.formulas.join("\n"), lines: [], groups: updates() }] : []),
  { title: "the layers", pass: "health", text: findings(), lines: [], table: told.health.layers },
];
let at = 0;

function layerStage(layer, pass) {
  return { title: `layer ${layer.number}, ${layer.name}`, pass, text: layer.text, lines: layer[pass], layer };
}

// What the update makes of each parameter, and so of what the optimizer keeps of it: [name, lines].
function updates() {
  return Object.entries(told.update.parameters).map(([name, change]) => [name, [
    { name: `${name}, before`, formula: "", about: "", inner: [], value: change.before },
    { name: `${name}, change`, formula: "", about: "", inner: [], value: change.change },
    { name: `${name}, after`, formula: "", about: "", inner: [], value: change.after },
    ...Object.entries(change.kept).flatMap(([kept, values]) => [
      { name: `${kept} of ${name}, before`, formula: "", about: "", inner: [], value: values.before },
      { name: `${kept} of ${name}, after`, formula: "", about: "", inner: [], value: values.after },
    ]),
  ]]);
}

function findings() {
  const texts = told.health.findings.map((one) => [one.message, ...one.help.map((line) => `help: ${line}`)].join("\n"));
  return texts.length ? texts.join("\n\n") : `nothing is wrong with the sizes of results${trains ? " and gradients" : ""}`;
}

// Root mean squares of every layer, as bars on a scale of powers of ten.
function sizes(layers) {
  const table = make("table", { class: "sizes" }, make("caption", {}, `root mean squares over ${told.health.rows} rows; bars by powers of ten`));
  const keys = layers.some((one) => one.delta !== null) ? ["result", "delta"] : ["result"];
  const heads = ["layer", ...keys.flatMap((key) => [key, ""])].map((text) => make("th", { scope: "col" }, text));
  table.append(make("tr", {}, ...heads));
  const bar = (value, all) => {
    const known = all.map(Number).filter((one) => one > 0 && Number.isFinite(one)).map(Math.log10);
    const low = Math.min(...known) - 1;
    const part = value > 0 ? (100 * (Math.log10(value) - low)) / (Math.max(...known) - low) : 0;
    const drawn = make("div", { class: "bar", "aria-hidden": "true" });
    drawn.style.width = `${Math.max(part, 0)}%`;
    return make("td", { class: "bars" }, drawn);
  };
  for (const layer of layers) {
    const row = make("tr", {}, make("th", { scope: "row" }, `${layer.number} ${layer.name}`));
    for (const key of keys) {
      const value = layer[key];
      row.append(make("td", {}, value === null ? "" : shown(value)), bar(value, layers.map((one) => one[key])));
    }
    table.append(row);
  }
  return make("div", { class: "scroll" }, table);
}

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function shown(value) {
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return Math.abs(value) < 1e-4 ? value.toExponential(3) : String(Number(value.toPrecision(4)));
}

// As many digits as any number of the type holds: 0.3, also where the sum of 0.1 and 0.2 is 0.30000000000000004.
function whole(value) {
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(told.precision === "float64" ? 15 : 7)));
}

// Names as a textbook prints them: delta2 and dL/dW2 with their signs, the number of the layer below the line.
function typeset(text) {
  const parts = [];
  const pattern = /(dL\/d)?(delta|[A-Za-z_]*[A-Za-z])(\d+)(?![\w.])|\^(T|-?\d+(?:\.\d+)?)/g;
  let last = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push(text.slice(last, match.index));
    if (match[4]) parts.push(make("sup", {}, match[4]));
    else {
      parts.push((match[1] ? "\u2202L/\u2202" : "") + (match[2] === "delta" ? "\u03b4" : match[2]));
      parts.push(make("sub", {}, match[3]));
    }
    last = match.index + match[0].length;
  }
  return [...parts, text.slice(last)];
}

function cells(line) {
  const value = line.value;
  const list = "values" in value ? value.values : value.first;
  const flat = [list].flat(Infinity);
  const largest = Math.max(...flat.map((one) => Math.abs(Number(one)) || 0)) || 1;
  const shape = value.shape.length ? `${value.shape.join(" by ")} number${value.shape.join() === "1" ? "" : "s"}` : "1 number";
  if (!("mean" in value)) {
    const rows = Array.isArray(list) ? (Array.isArray(list[0]) ? list : [list]) : [[list]];
    return [make("div", { class: "scroll" }, grid(shape, rows.map((row) => [row].flat(Infinity)), largest, false))];
  }
  const pairs = ["min", "mean", "max"].map((key) => make("div", {}, make("dt", {}, key), make("dd", {}, shown(value[key]))));
  const about = make("dl", {}, ...pairs);
  if (!("values" in value)) {
    const rest = make("p", { class: "about" }, `All of them: gpubp explain ... --show ${line.name}`);
    return [make("div", { class: "scroll" }, grid(`the first of ${shape}`, [list], largest, false)), about, rest];
  }
  const heat = make("div", { class: "heat", "aria-hidden": "true" });
  for (const [title, rows, names] of grids(list, value.shape)) heat.append(grid(title, rows, largest, true, names));
  const numbers = make("details", {}, make("summary", {}, "the numbers"));
  numbers.addEventListener("toggle", () => {
    if (numbers.open && numbers.children.length === 1) {
      numbers.append(frame(shape, ...grids(list, value.shape).map(([title, rows, names]) => grid(title, rows, largest, false, names))));
    }
  });
  return [make("p", { class: "shape" }, shape), frame(shape, heat), about, numbers];
}

const LINE = 16;

// An array as matrices of its first two axes that are longer than 1, one for each place on the others; what has but one
// such axis, in lines. Each with its index, the name of a row and that of a cell: [index, rows, [of row, of cell]].
function grids(list, shape) {
  const axes = shape.map((_, axis) => axis);
  const wide = axes.filter((axis) => shape[axis] > 1).slice(0, 2);
  const rest = axes.filter((axis) => !wide.includes(axis));
  let places = [[]];
  for (const axis of rest) places = places.flatMap((place) => Array.from({ length: shape[axis] }, (_, i) => [...place, i]));
  return places.map((place) => {
    const index = (...along) => axes.map((axis) => (wide.includes(axis) ? along[wide.indexOf(axis)] : place[rest.indexOf(axis)]));
    const at = (...along) => index(...along).reduce((inner, i) => inner[i], list);
    const title = rest.length ? `[${index(":", ":").join(", ")}]` : "";
    const count = shape[wide[0]];
    if (wide.length === 1) {
      const all = Array.from({ length: count }, (_, i) => at(i));
      const rows = Array.from({ length: Math.ceil(count / LINE) }, (_, i) => all.slice(i * LINE, (i + 1) * LINE));
      return [title, rows, [(i) => `${i * LINE}`, (i, j) => `[${index(i * LINE + j).join(", ")}]`]];
    }
    const rows = Array.from({ length: count }, (_, i) => Array.from({ length: shape[wide[1]] }, (_, j) => at(i, j)));
    return [title, rows, [(i) => `${i}`, (i, j) => `[${index(i, j).join(", ")}]`]];
  });
}

// Rows of numbers as a table, or as colours alone.
function grid(title, rows, largest, heat, names) {
  const table = make("table", {}, ...(title ? [make("caption", {}, title)] : []));
  rows.forEach((row, i) => {
    const line = make("tr", {}, ...(names && !heat ? [make("th", { scope: "row" }, names[0](i))] : []));
    row.forEach((one, j) => {
      const cell = make("td", { title: names ? `${names[1](i, j)}  ${whole(one)}` : whole(one) }, heat ? "" : shown(one));
      const part = Math.round(((heat ? 100 : 45) * Math.abs(Number(one) || 0)) / largest);
      const color = Number(one) < 0 ? "--negative" : "--positive";
      cell.style.background = `color-mix(in srgb, var(${color}) ${part}%, var(--card))`;
      line.append(cell);
    });
    table.append(line);
  });
  return table;
}

// A place to scroll, by keys too.
function frame(name, ...children) {
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": name }, ...children);
}

function entry(line) {
  const formula = make("p", { class: "formula" }, make("b", {}, ...typeset(line.name)));
  if (line.formula) formula.append(" = ", ...typeset(line.formula));
  if (line.about) formula.append(" ", make("span", { class: "about" }, line.about));
  const inner = line.inner.length ? [make("pre", { class: "inner", tabindex: "0" }, line.inner.join("\n"))] : [];
  return make("article", { class: "entry" }, formula, ...inner, ...cells(line));
}

// All are open where they are few, or else the first; what stands in another is made when it is opened.
const OPEN = 4;

function groups(all) {
  return all.map(([name, lines], index) => {
    const group = make("details", { class: "group" }, make("summary", {}, name));
    const fill = () => group.append(make("div", { class: "entries" }, ...lines.map(entry)));
    if (index === 0 || all.length <= OPEN) {
      group.open = true;
      fill();
    } else group.addEventListener("toggle", fill, { once: true });
    return group;
  });
}

function words(stage) {
  return stage.layer ? `${stage.pass}, ${stage.title}` : stage.title;
}

function go(number, focus = true) {
  at = Math.min(Math.max(number, 0), stages.length - 1);
  const stage = stages[at];
  const panel = document.getElementById("stage");
  const text = make("p", { class: "text" }, stage.text);
  text.style.whiteSpace = "pre-wrap";
  panel.replaceChildren(make("h2", { id: "heading" }, words(stage)), text, stage.table ? sizes(stage.table) : make("div", { class: "entries" }, ...stage.lines.map(entry)), ...groups(stage.groups || []));
  document.getElementById("where").textContent = `step ${at + 1} of ${stages.length}`;
  document.getElementById("back").disabled = at === 0;
  document.getElementById("next").disabled = at === stages.length - 1;
  for (const button of document.querySelectorAll("#map button")) {
    if (Number(button.dataset.step) === at) {
      button.setAttribute("aria-current", "step");
      requestAnimationFrame(() => reveal(button));
    } else button.removeAttribute("aria-current");
  }
  // A page within another, as in a notebook, has no address of its own.
  if (location.origin !== "null") history.replaceState(null, "", `#${at + 1}`);
  if (focus) panel.focus({ preventScroll: true });
}

// Scroll the list of steps, and not the page with it, until a button of it is seen.
function reveal(button) {
  const frame = document.getElementById("map");
  const outer = frame.getBoundingClientRect();
  const inner = button.getBoundingClientRect();
  frame.scrollTop += Math.min(inner.top - outer.top - 8, 0) + Math.max(inner.bottom - outer.bottom + 8, 0);
  frame.scrollLeft += Math.min(inner.left - outer.left - 8, 0) + Math.max(inner.right - outer.right + 8, 0);
}

function button(label, step, full) {
  const made = make("button", { type: "button", "data-step": String(step), "aria-label": full, title: full }, label);
  made.addEventListener("click", () => go(step));
  return made;
}

function map() {
  const place = document.getElementById("map");
  const row = (name, ...buttons) => place.append(make("div", { class: "row" }, make("span", { class: "name", title: name }, name), ...buttons));
  const step = (pass, layer) => stages.findIndex((stage) => stage.pass === pass && stage.layer === layer);
  row("the example", button("in", 0, "the example"));
  for (const layer of told.layers) {
    const name = `${layer.number} ${layer.name}`;
    const buttons = [button("fwd", step("forward", layer), `forward, layer ${name}`)];
    if (layer.backward.length) buttons.push(button("bwd", step("backward", layer), `backward, layer ${name}`));
    row(name, ...buttons);
  }
  if (trains) {
    row("the loss", button("loss", step("loss"), "the loss"));
    row("the update", button("update", step("update"), "the update"));
  }
  row("the layers", button("sizes", step("health"), "the sizes of all layers"));
}

document.getElementById("app").hidden = false;
document.getElementById("plain").open = false;
map();
document.getElementById("back").addEventListener("click", () => go(at - 1));
document.getElementById("next").addEventListener("click", () => go(at + 1));
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest?.("pre, .scroll")) return;
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: stages.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  go(to);
});
go((Number(location.hash.slice(1)) || 1) - 1, false);
