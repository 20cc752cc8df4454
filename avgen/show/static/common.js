// Shared by the widgets of avgen and by the pages that it writes: elements, colours, axes, sound.
// A plain ES module without dependencies. Text always goes in as text, never as markup.

// 33 stops of matplotlib's magma and inferno (CC0): even steps to the eye, also to a colour-blind one.
const MAGMA =
  "0000040303120a0822130d341d114729115a36106b440f7651127c5d177f6a1c81762181832681902a819c2e7faa337db73779c43c75d0416fdc4869e75263ef5d5e" +
  "f56b5cf9795dfc8961fd9869fea772feb67cfec488fed395fde2a3fcf0b2fcfdbf";
const INFERNO =
  "0000040403120b0724150b37210c4a2f0a5b3d09654a0c6b57106e64156e71196e7d1e6d8a226a972766a32c61b0315bbc3754c73e4cd24644db503be45a31eb6628" +
  "f1731df68013f98e09fb9d07fcac11fbbc21f9cb35f5db4cf2ea69f3f68afcffa4";

function ramp(hex) {
  const stops = hex.length / 6 - 1;
  const stop = (i, c) => parseInt(hex.substr(i * 6 + c * 2, 2), 16);
  const table = new Uint8Array(256 * 3);
  for (let v = 0; v < 256; v++) {
    const at = (v / 255) * stops, i = Math.min(Math.floor(at), stops - 1), part = at - i;
    for (let c = 0; c < 3; c++) table[v * 3 + c] = Math.round(stop(i, c) * (1 - part) + stop(i + 1, c) * part);
  }
  return table;
}

const magma = ramp(MAGMA), infernoTable = ramp(INFERNO);

/** element("button", {class: "x", text: "Play", onclick: f, "aria-label": "…"}, child, …) */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(Boolean));
  return node;
}

/** Bytes as they come from Python (a DataView) or from a page (a Uint8Array), read as `Kind`. */
export function numbers(bytes, Kind) {
  if (!bytes || !bytes.byteLength) return new Kind(0);
  const buffer = bytes.buffer ?? bytes, start = bytes.byteOffset ?? 0;
  return new Kind(buffer.slice(start, start + bytes.byteLength - (bytes.byteLength % Kind.BYTES_PER_ELEMENT)));
}

/** A (height, width) block of uint8 on a canvas; row 0 at the bottom, as in a sound, or at the top, as in a picture. `colour(v, i)` gives [r, g, b, alpha]. */
export function paint(canvas, values, [height, width], colour, rowsDown = false) {
  canvas.width = Math.max(width, 1);
  canvas.height = Math.max(height, 1);
  if (values.length < height * width) return;
  const context = canvas.getContext("2d"), picture = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < height * width; i++) {
    const row = Math.floor(i / width), line = rowsDown ? row : height - 1 - row;
    picture.data.set(colour(values[i], i), (line * width + (i % width)) * 4);
  }
  context.putImageData(picture, 0, 0);
}

const colour = (table, v) => [table[v * 3], table[v * 3 + 1], table[v * 3 + 2]];
export const magmaColour = (v) => [...colour(magma, v), 255];
export const inferno = (t) => colour(infernoTable, Math.round(255 * t));

const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
export const within = (x) => clamp(x, 0, 1);

/** Hz at height y in 0..1, from the centre frequencies of equal rows. */
export function hertzAt(y, frequencies) {
  const n = frequencies.length, at = clamp(y * n - 0.5, 0, n - 1), i = Math.min(Math.floor(at), n - 2);
  return n < 2 ? frequencies[0] ?? 0 : frequencies[i] + (frequencies[i + 1] - frequencies[i]) * (at - i);
}

/** Height 0..1 of a frequency; outside the rows it goes on in a straight line. */
export function heightOf(hertz, frequencies) {
  const n = frequencies.length;
  if (n < 2) return 0.5;
  let i = frequencies.findIndex((f) => f > hertz) - 1;
  if (i === -2) i = n - 2;
  i = clamp(i, 0, n - 2);
  return (i + (hertz - frequencies[i]) / (frequencies[i + 1] - frequencies[i]) + 0.5) / n;
}

export const sayHertz = (hertz) => (hertz >= 1000 ? `${(hertz / 1000).toFixed(hertz >= 9950 ? 0 : 2).replace(/\.?0+$/, "")} kHz` : `${Math.round(hertz)} Hz`);
export const saySeconds = (seconds, digits = 2) => `${seconds.toFixed(digits)} s`;

/** Where in 0..1 a moment lies, when the picture spans [begin, end] seconds; and back. */
export const placeOf = (seconds, [begin, end]) => (seconds - begin) / (end - begin || 1);
export const secondsAt = (x, [begin, end]) => begin + x * (end - begin);

function timeTicks(span) {
  const step = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20].find((s) => (span[1] - span[0]) / s <= 6) ?? 60, first = Math.ceil(span[0] / step - 0.05);
  return Array.from({ length: Math.floor(span[1] / step + 0.05) - first + 1 }, (_, i) => [within(placeOf((first + i) * step, span)), `${+((first + i) * step).toFixed(2)}`]);
}

function pitchTicks(frequencies) {
  const ticks = [];
  for (const hertz of [100, 200, 500, 1000, 2000, 4000, 8000, 16000]) {
    const y = heightOf(hertz, frequencies);
    if (y >= 0 && y <= 1.001 && (!ticks.length || y - ticks.at(-1)[0] > 0.06)) ticks.push([y, hertz >= 1000 ? `${hertz / 1000}k` : `${hertz}`]);
  }
  return ticks;
}

/** A picture of a sound with its axes; the stage takes the pointer and the keys (JupyterLab would take the arrows for itself: hence the attribute). */
export function plot(label, role) {
  const base = element("canvas", { class: "avgen-base" }), heat = element("canvas", { class: "avgen-heat", "aria-hidden": true });
  const cursor = element("div", { class: "avgen-cursor", hidden: true });
  const stage = element("div", { class: "avgen-stage", tabindex: 0, role, "aria-label": label, "data-lm-suppress-shortcuts": "true" }, base, heat, cursor);
  const left = element("div", { class: "avgen-left", "aria-hidden": true }), below = element("div", { class: "avgen-below", "aria-hidden": true });
  const root = element("div", { class: "avgen-plot" }, left, stage, below);
  const axes = (span, frequencies, words = ["time in s", "frequency in Hz"]) => {
    left.replaceChildren(element("span", { class: "avgen-unit", text: words[1] }));
    below.replaceChildren(element("span", { class: "avgen-unit", text: words[0] }));
    for (const [x, text] of timeTicks(span)) below.append(element("span", { class: "avgen-tick", style: `left:${x * 100}%`, text }));
    for (const [y, text] of pitchTicks(frequencies)) left.append(element("span", { class: "avgen-tick", style: `bottom:${y * 100}%`, text }));
  };
  const place = (event) => {
    const box = stage.getBoundingClientRect();
    return [within((event.clientX - box.left - stage.clientLeft) / stage.clientWidth), within(1 - (event.clientY - box.top - stage.clientTop) / stage.clientHeight)];
  };
  const showCursor = (x) => {
    cursor.hidden = x === null;
    if (x !== null) cursor.style.left = `${within(x) * 100}%`;
  };
  return { root, stage, base, heat, axes, place, showCursor };
}

let context = null;
let turn = 0;

/** Plays 16-bit samples; one sound at a time on a page. `changed(seconds, playing)` is called for every drawn frame. */
export class Speaker {
  constructor(changed) {
    this.changed = changed;
    this.samples = new Int16Array(0);
    this.rate = 44100;
    this.loop = false;
    this.gain = 1; // times the samples, as an amplitude
    this.times = 0; // how often a sound is repeated before it ends; 0: for ever, where it repeats at all
    this.at = 0;
    this.source = null;
    this.me = `${Math.random()}-${turn++}`;
    this.hush = (event) => event.detail !== this.me && this.stop();
    window.addEventListener("avgen-play", this.hush);
  }

  get playing() { return this.source !== null; }

  get duration() { return this.samples.length / this.rate; }

  get seconds() {
    if (!this.playing) return this.at;
    const passed = this.at + context.currentTime - this.begun;
    return this.loop && this.duration ? passed % this.duration : Math.min(passed, this.duration);
  }

  load(samples, rate) {
    this.stop();
    this.samples = samples;
    this.rate = rate || 44100;
    this.at = 0;
  }

  async play(from = this.at) {
    this.stop();
    if (!this.samples.length) return;
    window.dispatchEvent(new CustomEvent("avgen-play", { detail: this.me }));
    context ??= new AudioContext();
    const buffer = context.createBuffer(1, this.samples.length, this.rate);
    const heard = Float32Array.from(this.samples, (v) => v / 32768), joint = this.loop && this.times ? Math.min(Math.round(0.006 * this.rate), heard.length >> 1) : 0;
    for (let i = 0; i < joint; i++) for (const j of [i, heard.length - 1 - i]) heard[j] *= i / joint; // or every repetition would click
    buffer.getChannelData(0).set(heard);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.loop = this.loop;
    const gain = context.createGain();
    source.connect(gain).connect(context.destination);
    source.onended = () => { if (this.source === source) this.stop(0); };
    this.source = source;
    this.volume = gain;
    this.at = from >= this.duration - 0.005 ? 0 : Math.max(from, 0);
    this.begun = context.currentTime;
    await context.resume();
    if (this.source !== source) return;
    this.begun = context.currentTime;
    gain.gain.setValueAtTime(0, this.begun);
    gain.gain.linearRampToValueAtTime(this.gain, this.begun + 0.004); // a clip cut out of music would click
    source.start(0, this.at);
    if (this.loop && this.times) source.stop(this.begun + this.times * this.duration - this.at);
    this.follow();
  }

  follow() {
    this.changed(this.seconds, this.playing);
    if (this.playing) requestAnimationFrame(() => this.follow());
  }

  stop(at = this.seconds) {
    const source = this.source;
    if (!source) return;
    this.at = at;
    this.source = null;
    source.onended = null;
    try { source.stop(); } catch { /* it had not begun */ }
    source.disconnect();
    this.changed(this.at, false);
  }

  close() {
    this.stop();
    window.removeEventListener("avgen-play", this.hush);
  }
}

/** Call `draw` once, after all the changes that came together. */
export function together(model, names, draw) {
  let waiting = false;
  const ask = () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => { waiting = false; draw(); });
  };
  for (const name of names) model.on(`change:${name}`, ask);
  return () => names.forEach((name) => model.off(`change:${name}`, ask));
}

// ---- Linked widgets, tape speed, curves (players, gallery, dashboard, link) ----

/** Keeps the traits that `link` joined (trait `links`: name -> ids) the same in all widgets of this page, at once and without a kernel. Call it when rendering; call what it returns when leaving. */
export function join(model) {
  const names = ["time", "direction", "query", "layer", "step", "selected"];
  const ids = (name) => ((model.get("links") ?? {})[name] ?? "").split(" ").filter(Boolean);
  const tellers = names.map((name) => () => {
    for (const id of ids(name)) window.dispatchEvent(new CustomEvent("avgen-link", { detail: { id, name, value: model.get(name) } }));
  });
  const hear = ({ detail: { id, name, value } }) => {
    if (ids(name).includes(id) && JSON.stringify(model.get(name)) !== JSON.stringify(value)) model.set(name, value);
  };
  names.forEach((name, i) => model.on(`change:${name}`, tellers[i]));
  window.addEventListener("avgen-link", hear);
  return () => {
    names.forEach((name, i) => model.off(`change:${name}`, tellers[i]));
    window.removeEventListener("avgen-link", hear);
  };
}

/** A Speaker with a speed, as a tape has it: half as fast is an octave lower. `failed(text)` is called where there is no sound to be had. */
export class TapeSpeaker extends Speaker {
  constructor(changed, failed = () => {}) {
    super(changed);
    this.speed = 1;
    this.failed = failed;
  }

  get seconds() {
    if (!this.playing) return this.at;
    const passed = this.at + (context.currentTime - this.begun) * this.speed;
    return this.loop && this.duration ? passed % this.duration : Math.min(passed, this.duration);
  }

  async play(from = this.at) {
    try {
      if (typeof AudioContext === "undefined") throw new Error("it has no Web Audio");
      const begun = super.play(from);
      if (this.source) this.source.playbackRate.value = this.speed;
      await begun;
    } catch (error) {
      this.source = null;
      this.failed(`This browser cannot play sound (${error.message}); the pictures work without.`);
    }
  }

  /** Change speed, repetition or gain, also while it plays. */
  set({ speed = this.speed, loop = this.loop, gain = this.gain }) {
    const at = this.seconds;
    this.speed = speed;
    this.loop = loop;
    this.gain = gain;
    if (!this.playing) return;
    this.volume.gain.setTargetAtTime(gain, context.currentTime, 0.01);
    this.source.playbackRate.value = speed;
    this.source.loop = loop;
    this.at = at;
    this.begun = context.currentTime;
  }
}

/** How loud 16-bit samples are: `peak` from 0 to 1, and `level`, the root mean square in decibels below the loudest there is. */
export function loudness(samples) {
  let peak = 0, power = 0;
  for (const v of samples) {
    peak = Math.max(peak, Math.abs(v) / 32768);
    power += (v / 32768) ** 2;
  }
  return { peak, level: peak ? 10 * Math.log10(power / samples.length) : -Infinity };
}

/** Prepare a speaker so that half a second can be heard: as loud as the others (-20 dB), and four times in a row. */
export function steady(speaker) {
  const { peak, level } = loudness(speaker.samples);
  speaker.gain = peak ? Math.min(10 ** ((-20 - level) / 20), 0.98 / peak, 31.6) : 1;
  speaker.loop = speaker.duration < 1.5;
  speaker.times = speaker.loop ? 4 : 0;
}

/** The outline of 16-bit samples on a canvas: the loudest up and down in each column, over the seconds that `span` covers. */
export function outline(canvas, samples, rate, span, ink) {
  const width = (canvas.width = Math.max(Math.round((canvas.clientWidth || 600) * (window.devicePixelRatio || 1)), 1));
  const height = (canvas.height = Math.max(Math.round((canvas.clientHeight || 56) * (window.devicePixelRatio || 1)), 1));
  const context = canvas.getContext("2d"), middle = height / 2;
  context.fillStyle = ink;
  context.fillRect(0, Math.floor(middle), width, 1);
  for (let x = 0; x < width; x++) {
    const begin = Math.max(Math.floor(secondsAt(x / width, span) * rate), 0), end = Math.min(Math.ceil(secondsAt((x + 1) / width, span) * rate), samples.length);
    let low = 0, high = 0;
    for (let i = begin; i < end; i++) {
      if (samples[i] < low) low = samples[i];
      if (samples[i] > high) high = samples[i];
    }
    if (end > begin) context.fillRect(x, middle - (high / 32768) * middle, 1, Math.max(((high - low) / 32768) * middle, 1));
  }
}

/** Like `element`, for the inside of an SVG. */
export function drawn(tag, properties = {}, ...children) {
  const node = document.createElementNS(["ht", "tp://www.w3.org/2000/svg"].join(""), tag);
  for (const [name, value] of Object.entries(properties)) if (value !== null && value !== undefined) node.setAttribute(name, value);
  node.append(...children.filter(Boolean));
  return node;
}

/** Round numbers inside [low, high], about `count` of them. */
export function roundTicks(low, high, count = 4) {
  if (!(high > low)) return [low];
  const raw = (high - low) / count, size = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 2.5, 5, 10].map((m) => m * size).find((s) => s >= raw * 0.999);
  return Array.from({ length: Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1 }, (_, i) => +((Math.ceil(low / step - 1e-9) + i) * step).toPrecision(8));
}

export const sayNumber = (v) => (v === 0 ? "0" : Math.abs(v) >= 1000 || Math.abs(v) < 0.001 ? v.toExponential(1) : `${+v.toPrecision(3)}`);

/** Curves over steps with a legend that reads them at the pointer, else at their end. `draw([{name, points: [x, y, x, y, …]}])`. */
export function curveChart(title) {
  const legend = element("div", { class: "avgen-keys" }), up = element("div", { class: "avgen-up", "aria-hidden": true });
  const along = element("div", { class: "avgen-along", "aria-hidden": true }), picture = drawn("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", "aria-hidden": "true" });
  const mark = element("i", { class: "avgen-mark", hidden: true });
  const area = element("div", { class: "avgen-area" }, picture, mark, up, along);
  const root = element("figure", { class: "avgen-chart" }, element("figcaption", { text: title }), legend, area);
  let curves = [], left = 0, right = 1, at = null, rest = null;
  const near = (points, x) => {
    let best = 0;
    for (let i = 0; i < points.length; i += 2) if (Math.abs(points[i] - x) <= Math.abs(points[best] - x)) best = i;
    return best;
  };
  const read = () => {
    legend.replaceChildren(
      ...curves.map(({ name, points }, k) => {
        const i = at === null ? points.length - 2 : near(points, at);
        return element("span", {}, element("i", { class: `avgen-key avgen-curve-${k % 6}` }), element("span", { text: name }), element("b", { text: sayNumber(points[i + 1]) }));
      }),
      element("span", { class: "avgen-at", text: at === null ? "" : `at step ${Math.round(at).toLocaleString("en")}` }),
    );
    mark.hidden = at === null;
    if (at !== null) mark.style.left = `${(100 * (at - left)) / (right - left)}%`;
  };
  area.addEventListener("pointermove", (event) => {
    const box = area.getBoundingClientRect();
    at = left + within((event.clientX - box.left) / box.width) * (right - left);
    read();
  });
  area.addEventListener("pointerleave", () => { at = rest; read(); });
  const point = (x) => { at = rest = x === null || x < left || x > right ? null : x; if (curves.length) read(); };
  const draw = (given) => {
    curves = given.filter(({ points }) => points.length > 1);
    root.hidden = !curves.length;
    if (!curves.length) return;
    let low = Infinity, high = -Infinity;
    left = Infinity;
    right = -Infinity;
    for (const { points } of curves)
      for (let i = 0; i < points.length; i += 2) {
        left = Math.min(left, points[i]);
        right = Math.max(right, points[i]);
        low = Math.min(low, points[i + 1]);
        high = Math.max(high, points[i + 1]);
      }
    if (right === left) right = left + 1;
    if (high === low) [low, high] = [low - 1, high + 1];
    const x = (v) => (1000 * (v - left)) / (right - left), y = (v) => 100 * (1 - (v - low) / (high - low)), ticks = roundTicks(low, high, 3);
    const rules = ticks.map((v) => drawn("line", { x1: 0, x2: 1000, y1: y(v), y2: y(v) }));
    const lines = curves.map(({ points }, k) => {
      const pairs = [];
      for (let i = 0; i < points.length; i += 2) pairs.push(`${x(points[i]).toFixed(1)},${y(points[i + 1]).toFixed(2)}`);
      if (pairs.length === 1) pairs.push(`1000,${y(points[1]).toFixed(2)}`);
      return drawn("polyline", { points: pairs.join(" "), class: `avgen-curve-${k % 6}` });
    });
    picture.replaceChildren(...rules, ...lines);
    up.replaceChildren(...ticks.map((v) => element("span", { style: `top:${y(v)}%`, text: sayNumber(v) })));
    along.replaceChildren(...roundTicks(left, right, 4).map((v) => element("span", { style: `left:${x(v) / 10}%`, text: v.toLocaleString("en") })));
    root.setAttribute("aria-label", `${title}: ${curves.map(({ name, points }) => `${name} ${sayNumber(points.at(-1))}`).join(", ")}`);
    root.setAttribute("role", "img");
    read();
  };
  return { root, draw, point };
}

/** Call last when leaving: gives back what canvases hold and takes the elements apart, for the host may keep `el` alive. */
export function clear(el, root) {
  for (const canvas of root.querySelectorAll("canvas")) canvas.width = canvas.height = 0;
  for (const node of root.querySelectorAll("*")) node.replaceChildren();
  root.replaceChildren();
  el.replaceChildren();
}
