// The attention inspector: hover previews, click keeps; layers, directions, scales, and the sound of what is attended. Used alone and, twice, by Compare.
// Its compact form (trait `compact`) is a figure for a report: one layer, points to start from, the whole sound.
import { Speaker, element, heightOf, hertzAt, inferno, magmaColour, numbers, paint, placeOf, plot, sayHertz, saySeconds, secondsAt, steady, together, within } from "./common.js";
import { Transform, gainsOf } from "./hearing.js";

const WAYS = [["where", "Where it looks"], ["who", "Who looks here"]];
const SCALES = [["uniform", "times uniform"], ["row", "share of the largest"], ["raw", "raw weight"], ["log", "logarithm"]];
const GROUNDS = [["both", "Both"], ["sound", "Input"], ["heat", "Attention"]];
const HEARD = [["whole", "Whole"], ["attended", "Attended only"], ["band", "This band"]];
const NOTES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

const pitchName = (hertz) => {
  const note = Math.round(69 + 12 * Math.log2(hertz / 440));
  return hertz > 15 ? `${NOTES[((note % 12) + 12) % 12]}${Math.floor(note / 12) - 1}` : "";
};

/** Where 0..1 stands in a table of colours: steps of its root, so that also faint heat has its shade. */
const SHADES = 1023, shade = (t) => Math.round(SHADES * Math.sqrt(t));

/** Colours as [r, g, b, alpha], see `shade`: `clear` from transparent to yellow, over the input; otherwise opaque from near black. */
const heatTable = (clear) => Array.from({ length: SHADES + 1 }, (_, i) => {
  const t = (i / SHADES) ** 2;
  return clear ? [...inferno(0.3 + 0.68 * t), Math.round(255 * Math.min(1.15 * Math.sqrt(t), 0.96))] : [...inferno(0.03 + 0.95 * t), 255];
});
const CLEAR = heatTable(true), OPAQUE = heatTable(false);

/** The rows of weights in full, where only the larger ones came, each with its place. */
function spread(state, codes, Kind) {
  const counts = numbers(state.counts, Uint32Array);
  if (!counts.length) return codes;
  const keys = state.key_grid[0] * state.key_grid[1], places = numbers(state.places, Uint16Array), full = new Kind(counts.length * keys);
  for (let row = 0, at = 0; row < counts.length; row++) for (const end = at + counts[row]; at < end; at++) full[row * keys + places[at]] = codes[at];
  return full;
}

/** A layer with its bytes read. */
function readLayer(state) {
  const Kind = state.bits === 8 ? Uint8Array : Uint16Array;
  const layer = { ...state, codes: spread(state, numbers(state.codes, Kind), Kind), entropies: numbers(state.entropies, Float32Array), shares: numbers(state.shares, Float32Array) };
  for (const name of ["floors", "steps"]) layer[name] = numbers(state[name], Float32Array);
  layer.queries = numbers(state.queries, Int32Array);
  for (const side of ["query_field", "key_field"]) layer[side] = state[side] ?? [0, 0, 1, 1]; // top, left, bottom, right, as shares of the ground
  layer.keys = layer.key_grid[0] * layer.key_grid[1];
  layer.positions = layer.query_grid[0] * layer.query_grid[1];
  return layer;
}

/** The recorded query nearest to a position of the query grid, as its row in the weights. */
function recordedRow(layer, position) {
  if (!layer.queries.length) return position;
  const width = layer.query_grid[1], row = Math.floor(position / width), column = position % width;
  let best = 0, least = Infinity;
  layer.queries.forEach((other, i) => {
    const away = (Math.floor(other / width) - row) ** 2 + ((other % width) - column) ** 2;
    if (away < least) [least, best] = [away, i];
  });
  return best;
}

/** Weights from one query over the keys ("where"), or to one key from all queries ("who"; NaN where none was recorded). */
function weightsOf(layer, direction, index) {
  const { codes, floors, steps, keys } = layer;
  if (direction === "where") {
    const row = new Float32Array(keys);
    for (let j = 0; j < keys; j++) row[j] = floors[index] + steps[index] * codes[index * keys + j];
    return row;
  }
  const given = new Float32Array(layer.positions).fill(NaN);
  for (let i = 0; i < floors.length; i++) given[layer.queries.length ? layer.queries[i] : i] = floors[i] + steps[i] * codes[i * keys + index];
  return given;
}

/** Mean weight that each key receives: the overview of a layer. */
function received(layer) {
  if (layer.received) return layer.received;
  const total = new Float32Array(layer.keys), { codes, floors, steps, keys } = layer;
  for (let i = 0; i < floors.length; i++) for (let j = 0; j < keys; j++) total[j] += (floors[i] + steps[i] * codes[i * keys + j]) / floors.length;
  return (layer.received = total);
}

const breakable = (name) => name.replaceAll(".", ".\u200b").replaceAll("_", "_\u200b");
const largest = (values) => values.reduce((most, v) => (v > most ? v : most), 0);

/** Weights as 0..1 of the colours (NaN: nothing is drawn), and the two ends of the scale in words. */
function coloured(values, layer, scale, threshold) {
  const most = largest(values), least = threshold * most, times = most * layer.keys, top = Math.max(times, 2), digits = (x) => `${+x.toPrecision(2)}`;
  const place = {
    uniform: (v) => (v * layer.keys - 1) / (top - 1), row: (v) => v / (most || 1), raw: (v) => v / (layer.most || 1),
    log: (v) => 1 + Math.log10(Math.max(v / (most || 1), 1e-9)) / 3,
  }[scale] ?? ((v) => v / (most || 1));
  const ends = { uniform: ["1 ×", `${top.toFixed(1)} × uniform`], row: ["0", `the largest, ${digits(most)}`], raw: ["0", `${digits(layer.most)}, largest of the map`],
                 log: ["1/1000", `the largest, ${digits(most)}`] }[scale] ?? ["", ""];
  return { shown: values.map((v) => (v >= least ? within(place(v)) : NaN)), ends };
}

/** Draw 0..1 on a canvas of one pixel a cell; row 0 below, or above for a picture. */
function drawHeat(canvas, shown, [rows, columns], table, down) {
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const context = canvas.getContext("2d"), picture = context.createImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const v = shown[row * columns + column];
      if (v === v) picture.data.set(table[shade(v)], ((down ? row : rows - 1 - row) * columns + column) * 4);
    }
  }
  context.putImageData(picture, 0, 0);
}

const choice = (label, pairs, chosen) => {
  const group = element("div", { class: "avgen-choice", role: "group", "aria-label": label });
  for (const [name, text] of pairs) group.append(element("button", { type: "button", "data-name": name, text, onclick: () => chosen(name) }));
  return group;
};
const press = (group, name) => { for (const button of group.children) button.setAttribute("aria-pressed", String(button.dataset.name === name)); };

/** The whole view. `bus` is shared by the sides of a comparison: {views, label}. Returns {root, controls, overview, close}. */
export function inspectorView(model, bus = null) {
  const compact = Boolean(model.get("compact"));
  const view = plot("", "application"), other = plot("", "application"); // the other: what is looked at, where that is not what asks
  const front = { view, ground: null }, back = { view: other, ground: null };
  const spot = element("div", { class: "avgen-query", hidden: true }), marks = element("div", { class: "avgen-marks", "aria-hidden": true });
  view.stage.append(spot, marks);
  const ruler = element("div", { class: "avgen-ruler", role: "slider", tabindex: 0, "data-lm-suppress-shortcuts": "true", "aria-label": "Position in the sound: arrow keys seek" }, element("i"));
  for (const each of [view, other]) each.root.lastElementChild.removeAttribute("aria-hidden");
  const say = element("p", { class: "avgen-say" }), told = element("p", { class: "avgen-told", "aria-live": "polite" });
  const alarm = element("p", { class: "avgen-warning avgen-alarm", role: "alert", hidden: true });
  const lore = element("p", { class: "avgen-note avgen-lore" });
  const facts = element("dl", { class: "avgen-facts" }), warning = element("p", { class: "avgen-warning", role: "note" });
  const comb = element("div", { class: "avgen-comb" }), note = element("p", { class: "avgen-note" });
  const scaleBar = element("canvas", { class: "avgen-scale", "aria-hidden": true }), low = element("span"), high = element("span");
  const legend = element("div", { class: "avgen-legend" }, low, scaleBar, high);
  const thumbs = element("div", { class: "avgen-thumbs", role: "group", "aria-label": "Layers" });
  const title = element("span", { class: "avgen-title" });
  const hear = element("div", { class: "avgen-hear", role: "group", "aria-label": "Hear it" }, element("span", { class: "avgen-note", "aria-hidden": true, text: "Hear" }));
  const voices = () => hear.querySelectorAll("button");
  const round = element("button", { type: "button", class: "avgen-play", "data-name": "whole", "aria-label": "Play the sound", onclick: () => toggle("whole") }, element("span", { text: "▶" }));
  if (compact) hear.replaceChildren(round);
  else for (const [name, text] of HEARD) hear.append(element("button", { type: "button", "data-name": name, onclick: () => toggle(name) }, element("b", { "aria-hidden": true, text: "▶" }), element("span", { text })));

  const set = (name, value) => { model.set(name, value); model.save_changes(); };
  const way = choice("Direction", WAYS, (name) => turn(name)), ground = choice("What is drawn", GROUNDS, (name) => (bus ? bus.views : [api]).forEach((other) => other.draws(name)));
  const draws = (name) => {
    root.dataset.view = name;
    press(ground, name);
    paint(scaleBar, Uint8Array.from({ length: 256 }, (_, i) => i), [1, 256], (v) => (name === "heat" ? OPAQUE : CLEAR)[shade(v / 255)]);
    redraw();
  };
  const scale = element("select", { "aria-label": "Scale", "data-lm-suppress-shortcuts": "true", onchange: () => set("scale", scale.value) }, ...SCALES.map(([value, text]) => element("option", { value, text })));
  const limit = element("input", { type: "range", min: 0, max: 1, step: 0.01, "data-lm-suppress-shortcuts": "true", "aria-label": "Threshold, share of the largest weight", oninput: () => set("threshold", +limit.value) });
  const limitSaid = element("output", {});
  const pitch = element("button", { type: "button", class: "avgen-toggle", text: "Pitch names", onclick: () => set("pitch_names", !model.get("pitch_names")) });
  const controls = element("div", { class: "avgen-controls" }, way, element("label", {}, element("span", { text: "Scale" }), scale),
    element("label", {}, element("span", { text: "Threshold" }), limit, limitSaid), pitch, ground);
  const chips = element("div", { class: "avgen-chips", role: "group", "aria-label": "Points to start from" });
  const side = element("div", { class: "avgen-side" }, say, chips, legend, facts, compact ? null : comb, lore, warning);
  const root = element("div", { class: `avgen avgen-attention ${compact ? "avgen-compact" : "avgen-inspector"}`, role: "group" },
    element("div", { class: "avgen-bar" }, ...(compact ? [hear, title, ground] : [title, hear])), ...(compact ? [] : [controls, thumbs]), alarm,
    element("div", { class: "avgen-columns" }, view.root, side), compact ? null : note, told);

  let layers = [], grounds = [], layer = null, crossed = false, locked = null, drawn = null, transform = null, mode = "";

  // In self-attention one ground asks and is looked at. In cross-attention there are two: what asks is in front, what is looked at behind.
  let peeked = null; // the direction of a preview, where the pointer is over the other ground
  const asking = () => (peeked ?? model.get("direction")) !== "who";
  const aim = () => (crossed && !asking() ? back : front), lies = () => (crossed && asking() ? back : front);
  const sounding = ({ ground }) => ground?.kind === "sound";
  const kindOf = ({ ground }) => ({ sound: "sound", names: "list" })[ground?.kind] ?? "picture";
  const soundSide = () => [front, back].find((each) => sounding(each) && (each === front || crossed));
  const audio = () => numbers(model.get("audio"), Int16Array);
  const aimGrid = () => (asking() ? layer.query_grid : layer.key_grid);
  const heatGrid = () => (asking() ? layer.key_grid : layer.query_grid);
  const aimField = () => (asking() ? layer.query_field : layer.key_field), heatField = () => (asking() ? layer.key_field : layer.query_field);
  const cell = (share, begin, end, count) => Math.min(Math.max(Math.floor(((share - begin) / (end - begin)) * count), 0), count - 1);
  const cellAt = (x, y, [rows, columns], on = aim(), [top, left, bottom, right] = aimField()) => [cell(sounding(on) ? y : 1 - y, top, bottom, rows), cell(x, left, right, columns)];
  const middle = ([row, column], [rows, columns], on = aim(), [top, left, bottom, right] = aimField()) => {
    const down = top + ((row + 0.5) / rows) * (bottom - top);
    return [left + ((column + 0.5) / columns) * (right - left), sounding(on) ? down : 1 - down];
  };
  /** A point in the words of Python: (seconds, hertz), or (column, row) of a picture or a list of names; and back. */
  const named = (x, y, on = aim()) => {
    const [height, width] = on.ground.grid;
    if (sounding(on)) return [secondsAt(x, on.ground.span), hertzAt(y, on.ground.frequencies)].map((v) => +v.toFixed(4));
    return [Math.min(Math.floor(x * width), width - 1), Math.min(Math.floor((1 - y) * height), height - 1)];
  };
  const pointOf = (query, on = aim()) => {
    if (!Array.isArray(query) || query.length !== 2 || !query.every(Number.isFinite)) return null;
    const [height, width] = on.ground.grid;
    const [x, y] = sounding(on) ? [placeOf(query[0], on.ground.span), heightOf(query[1], on.ground.frequencies)] : [(Math.floor(query[0]) + 0.5) / width, 1 - (Math.floor(query[1]) + 0.5) / height];
    return x > -0.02 && x < 1.02 && y > -0.02 && y < 1.02 ? [within(x), within(y)] : null;
  };
  const sayPoint = (x, y, on = aim()) => {
    const [across, up] = named(x, y, on);
    if (on.ground.kind === "names") return on.ground.names[up * on.ground.grid[1] + across];
    if (!sounding(on)) return `column ${across}, row ${up}`;
    return `${saySeconds(Math.max(across, 0))}, ${sayHertz(up)}${model.get("pitch_names") && pitchName(up) ? ` (${pitchName(up)})` : ""}`;
  };

  const complain = (text) => { alarm.textContent = text; alarm.hidden = !text; };

  // ---- the heat

  const fact = (name, value, title) => [element("dt", { text: name, title }), element("dd", { text: value, title })];
  const percent = (x) => `${(100 * x).toFixed(1)} %`;

  const tell = () => {
    const known = (x, words) => (x === null || x === undefined ? "not known" : words(x));
    const entropy = drawn && drawn.direction === "where" ? layer.entropies[drawn.index] : null, mean = layer.entropies.reduce((a, b) => a + b, 0) / (layer.entropies.length || 1);
    const spread = entropy === null ? "–" : entropy.toFixed(compact ? 2 : 3);
    facts.replaceChildren(
      ...(crossed && !Number.isFinite(layer.gamma) ? [] : fact("γ", known(layer.gamma, (x) => x.toPrecision(3).replace("-", "−")), "what the module's output is multiplied with before it is added; 0 at the start of training")),
      ...(crossed && !Number.isFinite(layer.effect) ? [] : fact("effect", known(layer.effect, (x) => `${+(100 * x).toPrecision(2)} %`), "size of what attention adds, against what it is added to")),
      ...fact("entropy", `${spread} of uniform (layer: ${mean.toFixed(compact ? 2 : 3)})`, "1: spread evenly over all keys; 0: all on one key"),
      ...(compact ? fact("layer", layer.said ?? layer.name, `the module that was recorded: ${layer.name}`) : fact("grids", `queries ${layer.query_grid.join("×")}, keys ${layer.key_grid.join("×")}`, "rows × columns")),
    );
    if (compact) return;
    const shares = drawn && drawn.direction === "where" ? layer.shares.subarray(drawn.index * 4, drawn.index * 4 + 4) : [];
    comb.replaceChildren();
    comb.hidden = crossed || !sounding(front);
    if (comb.hidden) return;
    comb.append(element("p", { class: "avgen-head", text: "Share on harmonics of the point" }));
    if (!drawn) comb.append(element("p", { class: "avgen-note", text: "Choose a point." }));
    else if (drawn.direction === "who") comb.append(element("p", { class: "avgen-note", text: "Asked of a query: choose “Where it looks”." }));
    else if (!(shares[0] === shares[0])) comb.append(element("p", { class: "avgen-note", text: "No answer here: this grid cannot tell the harmonics of the point apart, or none lies below its top." }));
    else {
      const top = Math.max(...shares, 1e-9);
      const why = ["what falls on the harmonics", "what a layer without any preference would give them", "what bins of the same level get, wherever they lie", "what the rows midway between the harmonics get"];
      ["attention", "uniform", "as loud", "shifted comb"].forEach((name, i) => comb.append(
        element("span", { text: name, title: why[i] }), element("i", { class: i ? "" : "avgen-own" }, element("b", { style: `width:${(100 * shares[i]) / top}%` })), element("span", { text: percent(shares[i]) })));
      const control = Math.max(shares[1], shares[2], shares[3]), gain = shares[0] / (control || 1e-9);
      comb.append(element("p", { class: "avgen-note", text: gain > 1.05 ? `${gain.toFixed(2)} times the best of its controls.` : "No more than its controls: nothing about harmonics can be read from this." }));
    }
  };

  const hideMarks = () => marks.replaceChildren();
  const showMarks = () => {
    hideMarks();
    if (compact || crossed || !sounding(front) || !drawn || drawn.direction !== "where") return;
    const hertz = named(...locked)[1];
    for (let k = 2; k <= 6; k++) {
      const y = heightOf(k * hertz, front.ground.frequencies);
      if (y < 1) marks.append(element("span", { style: `bottom:${100 * y}%`, text: `${k}f` }));
    }
  };

  /** Lay the canvas of the heat over the part of its ground that the grid covers. */
  const lay = (canvas, [top, left, bottom, right], up) => {
    const place = `left:${100 * left}%;width:${100 * (right - left)}%;${up ? `top:auto;bottom:${100 * top}%` : `top:${100 * top}%`};height:${100 * (bottom - top)}%`;
    if (canvas.dataset.place === place) return;
    canvas.dataset.place = place;
    canvas.style.cssText = place;
  };

  const heat = (x, y, quiet = false) => {
    const direction = asking() ? "where" : "who", from = aimGrid(), grid = heatGrid(), on = aim(), under = lies();
    let [row, column] = cellAt(x, y, from), index = row * from[1] + column;
    if (direction === "where") {
      index = recordedRow(layer, index);
      const position = layer.queries.length ? layer.queries[index] : index;
      [row, column] = [Math.floor(position / from[1]), position % from[1]];
    }
    const values = weightsOf(layer, direction, index), { shown, ends } = coloured(values, layer, model.get("scale"), model.get("threshold"));
    drawn = { direction, index, position: row * from[1] + column, grid, values, layer: layer.name };
    drawHeat(under.view.heat, shown, grid, root.dataset.view === "heat" ? OPAQUE : CLEAR, !sounding(under));
    under.view.root.dataset.heated = true;
    spot.hidden = false;
    const [top, left, bottom, right] = aimField(), [tall, wide] = [(100 * (bottom - top)) / from[0], (100 * (right - left)) / from[1]];
    spot.style.cssText = `left:${100 * left + wide * column}%;${sounding(on) ? "bottom" : "top"}:${100 * top + tall * row}%;width:${wide}%;height:${tall}%`;
    lay(under.view.heat, heatField(), sounding(under));
    const peak = values.reduce((best, v, i) => (v > values[best] || !(values[best] === values[best]) ? i : best), 0), ratio = values[peak] * layer.keys, times = ratio.toFixed(ratio < 2 ? 2 : 1);
    const here = sayPoint(...middle([row, column], from)), there = sayPoint(...middle([Math.floor(peak / grid[1]), peak % grid[1]], grid, under, heatField()), under);
    const alike = direction === "where" && layer.entropies[index] > 0.98;
    say.textContent = alike ? `${locked ? "From" : "Preview from"} ${here} it looks everywhere alike: a mean over all of it, which says nothing about places.` : direction === "where"
      ? `${locked ? "From" : "Preview from"} ${here} it looks most at ${there}: ${times} times as much as if it looked everywhere alike.`
      : `${locked ? "What" : "Preview: what"} looks most at ${here} is ${there}: it gives ${times} times an equal share.`;
    [low.textContent, high.textContent] = ends;
    root.dataset.query = drawn.position;
    tell();
    if (!quiet) bus?.drew();
  };

  const wipe = () => {
    for (const each of [view, other]) {
      each.heat.width = each.heat.width;
      delete each.root.dataset.heated;
    }
  };

  const clear = () => {
    drawn = null;
    wipe();
    spot.hidden = true;
    low.textContent = high.textContent = "";
    delete root.dataset.query;
    say.textContent = `Move over the ${kindOf(aim())} to preview; click to keep a point. Keys: arrows move it, Enter keeps it, Escape lets go.`;
    if (crossed) say.textContent += ` On the ${kindOf(lies())} it is asked the other way round.`;
    tell();
    bus?.drew();
  };

  const settle = () => {
    if (!layer) return;
    const query = model.get("query");
    peeked = null;
    locked = query && query.length ? pointOf(query) : null;
    complain(query && query.length && !locked ? `The point (${query.join(", ")}) lies outside what this layer looks at: nothing is drawn.` : trouble);
    root.dataset.locked = locked !== null;
    for (const each of [front, back]) each.view.root.dataset.lies = each === lies();
    aim().view.stage.append(spot);
    if (crossed) wipe();
    if (locked) heat(...locked); else clear();
    for (const chip of chips.children) chip.setAttribute("aria-pressed", String(chip.dataset.at === String(query) && (!crossed || asking())));
    locked ? showMarks() : hideMarks();
    told.textContent = locked ? say.textContent : "";
    overview();
    const can = { whole: audio().length > 0, attended: audio().length > 0 && sounding(lies()) && locked, band: audio().length > 0 && sounding(aim()) && locked };
    hear.hidden = compact && !can.whole;
    for (const button of voices()) {
      button.disabled = !can[button.dataset.name];
      button.title = can[button.dataset.name] ? "" : !audio().length ? "no sound came with these maps" : sounding(button.dataset.name === "band" ? aim() : lies()) ? "keep a point first" : button.dataset.name === "band" && crossed ? `the point lies on a ${kindOf(aim())}` : `this layer looks at a ${kindOf(lies())}`;
    }
    if (mode && !can[mode]) speaker.stop();
    else if (mode && mode !== "whole" && speaker.playing) start(mode, speaker.seconds);
  };
  let trouble = "";
  const redraw = () => { if (layer) drawn ? heat(...(locked ?? hovered ?? [0.5, 0.5])) : clear(); };
  const keep = (x, y) => {
    const from = aimGrid();
    let [row, column] = cellAt(x, y, from);
    if (asking() && layer.queries.length) {
      const position = layer.queries[recordedRow(layer, row * from[1] + column)];
      [row, column] = [Math.floor(position / from[1]), position % from[1]];
    }
    set("query", named(...middle([row, column], from)));
  };
  /** Ask in another direction: a point of one ground means nothing on the other. */
  const turn = (name) => {
    if (crossed && name !== model.get("direction")) model.set("query", []);
    set("direction", name);
  };

  /** Preview the other way round, or (null) as the model says, while no point is kept. */
  const peek = (direction) => {
    if (!layer || !crossed || locked || direction === peeked) return;
    const before = asking();
    peeked = direction;
    if (asking() === before) return;
    wipe();
    aim().view.stage.append(spot);
    press(way, asking() ? "where" : "who");
    for (const each of [front, back]) each.view.root.dataset.lies = each === lies();
  };
  let hovered = null, latest = "", since = 0;
  const preview = (point, quiet) => {
    hovered = point;
    if (!point) latest = ""; // the pointer may come back to the same place
    if (locked || !layer) return;
    point ? heat(...point, quiet) : clear();
  };
  const moved = (event) => {
    const here = `${event.clientX} ${event.clientY}`, raw = event.type === "pointerrawupdate";
    if (event.pointerType === "touch" || here === latest || (raw && event.timeStamp - since < 4)) return;
    [latest, since] = [here, event.timeStamp];
    const point = aim().view.place(event);
    if (bus) for (const other of bus.views) other.preview(point, other !== api);
    else preview(point);
    bus?.drew();
  };
  const act = (event) => {
    const [rows, columns] = aimGrid(), [x, y] = locked ?? hovered ?? [0.5, 0.5];
    const [top, left, bottom, right] = aimField();
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
    if (move) keep(within(x + (move[0] * (right - left)) / columns), within(y + (move[1] * (bottom - top)) / rows));
    else if (event.key === "Enter" || event.key === " ") locked ? set("query", []) : keep(x, y);
    else if (event.key === "Escape") set("query", []);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  for (const each of [front, back]) {
    const { stage } = each.view, aimed = () => layer && aim() === each, all = () => (bus ? bus.views : [api]);
    const over = (event) => {
      if (event.pointerType !== "touch") for (const one of all()) one.peek(each === back ? "who" : "where");
      if (aimed()) moved(event);
    };
    stage.addEventListener("pointerrawupdate", over); // as soon as the pointer says so, not when the next frame begins; where a browser does not have it:
    stage.addEventListener("pointermove", over);
    stage.addEventListener("pointerleave", () => {
      for (const one of all()) one.peek(null);
      if (layer && (aimed() || crossed)) for (const one of all()) one.preview(null, true);
    });
    stage.addEventListener("click", (event) => {
      const [x, y] = each.view.place(event);
      const asked = each === back ? "who" : "where";
      if (crossed && asked !== model.get("direction")) model.set("direction", asked);
      peeked = null;
      keep(x, y);
      if (speaker.playing && sounding(each)) start(mode, Math.max(secondsAt(x, each.ground.span), 0));
    });
    stage.addEventListener("keydown", (event) => {
      if (!layer) return;
      if (!aimed() && event.key !== "Tab") turn(each === back ? "who" : "where");
      act(event);
    });
  }

  // ---- the sound

  const showTime = (seconds) => {
    const place = soundSide(), on = seconds >= 0 && Boolean(place);
    for (const each of [front, back]) each.view.showCursor(on && each === place ? placeOf(seconds, place.ground.span) : null);
    ruler.dataset.on = on;
    ruler.firstChild.style.left = on ? `${100 * within(placeOf(seconds, place.ground.span))}%` : "0";
    ruler.setAttribute("aria-valuenow", Math.max(seconds, 0).toFixed(3));
    ruler.setAttribute("aria-valuetext", saySeconds(Math.max(seconds, 0)));
  };
  const speaker = new Speaker((seconds, playing) => {
    root.dataset.playing = compact ? playing : playing ? mode : "";
    root.dataset.seconds = seconds.toFixed(3);
    for (const button of voices()) {
      const on = playing && button.dataset.name === mode;
      button.firstChild.textContent = on ? "■" : "▶";
      button.setAttribute("aria-pressed", String(on));
    }
    model.set("time", playing || seconds > 0 ? +seconds.toFixed(4) : -1);
    showTime(model.get("time"));
    if ((playing ? mode : "") !== model.get("playing")) set("playing", playing ? mode : "");
  });

  /** 16-bit samples of what is to be heard, cut out of the sound here, in the browser. */
  const cut = (name) => {
    const samples = audio(), rate = model.get("sample_rate"), [size, hop] = model.get("transform");
    if (name === "whole") return samples;
    transform ??= new Transform(samples, rate, size, hop);
    if (name === "attended") {
      const edges = drawn.direction === "where" ? layer.key_edges : layer.query_edges, [, left, , right] = heatField(), { span } = lies().ground;
      return transform.masked(gainsOf(drawn.values, model.get("threshold"), 1 / layer.keys), drawn.grid, edges, [secondsAt(left, span), secondsAt(right, span)]);
    }
    const from = aimGrid(), edges = drawn.direction === "where" ? layer.query_edges : layer.key_edges, row = Math.floor(drawn.position / from[1]);
    return transform.masked(Float32Array.from({ length: from[0] }, (_, r) => +(r === row)), [from[0], 1], edges, aim().ground.span);
  };
  const start = (name, from = 0) => {
    try {
      if (typeof AudioContext === "undefined") throw new Error("this browser has no audio");
      const samples = cut(name);
      speaker.load(samples, model.get("sample_rate"));
      mode = name;
      if (compact) steady(speaker);
      const loudest = samples.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      complain(samples.length && !loudest ? (name === "attended" ? "Nothing to hear: no cell with its equal share of attention holds any sound." : "Nothing to hear: the sound is silent here.") : trouble);
      speaker.play(from < speaker.duration ? from : 0).catch((error) => complain(`The sound cannot be played: ${error.message}.`));
    } catch (error) { complain(`The sound cannot be played: ${error.message}.`); }
  };
  const toggle = (name) => {
    const from = model.get("time") > 0 && model.get("time") < speaker.duration - 0.01 ? model.get("time") : 0;
    if (speaker.playing && mode === name) return speaker.stop();
    start(name, speaker.playing ? speaker.seconds : from);
  };
  const seek = (seconds) => {
    const length = audio().length / (model.get("sample_rate") || 1), to = Math.min(Math.max(seconds, 0), length);
    if (speaker.playing) return start(mode, to);
    speaker.at = to;
    set("time", to);
  };
  ruler.addEventListener("pointerdown", (event) => {
    const box = ruler.getBoundingClientRect();
    if (soundSide()) seek(secondsAt(within((event.clientX - box.left) / box.width), soundSide().ground.span));
  });
  ruler.addEventListener("keydown", (event) => {
    const length = audio().length / (model.get("sample_rate") || 1), now = Math.max(speaker.playing ? speaker.seconds : model.get("time"), 0);
    const to = { ArrowLeft: now - length / 20, ArrowDown: now - length / 20, ArrowRight: now + length / 20, ArrowUp: now + length / 20, Home: 0, End: length }[event.key];
    if (to === undefined) return;
    seek(to);
    event.preventDefault();
    event.stopPropagation();
  });

  // ---- layers

  const overview = () => {
    thumbs.hidden = compact || layers.length < 2;
    if (thumbs.hidden) return;
    layers.forEach((each, i) => {
      const button = thumbs.children[i], canvas = button.querySelector("canvas"), who = !asking(), asks = grounds[each.asks ?? each.ground];
      const same = (who ? grounds[each.ground] : asks).kind === aim().ground.kind && ("asks" in each) === crossed, from = locked && same && who ? asks : grounds[each.ground];
      button.setAttribute("aria-pressed", String(each === layer));
      let values = received(each), grid = each.key_grid, said = "received by each key";
      if (locked && same) {
        const grid_of = who ? each.key_grid : each.query_grid, [row, column] = cellAt(...locked, grid_of, aim(), who ? each.key_field : each.query_field), at = row * grid_of[1] + column;
        [values, grid, said] = [weightsOf(each, who ? "who" : "where", who ? at : recordedRow(each, at)), who ? each.query_grid : each.key_grid, "from the kept point"];
      }
      const small = document.createElement("canvas"), context = canvas.getContext("2d");
      drawHeat(small, coloured(values, each, "uniform", 0).shown, grid, CLEAR, from.kind !== "sound");
      context.imageSmoothingEnabled = false;
      context.globalAlpha = 1;
      context.fillStyle = "#0b0b12";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.globalAlpha = 0.35;
      context.drawImage(from.canvas, 0, 0, canvas.width, canvas.height);
      context.globalAlpha = 1;
      const [top, left, bottom, right] = said === "from the kept point" && who ? each.query_field : each.key_field, above = from.kind === "sound" ? 1 - bottom : top;
      context.drawImage(small, left * canvas.width, above * canvas.height, (right - left) * canvas.width, (bottom - top) * canvas.height);
      button.title = `Layer ${each.name}: ${said}`;
    });
  };
  const buildThumbs = () => thumbs.replaceChildren(...layers.map((each) => {
    const picture = grounds[each.ground].kind !== "sound", facts = [each.gamma === null ? "" : `γ ${each.gamma.toFixed(2).replace("-", "−")}`, each.effect === null ? "" : `effect ${+(100 * each.effect).toPrecision(2)} %`];
    return element("button", { type: "button", class: "avgen-thumb", "aria-label": `Layer ${each.name}, looks at ${{ sound: "the sound", names: "names" }[grounds[each.ground].kind] ?? "a picture"}`, onclick: () => set("layer", each.name) },
      element("canvas", { width: picture ? 64 : 96, height: 64, "aria-hidden": true }), element("span", {}, element("b", { text: breakable(each.said ?? each.name) }), element("small", { text: facts.filter(Boolean).join(" · ") })));
  }));

  const axes = (each) => {
    const { ground, view: { root: whole, axes: put } } = each, lower = whole.lastElementChild;
    if (!sounding(each)) {
      const part = each.ground.kind === "names" ? "name" : "part";
      const words = each === front ? [`click a ${part}: where does it look?`, "who looks there"] : [`who looks at this ${part}?`, "where it looks"];
      lower.replaceChildren(element("span", { class: "avgen-unit", text: crossed ? words[+(each === lies())] : "" }));
      return;
    }
    const seconds = compact ? "time in s" : "time in s (click to seek)";
    put(ground.span, ground.frequencies, [seconds, model.get("pitch_names") ? "pitch" : "frequency in Hz"]);
    if (model.get("pitch_names")) {
      const left = whole.firstElementChild;
      for (const tick of [...left.querySelectorAll(".avgen-tick")]) tick.remove();
      let last = -1;
      for (let note = 24; note <= 120; note += 12) {
        const y = heightOf(440 * 2 ** ((note - 69) / 12), ground.frequencies);
        if (y < 0 || y > 1 || y - last < 0.055) continue;
        left.append(element("span", { class: "avgen-tick", style: `bottom:${100 * y}%`, text: pitchName(440 * 2 ** ((note - 69) / 12)) }));
        last = y;
      }
    }
    if (!compact) lower.append(ruler);
  };
  const buildChips = () => {
    const points = (model.get("points") ?? []).map((query) => [query, pointOf(query, front)]).filter(([, point]) => point);
    chips.hidden = !points.length;
    chips.replaceChildren(...points.map(([query, point]) => element("button", { type: "button", "data-at": String(query), text: sayPoint(...point, front), onclick: () => { if (crossed) model.set("direction", "where"); set("query", query); } })));
  };

  /** Write names where they stand, each in its cell. */
  const enlist = ({ view: { stage }, ground: { names, grid } }) => {
    for (const old of [...stage.querySelectorAll(".avgen-name")]) old.remove();
    (names ?? []).forEach((text, i) => stage.append(element("span", { class: "avgen-name",
      style: `left:${(100 * (i % grid[1])) / grid[1]}%;top:${(100 * Math.floor(i / grid[1])) / grid[0]}%;width:${100 / grid[1]}%;height:${100 / grid[0]}%` }, element("b", { title: text, text }))));
  };

  const show = () => {
    if (!layers.length) { complain("There is no attention map to show."); return; }
    const wanted = model.get("layer"), found = layers.findIndex((each) => each.name === wanted);
    trouble = found < 0 && wanted ? `Layer “${wanted}” was not recorded here; recorded: ${layers.map((each) => each.name).join(", ")}.` : "";
    const before = aim().ground;
    layer = layers[found] ?? layer ?? layers[0];
    if (!layers.includes(layer)) layer = layers[0];
    crossed = "asks" in layer;
    [front.ground, back.ground] = [grounds[layer.asks ?? layer.ground], grounds[layer.ground]];
    crossed ? view.root.after(other.root) : other.root.remove();
    if (before && before.kind !== aim().ground.kind && model.get("query")?.length) { model.set("query", []); model.save_changes(); }
    root.dataset.picture = !sounding(front);
    root.dataset.crossed = crossed;
    const name = model.get("name") || `the ${kindOf(front)}`;
    for (const each of crossed ? [front, back] : [front]) {
      const { base, stage, root: whole } = each.view, { canvas, grid } = each.ground;
      base.width = canvas.width;
      base.height = canvas.height;
      base.getContext("2d").drawImage(canvas, 0, 0);
      whole.dataset.picture = !sounding(each);
      whole.dataset.kind = each.ground.kind;
      enlist(each);
      stage.style.aspectRatio = sounding(each) ? "" : each.ground.kind === "names" ? "auto" : `${grid[1]} / ${grid[0]}`;
      stage.style.height = each.ground.kind === "names" ? `${Math.max(18 * grid[0], 40)}px` : "";
      stage.setAttribute("aria-roledescription", "attention map");
      const what = crossed ? `the ${kindOf(each)} ${each === front ? "that asks" : "that is looked at"}` : name;
      stage.setAttribute("aria-label", `Attention of ${layer.name} over ${what}. Arrow keys move the point, Enter keeps it, Escape lets go.`);
    }
    root.setAttribute("aria-label", `Attention inspector: ${name}`);
    warning.textContent = layer.warning;
    warning.hidden = !layer.warning;
    lore.textContent = layer.note ?? "";
    lore.hidden = !layer.note;
    root.dataset.layer = layer.name;
    options();
    showTime(model.get("time"));
  };
  const options = () => {
    if (!layer) return;
    for (const each of crossed ? [front, back] : [front]) axes(each);
    buildChips();
    press(way, model.get("direction"));
    pitch.setAttribute("aria-pressed", String(!!model.get("pitch_names")));
    pitch.hidden = !soundSide();
    scale.value = model.get("scale");
    limit.value = model.get("threshold");
    limitSaid.textContent = `${Math.round(100 * model.get("threshold"))} %`;
    settle();
  };
  const read = () => {
    speaker.stop();
    transform = null;
    grounds = (model.get("grounds") ?? []).map((state) => {
      const values = numbers(state.values, Uint8Array), canvas = document.createElement("canvas");
      if (!values.length) { Object.assign(canvas, { width: 1, height: 1 }); }
      else if (state.kind === "sound") paint(canvas, values, state.grid, magmaColour);
      else paint(canvas, values, state.grid, (_, i) => [...values.subarray(i * 3, i * 3 + 3), 255], true);
      return { ...state, canvas };
    });
    layers = (model.get("layers") ?? []).map(readLayer);
    speaker.load(audio(), model.get("sample_rate"));
    root.dataset.samples = speaker.samples.length;
    ruler.setAttribute("aria-valuemin", 0);
    ruler.setAttribute("aria-valuemax", speaker.duration.toFixed(3));
    entitle();
    note.textContent = model.get("note") ?? "";
    note.hidden = !note.textContent;
    layer = null;
    buildThumbs();
    show();
  };
  const entitle = () => {
    if (bus) return; // each side of a comparison has its own name
    const step = model.get("step") ?? -1;
    title.textContent = [model.get("name"), step < 0 ? "" : `step ${step.toLocaleString("en")}`].filter(Boolean).join(" · ");
  };
  const guarded = (action) => () => { try { action(); } catch (error) { complain(`This view cannot be drawn: ${error.message}.`); } };
  const obey = () => {
    const { act, seconds } = model.get("order");
    if (act === "stop") speaker.stop();
    else if (act && !(act !== "whole" && !drawn)) start(act, seconds ?? 0);
  };
  const follow = () => { if (!speaker.playing) showTime(model.get("time")); };
  const quiet = [together(model, ["step"], guarded(entitle)), together(model, ["layers", "grounds", "audio", "sample_rate", "name", "note"], guarded(read)), together(model, ["layer"], guarded(show)),
                 together(model, ["query", "direction", "scale", "threshold", "pitch_names", "points"], guarded(options))];
  model.on("change:order", obey);
  model.on("change:time", follow);
  const api = { root, controls, preview, peek, draws, title, drawn: () => drawn, close: () => {
    for (const stop of quiet) stop();
    model.off("change:order", obey);
    model.off("change:time", follow);
    speaker.close();
    layers = grounds = [];
    layer = drawn = transform = front.ground = back.ground = null;
  } };
  root.drawn = () => drawn && { ...drawn, values: Array.from(drawn.values), grid: [...drawn.grid], entropy: drawn.direction === "where" ? layer.entropies[drawn.index] : null }; // what is drawn, in numbers: for those who check it
  bus?.views.push(api);
  draws("both");
  guarded(read)();
  return api;
}
