// A run that is being trained: how it stands, its curves, its samples, what they mean, and the buttons that speak to it.
import { clear, curveChart, element, join, numbers, together } from "./common.js";

const WORDS = {
  starting: ["◌", "starting"], running: ["●", "training"], paused: ["❚❚", "paused"], stopped: ["■", "stopped"], finished: ["✓", "finished"],
  failed: ["✗", "failed"], gone: ["✗", "its process is gone"], unknown: ["○", "not started"],
};
const LEVELS = { good: ["✓", "Good"], watch: ["!", "Look"], trouble: ["✗", "Trouble"] };
const PLAYERS = { D: "One discriminator step", G: "One generator step" };

function render({ model, el }) {
  const live = typeof model.send === "function";
  const pill = element("span", { class: "avgen-pill", role: "status" }), title = element("span", { class: "avgen-title" }), clock = element("span", { class: "avgen-clock" });
  const bar = element("progress", { class: "avgen-progress", max: 1 }), message = element("p", { class: "avgen-note", role: "status" });
  const ask = (act, more = {}) => {
    asked = model.get("facts").told ?? 0;
    waiting = { act, since: Date.now() };
    model.send({ act, ...more });
    show();
  };
  const button = (text, act) => element("button", { type: "button", class: "avgen-wish", text, onclick: () => ask(act) });
  const pause = button("❚❚ Pause", "pause"), resume = button("▶ Resume", "resume"), stop = button("■ Stop", "stop");
  const singles = element("span", { class: "avgen-singles" }), changed = element("div", { class: "avgen-changed", role: "status" });
  const buttons = element("div", { class: "avgen-bar avgen-wishes", role: "group", "aria-label": "Speak to the run", hidden: !live }, pause, resume, stop, singles);
  const findings = element("ul", { class: "avgen-findings", "aria-label": "Diagnosis" }), charts = element("div", { class: "avgen-charts" });
  const picture = element("img", { class: "avgen-samples", alt: "" }), caption = element("figcaption", { class: "avgen-note" });
  const rows = element("div", { class: "avgen-rows", "aria-hidden": true }), heads = element("div", { class: "avgen-heads", "aria-hidden": true });
  const samples = element("figure", { class: "avgen-figure", hidden: true }, caption, element("div", { class: "avgen-mosaic" }, heads, rows, picture));
  const head = element("div", { class: "avgen-bar" }, pill, title, clock);
  const root = element("div", { class: "avgen avgen-dashboard", role: "group" }, head, bar, buttons, message, changed, findings, charts, samples);
  const panels = new Map();
  let waiting = null, asked = 0, address = null;

  const show = () => {
    const facts = model.get("facts"), [sign, word] = WORDS[facts.state] ?? WORDS.unknown, paused = facts.state === "paused", alive = Boolean(facts.alive);
    if (waiting && (facts.told !== asked || Date.now() - waiting.since > 20000)) waiting = null;
    root.dataset.state = facts.state;
    root.dataset.step = facts.step ?? 0;
    root.setAttribute("aria-label", `Training: ${facts.title}`);
    pill.replaceChildren(element("b", { "aria-hidden": true, text: sign }), element("span", { text: word }));
    pill.className = `avgen-pill avgen-is-${facts.state}`;
    title.textContent = facts.title ?? "";
    clock.textContent = facts.clock ?? "";
    bar.value = facts.total ? facts.step / facts.total : 0;
    bar.setAttribute("aria-label", facts.clock ?? "");
    pause.disabled = !(facts.state === "running" || facts.state === "starting") || Boolean(waiting);
    resume.disabled = !(paused || (!alive && facts.can_resume)) || Boolean(waiting);
    stop.disabled = !alive || Boolean(waiting);
    const phases = alive ? facts.phases ?? [] : [];
    if (singles.dataset.phases !== phases.join()) {
      singles.dataset.phases = phases.join();
      singles.replaceChildren(
        ...phases.map((phase) => element("button", { type: "button", class: "avgen-wish", text: PLAYERS[phase] ?? `One ${phase} step`, onclick: () => ask("step", { phase }) })),
      );
    }
    for (const one of singles.children) {
      one.disabled = !paused || Boolean(waiting);
      one.title = paused ? "One update of this player alone, on a batch of its own" : "Pause first";
    }
    message.textContent = waiting ? `Asked to ${waiting.act}: it happens after the present step.` : facts.message ?? "";
    message.hidden = !message.textContent;
    message.classList.toggle("avgen-warning", Boolean(facts.trouble) && !waiting);
  };
  const tell = () => {
    const single = model.get("single") ?? {};
    changed.hidden = !single.number;
    if (!single.number) return;
    const says = (side, name) => single[side]?.[name], names = Object.keys(single.before ?? {});
    changed.replaceChildren(
      element("p", { text: `Single step ${single.number}: ${PLAYERS[single.phase]?.replace("One ", "one ") ?? single.phase}. What it changed, on the same batch:` }),
      element(
        "div", { class: "avgen-changes" },
        ...names.map((name) => {
          const before = says("before", name), after = says("after", name), arrow = Math.abs(after - before) < 5e-4 ? "=" : after > before ? "↑" : "↓";
          return element("span", {}, element("span", { text: name.replace(/^\w+\/D\(/, "D(").replace("/", " ") }), element("b", { text: `${before.toFixed(3)} → ${after.toFixed(3)} ${arrow}` }));
        }),
      ),
    );
  };
  const judge = () => {
    findings.replaceChildren(
      ...model.get("findings").map(({ level, text, advice }) => {
        const [sign, word] = LEVELS[level] ?? LEVELS.watch;
        return element("li", { class: `avgen-level-${level}` }, element("b", { "aria-label": word, text: sign }), element("span", {}, element("span", { text }), advice ? element("em", { text: ` Try: ${advice}` }) : null));
      }),
    );
  };
  const plot = () => {
    const points = numbers(model.get("points"), Float32Array), by = new Map();
    let at = 0;
    for (const { panel, name, count } of model.get("curves")) {
      if (!by.has(panel)) by.set(panel, []);
      by.get(panel).push({ name, points: points.subarray(at, (at += 2 * count)) });
    }
    for (const [panel, chart] of panels) if (!by.has(panel)) { chart.root.remove(); panels.delete(panel); }
    for (const [panel, curves] of by) {
      if (!panels.has(panel)) {
        panels.set(panel, curveChart(panel));
        charts.append(panels.get(panel).root);
      }
      panels.get(panel).draw(curves);
    }
    const order = [...by.keys()].map((panel) => panels.get(panel).root);
    if (order.some((node, i) => charts.children[i] !== node)) charts.replaceChildren(...order);
    root.dataset.points = points.length / 2;
    mark();
  };
  const mark = () => { // where a linked film stands
    const step = model.get("step"), now = model.get("facts").step;
    for (const { point } of panels.values()) point(step >= 0 && step !== now ? step : null);
  };
  const look = () => {
    const bytes = numbers(model.get("samples"), Uint8Array), names = model.get("sample_names"), lines = model.get("sample_rows");
    if (address) URL.revokeObjectURL(address);
    address = bytes.length ? URL.createObjectURL(new Blob([bytes], { type: "image/png" })) : null;
    samples.hidden = !address;
    if (!address) return picture.removeAttribute("src");
    picture.src = address;
    picture.alt = `Fixed samples at step ${model.get("sample_step")}: ${names.join(", ")}; rows: ${lines.join(", ")}`;
    caption.textContent = `The fixed samples at step ${model.get("sample_step").toLocaleString("en")}`;
    heads.replaceChildren(...names.map((text) => element("span", { text })));
    rows.replaceChildren(...lines.map((text) => element("span", { text })));
  };
  const parts = [[["facts"], show], [["findings"], judge], [["curves", "points"], plot], [["samples", "sample_names", "sample_rows", "sample_step"], look], [["single"], tell], [["step"], mark]];
  const off = [...parts.map(([names, draw]) => together(model, names, draw)), join(model)];
  parts.forEach(([, draw]) => draw());
  const tired = setInterval(() => waiting && show(), 1000);
  if (!live) message.textContent = `${message.textContent} This is a saved page: the run as it stood.`.trim();
  message.hidden = !message.textContent;
  el.append(root);
  return () => {
    off.forEach((f) => f());
    clearInterval(tired);
    if (address) URL.revokeObjectURL(address);
    clear(el, root);
  };
}

export default { render };
