// The sound as a picture with a moving cursor: click to hear it from there, space to play, arrows to move.
import { Speaker, element, magmaColour, numbers, paint, placeOf, plot, saySeconds, secondsAt, together } from "./common.js";

function render({ model, el }) {
  const view = plot("", "slider");
  const button = element("button", { class: "avgen-play", type: "button", onclick: () => (speaker.playing ? speaker.stop() : speaker.play()) });
  const loop = element("button", { class: "avgen-loop", type: "button", "aria-pressed": "false", "aria-label": "Repeat", title: "Repeat", text: "↻" });
  const clock = element("span", { class: "avgen-clock" }), title = element("span", { class: "avgen-title" }), note = element("span", { class: "avgen-note" });
  const root = element("div", { class: "avgen avgen-player", role: "group" }, element("div", { class: "avgen-bar" }, button, loop, title, clock), view.root, note);
  const duration = () => model.get("duration") || 1;

  const show = (seconds, playing) => {
    button.textContent = playing ? "■" : "▶";
    button.setAttribute("aria-label", `${playing ? "Stop" : "Play"} ${model.get("name")}`.trim());
    root.dataset.playing = playing;
    root.dataset.seconds = seconds.toFixed(3);
    clock.textContent = `${saySeconds(seconds)} of ${saySeconds(duration())}`;
    view.stage.setAttribute("aria-valuenow", seconds.toFixed(3));
    view.stage.setAttribute("aria-valuetext", saySeconds(seconds));
    view.showCursor(playing || seconds > 0 ? placeOf(seconds, model.get("span")) : null);
    if (playing !== model.get("playing")) {
      model.set("playing", playing);
      model.set("seconds", seconds);
      model.save_changes();
    }
  };
  const speaker = new Speaker(show);
  loop.addEventListener("click", () => {
    const from = speaker.seconds, playing = speaker.playing;
    speaker.stop();
    speaker.loop = !speaker.loop;
    loop.setAttribute("aria-pressed", speaker.loop);
    if (playing) speaker.play(from);
  });

  const seek = (seconds, play = speaker.playing) => {
    const to = Math.min(Math.max(seconds, 0), duration());
    if (play) return speaker.play(to);
    speaker.at = to;
    show(to, false);
    model.set("seconds", to);
    model.save_changes();
  };
  view.stage.addEventListener("pointerdown", (event) => seek(secondsAt(view.place(event)[0], model.get("span")), true));
  view.stage.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.05, ArrowRight: 0.05, ArrowDown: -0.05, ArrowUp: 0.05, PageDown: -0.2, PageUp: 0.2 }[event.key];
    if (step) seek(speaker.seconds + step * duration());
    else if (event.key === "Home") seek(0);
    else if (event.key === "End") seek(duration());
    else if (event.key === " " || event.key === "Enter") button.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const draw = () => {
    speaker.load(numbers(model.get("audio"), Int16Array), model.get("sample_rate"));
    const name = model.get("name") || "sound";
    root.setAttribute("aria-label", `Player: ${name}`);
    view.stage.setAttribute("aria-label", `Position in ${name}: arrow keys move, space plays`);
    view.stage.setAttribute("aria-valuemin", 0);
    view.stage.setAttribute("aria-valuemax", duration());
    title.textContent = model.get("name");
    note.textContent = model.get("note");
    note.hidden = !model.get("note");
    paint(view.base, numbers(model.get("spectrogram"), Uint8Array), model.get("grid"), magmaColour);
    view.axes(model.get("span"), model.get("frequencies"));
    root.dataset.samples = speaker.samples.length;
    show(0, false);
  };
  const obey = () => {
    const { act, seconds } = model.get("order");
    if (act === "play") speaker.play(seconds ?? speaker.at);
    else if (act === "stop") speaker.stop();
  };
  const quiet = together(model, ["audio", "spectrogram", "grid", "duration", "span", "frequencies", "name", "note", "sample_rate"], draw);
  model.on("change:order", obey);
  draw();
  el.append(root);
  return () => { quiet(); model.off("change:order", obey); speaker.close(); };
}

export default { render };
