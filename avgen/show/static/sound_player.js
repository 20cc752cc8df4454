// A sound: its waveform and its log-mel under one moving cursor. Click to hear it from there; space plays, arrows move, x changes sides.
// It plays as loud as it is, and says how loud that is; + turns it up until its peak is nearly 1, both sides by the same factor.
import { TapeSpeaker, clear, element, join, loudness, magmaColour, numbers, outline, paint, placeOf, plot, saySeconds, secondsAt, together } from "./common.js";

const SPEEDS = [0.25, 0.5, 0.75, 1, 1.5, 2];

function render({ model, el }) {
  const view = plot("", "slider");
  const button = element("button", { class: "avgen-play", type: "button", onclick: () => (speaker.playing ? speaker.stop() : speaker.play()) });
  const loop = element("button", { class: "avgen-loop", type: "button", "aria-label": "Repeat", title: "Repeat", text: "↻", onclick: () => keep("loop", !model.get("loop")) });
  const louder = element("button", { class: "avgen-louder", type: "button", "aria-label": "Louder", text: "+", onclick: () => keep("louder", !model.get("louder")) });
  const level = element("span", { class: "avgen-level", title: "Level: root mean square, in decibels below the loudest that can be played" });
  const speed = element("select", { class: "avgen-speed", "aria-label": "Speed", title: "Speed, as a tape: half as fast is an octave lower", onchange: () => keep("speed", Number(speed.value)) });
  const sides = element("div", { class: "avgen-choice", role: "group", "aria-label": "Compare" });
  const clock = element("span", { class: "avgen-clock" }), title = element("span", { class: "avgen-title" }), note = element("p", { class: "avgen-note" });
  const trouble = element("p", { class: "avgen-note avgen-warning", role: "alert", hidden: true });
  const form = element("canvas", { "aria-hidden": true }), over = element("div", { class: "avgen-cursor", hidden: true }), wave = element("div", { class: "avgen-wave" }, form, over);
  const root = element("div", { class: "avgen avgen-player", role: "group" }, element("div", { class: "avgen-bar" }, button, loop, louder, speed, sides, title, level, clock), wave, view.root, note, trouble);
  const other = () => model.get("side") === "B" && (model.get("other_audio")?.byteLength ?? 0) > 0;
  const get = (name) => model.get(other() ? `other_${name}` : name);
  const duration = () => speaker.duration || get("duration") || 1;

  const keep = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const cursor = (seconds) => {
    const x = seconds < 0 ? null : placeOf(seconds, get("span"));
    view.showCursor(x);
    over.hidden = x === null;
    if (x !== null) over.style.left = `${Math.min(Math.max(x, 0), 1) * 100}%`;
  };
  const show = (seconds, playing) => {
    button.textContent = playing ? "■" : "▶";
    button.setAttribute("aria-label", `${playing ? "Stop" : "Play"} ${get("name")}`.trim());
    root.dataset.playing = playing;
    root.dataset.seconds = seconds.toFixed(3);
    clock.textContent = `${saySeconds(seconds)} of ${saySeconds(duration())}`;
    view.stage.setAttribute("aria-valuenow", seconds.toFixed(3));
    view.stage.setAttribute("aria-valuetext", saySeconds(seconds));
    const time = playing || seconds > 0 ? seconds : -1;
    cursor(time);
    if (time !== model.get("time")) model.set("time", time); // to those who are linked, at once; to Python when it rests
    if (playing !== model.get("playing")) {
      model.set("playing", playing);
      model.set("seconds", seconds);
      model.save_changes();
    }
  };
  const speaker = new TapeSpeaker(show, (text) => {
    trouble.textContent = text;
    trouble.hidden = false;
    show(speaker.at, false);
  });

  const seek = (seconds, play = speaker.playing) => {
    const to = Math.min(Math.max(seconds, 0), duration());
    if (play) return speaker.play(to);
    speaker.at = to;
    show(to, false);
    model.set("seconds", to);
    model.save_changes();
  };
  const press = (event) => {
    const box = view.stage.getBoundingClientRect();
    seek(secondsAt((event.clientX - box.left) / box.width, get("span")), true);
  };
  view.stage.addEventListener("pointerdown", press);
  wave.addEventListener("pointerdown", press);
  view.stage.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.05, ArrowRight: 0.05, ArrowDown: -0.05, ArrowUp: 0.05, PageDown: -0.2, PageUp: 0.2 }[event.key];
    if (step) seek(speaker.seconds + step * duration());
    else if (event.key === "Home") seek(0);
    else if (event.key === "End") seek(duration());
    else if (event.key === " " || event.key === "Enter") button.click();
    else if (event.key === "x" && model.get("other_audio")?.byteLength) keep("side", other() ? "A" : "B");
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const sketch = () => outline(form, speaker.samples, speaker.rate, get("span"), getComputedStyle(root).color);
  const draw = (from = 0, playing = false) => {
    speaker.load(numbers(get("audio"), Int16Array), get("sample_rate"));
    const name = get("name") || "sound";
    root.setAttribute("aria-label", `Player: ${name}`);
    view.stage.setAttribute("aria-label", `Position in ${name}: arrow keys move, space plays`);
    view.stage.setAttribute("aria-valuemin", 0);
    view.stage.setAttribute("aria-valuemax", duration());
    title.textContent = model.get("other_audio")?.byteLength ? "" : get("name");
    sides.hidden = !model.get("other_audio")?.byteLength;
    sides.replaceChildren(
      ...["A", "B"].map((side) =>
        element("button", {
          type: "button", "aria-pressed": String(side === (other() ? "B" : "A")), text: `${side}  ${model.get(side === "B" ? "other_name" : "name")}`, title: "x changes sides",
          onclick: () => keep("side", side),
        }),
      ),
    );
    note.textContent = speaker.samples.length ? get("note") : `${get("note")} There is nothing to hear: the sound holds no samples.`.trim();
    note.hidden = !note.textContent;
    button.disabled = !speaker.samples.length;
    paint(view.base, numbers(get("spectrogram"), Uint8Array), get("grid"), magmaColour);
    view.axes(get("span"), get("frequencies"));
    root.dataset.samples = speaker.samples.length;
    root.dataset.side = other() ? "B" : "A";
    sketch();
    speaker.at = Math.min(from, speaker.duration);
    show(speaker.at, false);
    tune();
    if (playing) speaker.play(speaker.at);
  };
  const change = () => draw(speaker.seconds, speaker.playing); // the other side, from the same moment
  const side = (prefix) => loudness(numbers(model.get(`${prefix}audio`) ?? new ArrayBuffer(0), Int16Array));
  const gain = () => { // up to 30 dB, and never so far that the louder side clips
    const peak = Math.max(side("").peak, side("other_").peak);
    return model.get("louder") && peak ? Math.max(Math.min(0.98 / peak, 31.6), 1) : 1;
  };
  const tune = () => {
    const raised = gain(), more = 20 * Math.log10(raised), heard = loudness(speaker.samples).level + more;
    level.textContent = Number.isFinite(heard) ? `${heard.toFixed(0).replace("-", "−")} dB` : "";
    level.dataset.gain = more.toFixed(1);
    louder.setAttribute("aria-pressed", Boolean(model.get("louder")));
    louder.title = raised > 1 ? `Turned up by ${more.toFixed(0)} dB; press for its own level` : "Turn up, both sides alike, as far as it goes without clipping";
    const known = model.get("speed") ?? 1;
    speed.replaceChildren(...[...new Set([...SPEEDS, known])].sort((a, b) => a - b).map((v) => element("option", { value: v, text: `${v} ×`, selected: v === known })));
    loop.setAttribute("aria-pressed", Boolean(model.get("loop")));
    speaker.set({ speed: known, loop: Boolean(model.get("loop")), gain: raised });
  };
  const obey = () => {
    const { act, seconds } = model.get("order");
    if (act === "play") speaker.play(seconds ?? speaker.at);
    else if (act === "stop") speaker.stop();
  };
  const follow = () => {
    if (speaker.playing) return; // who plays leads
    const time = model.get("time");
    speaker.at = Math.min(Math.max(time, 0), duration());
    show(speaker.at, false);
  };
  const names = ["audio", "spectrogram", "grid", "duration", "span", "frequencies", "name", "note", "sample_rate"];
  const off = [
    together(model, [...names, ...names.map((name) => `other_${name}`)], () => draw()),
    together(model, ["side"], change), together(model, ["speed", "loop", "louder"], tune), join(model),
  ];
  model.on("change:order", obey);
  model.on("change:time", follow);
  const wide = new ResizeObserver(sketch);
  el.append(root);
  wide.observe(wave);
  draw();
  return () => {
    off.forEach((f) => f());
    model.off("change:order", obey);
    model.off("change:time", follow);
    wide.disconnect();
    speaker.close();
    speaker.load(new Int16Array(0));
    clear(el, root);
  };
}

export default { render };
