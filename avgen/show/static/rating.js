// Blind rating: one picture at a time, four marks, undo. A mark counts as saved only once Python has said so.
import { Speaker, element, numbers, together } from "./common.js";

function render({ model, el }) {
  const picture = element("img", { class: "avgen-rating-picture", alt: "the picture to be rated", draggable: "false" });
  const hear = element("button", { class: "avgen-play", type: "button", "aria-label": "Hear the sound", text: "▶", onclick: () => (speaker.playing ? speaker.stop(0) : speaker.play(0)) });
  const asked = element("p", { class: "avgen-title" }), said = element("p", { class: "avgen-note", role: "status", "aria-live": "polite" });
  const bar = element("div", { class: "avgen-rating-done" }), track = element("div", { class: "avgen-rating-track", role: "progressbar", "aria-label": "rated", "aria-valuemin": 0 }, bar);
  const count = element("span", { class: "avgen-clock" });
  const undo = element("button", { class: "avgen-rating-undo", type: "button", title: "Key: u or Backspace", onclick: () => send({ act: "undo" }) }, element("kbd", { text: "u" }), " Undo");
  const choices = element("div", { class: "avgen-rating-choices", role: "group", "aria-label": "How real is it, and does it fit?" });
  const who = element("input", { class: "avgen-rating-name", type: "text", maxlength: "40", placeholder: "your name", "aria-label": "Your name", autocomplete: "off", spellcheck: "false" });
  const begin = element("button", { class: "avgen-rating-begin", type: "submit", text: "Begin" });
  const form = element("form", { class: "avgen-bar avgen-rating-form" }, element("label", { text: "Who is rating?" }), who, begin);
  const change = element("button", { class: "avgen-rating-undo", type: "button", text: "Another rater", onclick: () => send({ act: "leave" }) });
  const rater = element("span", { class: "avgen-note avgen-rating-rater" });
  const top = element("div", { class: "avgen-bar" }, rater, change, count);
  const left = element("div", { class: "avgen-rating-left" }, picture, element("div", { class: "avgen-bar" }, hear, asked));
  const stage = element("div", { class: "avgen-rating-stage" }, left, element("div", { class: "avgen-rating-right" }, choices, element("div", { class: "avgen-bar" }, undo)));
  const end = element("div", { class: "avgen-rating-end" });
  const root = element("div", { class: "avgen avgen-rating", tabindex: 0, role: "application", "aria-label": "Blind rating" }, form, top, track, stage, end, said);
  const speaker = new Speaker((seconds, playing) => { hear.textContent = playing ? "■" : "▶"; });

  let waiting = null, number = 0, shownItem = null, url = null, began = 0;
  const stop = () => { clearTimeout(waiting); waiting = null; root.dataset.waiting = "false"; };
  const send = (what) => {
    if (waiting !== null) return; // one thing at a time: the next mark belongs to the next picture
    root.dataset.waiting = "true";
    said.textContent = "";
    waiting = setTimeout(() => { stop(); said.textContent = "Not saved: Python does not answer. Restart the kernel and run the cell again; what was saved is safe."; root.dataset.lost = "true"; }, 8000);
    model.set("act", { number: ++number, of: Math.random(), ...what });
    model.save_changes();
  };
  const rate = (score) => {
    const item = model.get("item");
    if (item && !item.done) send({ act: "rate", score, item: item.id, seconds: (performance.now() - began) / 1000 });
  };

  const draw = () => {
    const item = model.get("item"), name = model.get("rater");
    form.hidden = Boolean(name);
    top.hidden = track.hidden = !name;
    stage.hidden = !name || !item || item.done;
    end.hidden = !name || !item || !item.done;
    rater.textContent = name ? `Rater: ${name}` : "";
    const done = model.get("done"), total = model.get("total");
    count.textContent = `${done} of ${total}`;
    bar.style.width = `${total ? (100 * done) / total : 0}%`;
    track.setAttribute("aria-valuemax", total);
    track.setAttribute("aria-valuenow", done);
    undo.disabled = !done;
    root.dataset.done = done;
    root.dataset.item = item && !item.done ? item.id : "";
    said.textContent = model.get("says");
    end.replaceChildren(element("p", { class: "avgen-title", text: "All rated. Thank you." }), element("p", { class: "avgen-note", text: model.get("says") || "Every answer is saved." }),
      element("button", { class: "avgen-rating-undo", type: "button", text: "Undo the last", onclick: () => send({ act: "undo" }) }));
    if (!item || item.done || item.id === shownItem) return;
    shownItem = item.id;
    if (url) URL.revokeObjectURL(url);
    url = URL.createObjectURL(new Blob([numbers(model.get("picture"), Uint8Array)], { type: "image/png" }));
    picture.src = url;
    asked.textContent = item.asked ? `Asked for: ${item.asked}` : model.get("question");
    speaker.load(numbers(model.get("audio"), Int16Array), model.get("sample_rate"));
    hear.hidden = !speaker.samples.length;
    began = performance.now();
  };
  const drawChoices = () => choices.replaceChildren(
    ...model.get("rubric").map((text, i, all) => (model.get("question") ? i : all.length - 1 - i)).map((score) =>
      element("button", { class: "avgen-rating-choice", type: "button", "data-score": score, onclick: () => rate(score) }, element("kbd", { text: `${score}` }), element("span", { text: model.get("rubric")[score] }))),
  );

  const enter = (event) => { event.preventDefault(); event.stopPropagation(); send({ act: "enter", rater: who.value }); };
  form.addEventListener("submit", enter);
  who.addEventListener("keydown", (event) => event.key === "Enter" && enter(event)); // a notebook may swallow what would have submitted the form
  root.addEventListener("keydown", (event) => {
    if (event.target === who || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (/^[0-9]$/.test(event.key) && Number(event.key) < model.get("rubric").length) rate(Number(event.key));
    else if (event.key === "u" || event.key === "Backspace") send({ act: "undo" });
    else if (event.key === "p" && speaker.samples.length) hear.click();
    else return;
    event.preventDefault();
    event.stopPropagation(); // a notebook has keys of its own
  });
  const answered = () => { stop(); draw(); if (!form.hidden) who.focus({ preventScroll: true }); else if (root.contains(document.activeElement) || document.activeElement === document.body) root.focus({ preventScroll: true }); };
  const quiet = together(model, ["answer"], answered), quieter = together(model, ["item", "done", "total", "rater", "says"], draw);
  drawChoices();
  draw();
  el.append(root);
  return () => { quiet(); quieter(); stop(); speaker.close(); if (url) URL.revokeObjectURL(url); };
}

export default { render };
