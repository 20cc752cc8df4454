// The game of two networks in the plane, step by step: field, cloud, arrows. Runs in the page itself; no kernel is asked.
import { element, numbers } from "./common.js";
import { Game, chance } from "./toy_gan.js";

const BATCH = 64, SHOWN = 256, CELLS = 52, REACH = 0.22, SPAN = 1.25;
const pixel = (x, size) => ((x / SPAN + 1) / 2) * size, place = (p, size) => ((2 * p) / size - 1) * SPAN;

function render({ model, el }) {
  const canvas = element("canvas", { class: "avgen-toy-plane", width: 520, height: 520, role: "img", "aria-label": "Plane: grey target, orange generated points" });
  const button = (text, act, title) => element("button", { class: "avgen-toy-button", type: "button", text, title, onclick: act });
  const play = button("▶ Play", () => toggle());
  const recipe = element("select", { class: "avgen-toy-select", "aria-label": "Recipe", onchange: () => choose(recipe.value) });
  const tick = (text, on) => { const box = element("input", { type: "checkbox", checked: on, onchange: () => draw() }); return [element("label", { class: "avgen-toy-tick" }, box, element("span", { text })), box]; };
  const [fieldLabel, field] = tick("field of D", true), [arrowLabel, arrows] = tick("arrows", true), [drawLabel, drawing] = tick("draw the target", false);
  const said = element("p", { class: "avgen-note avgen-toy-said", role: "status", "aria-live": "polite" }), figures = element("dl", { class: "avgen-toy-figures" });
  const steps = element("div", { class: "avgen-bar" }, button("D step", () => act("D"), "The discriminator learns from 64 real and 64 generated points"), button("G step", () => act("G"), "The generator moves its cloud uphill"), play, button("Start again", () => begin()));
  const root = element("div", { class: "avgen avgen-toy" }, steps, element("div", { class: "avgen-toy-stage" }, canvas, element("div", { class: "avgen-toy-side" }, element("label", { class: "avgen-note", text: "Recipe" }), recipe, fieldLabel, arrowLabel, drawLabel, figures, said)));

  let game, dice, shownNoise, target, groups, timer = null, last = {}, count = { D: 0, G: 0 };
  const recipes = model.get("recipes");
  const now = () => recipes[recipe.value || Object.keys(recipes)[0]];
  const someReal = () => {
    const n = target.length / 2, few = new Float64Array(BATCH * 2);
    for (let k = 0; k < BATCH; k++) { const i = Math.floor(dice.next() * n); few[2 * k] = target[2 * i]; few[2 * k + 1] = target[2 * i + 1]; }
    return few;
  };
  const begin = () => {
    stop();
    dice = chance(model.get("seed"));
    game = new Game(model.get("hidden"), numbers(model.get("discriminator"), Float32Array), numbers(model.get("generator"), Float32Array));
    shownNoise = dice.normals(2 * SHOWN);
    last = {};
    count = { D: 0, G: 0 };
    draw();
  };
  const one = (player) => {
    if (!target.length) return;
    const r = now();
    if (player === "D") { const f = game.dStep(someReal(), dice.normals(2 * BATCH), r.d_rate); Object.assign(last, { "D(real)": f.real, "D(generated)": f.fake, "L_D": f.loss }); }
    else { const f = game.gStep(dice.normals(2 * BATCH), r.g_rate); Object.assign(last, { "D(generated)": f.fake, "L_G": f.loss }); }
    count[player]++;
  };
  const act = (player) => { stop(); one(player); draw(); };
  const round = () => { const r = now(); for (let k = 0; k < r.d_steps; k++) one("D"); for (let k = 0; k < r.g_steps; k++) one("G"); };
  const stop = () => { clearInterval(timer); timer = null; play.textContent = "▶ Play"; };
  const toggle = () => { if (timer) return stop(); play.textContent = "■ Stop"; timer = setInterval(() => { for (let k = 0; k < 3; k++) round(); draw(); }, 40); };
  const choose = () => { said.textContent = now().says; draw(); };

  /** How many generated points lie near each group of the target; a group with fewer than one in a hundred counts as lost. */
  const coverage = (cloud) => {
    const names = model.get("names"), sums = names.map(() => [0, 0, 0]);
    if (!groups || groups.length * 2 !== target.length) return null;
    groups.forEach((g, i) => { sums[g][0] += target[2 * i]; sums[g][1] += target[2 * i + 1]; sums[g][2]++; });
    const centres = sums.map(([x, y, n]) => [x / n, y / n]), found = names.map(() => 0), reach = model.get("reach") || REACH;
    for (let k = 0; k < cloud.length; k += 2) {
      let best = -1, least = reach;
      centres.forEach(([x, y], c) => { const d = Math.hypot(cloud[k] - x, cloud[k + 1] - y); if (d < least) { least = d; best = c; } });
      if (best >= 0) found[best]++;
    }
    return found;
  };

  function draw() {
    const c = canvas.getContext("2d"), size = canvas.width, style = getComputedStyle(root), ink = style.color;
    c.clearRect(0, 0, size, size);
    c.fillStyle = style.getPropertyValue("--raised") || "#f2f2f4";
    c.fillRect(0, 0, size, size);
    if (field.checked) {
      const points = new Float64Array(CELLS * CELLS * 2);
      for (let r = 0, k = 0; r < CELLS; r++) for (let q = 0; q < CELLS; q++, k += 2) { points[k] = place((q + 0.5) * (size / CELLS), size); points[k + 1] = -place((r + 0.5) * (size / CELLS), size); }
      const scores = game.score(points), side = size / CELLS, middle = [...scores].sort((a, b) => a - b)[scores.length >> 1];
      const spread = Math.sqrt(scores.reduce((sum, s) => sum + (s - middle) ** 2, 0) / scores.length) || 1;
      scores.forEach((s, k) => {
        const t = Math.tanh((s - middle) / spread); // green: scores higher than elsewhere; violet: lower
        c.fillStyle = t > 0 ? `rgba(18,140,110,${0.55 * t})` : `rgba(120,80,190,${-0.55 * t})`;
        c.fillRect((k % CELLS) * side, Math.floor(k / CELLS) * side, side, side);
      });
    }
    const n = target.length / 2, every = Math.max(1, Math.floor(n / 700));
    c.fillStyle = ink;
    c.globalAlpha = 0.45;
    for (let i = 0; i < n; i += every) c.fillRect(pixel(target[2 * i], size) - 1.5, pixel(-target[2 * i + 1], size) - 1.5, 3, 3);
    c.globalAlpha = 1;
    const cloud = game.paint(shownNoise);
    if (arrows.checked) {
      const few = cloud.slice(0, 2 * 60), up = game.pull(few), lengths = Array.from({ length: 60 }, (_, i) => Math.hypot(up[2 * i], up[2 * i + 1])), usual = [...lengths].sort((a, b) => a - b)[54] || 1;
      c.strokeStyle = ink;
      c.lineWidth = 1.3;
      for (let k = 0; k < few.length; k += 2) {
        const length = lengths[k / 2] || 1, reach = 34 * Math.min(length / usual, 1.5), x = pixel(few[k], size), y = pixel(-few[k + 1], size), dx = (up[k] / length) * reach, dy = (-up[k + 1] / length) * reach, turn = Math.atan2(dy, dx);
        c.beginPath();
        c.moveTo(x, y); c.lineTo(x + dx, y + dy);
        for (const side of [2.6, -2.6]) { c.moveTo(x + dx, y + dy); c.lineTo(x + dx + 5 * Math.cos(turn + side), y + dy + 5 * Math.sin(turn + side)); }
        c.stroke();
      }
    }
    c.fillStyle = "#f08c00";
    c.strokeStyle = "#fff";
    c.lineWidth = 0.8;
    for (let k = 0; k < cloud.length; k += 2) { c.beginPath(); c.arc(pixel(cloud[k], size), pixel(-cloud[k + 1], size), 3.4, 0, 7); c.fill(); c.stroke(); }
    const found = coverage(cloud), names = model.get("names");
    const rows = Object.entries({ "steps of D, of G": `${count.D}, ${count.G}`, ...Object.fromEntries(Object.entries(last).map(([name, v]) => [name, v.toFixed(2)])) });
    if (found) {
      const lost = names.filter((_, i) => found[i] < SHOWN / 100);
      rows.push([model.get("group_word"), `${names.length - lost.length} of ${names.length} reached`]);
      if (lost.length && lost.length < names.length && names[0].length > 1) rows.push(["lost", lost.join(", ")]);
      root.dataset.reached = names.length - lost.length;
    }
    figures.replaceChildren(...rows.flatMap(([name, value]) => [element("dt", { text: name }), element("dd", { text: value })]));
    root.dataset.steps = `${count.D},${count.G}`;
  }

  const position = (event) => { const box = canvas.getBoundingClientRect(); return [place(((event.clientX - box.left) / box.width) * canvas.width, canvas.width), -place(((event.clientY - box.top) / box.height) * canvas.height, canvas.height)]; };
  let pen = false;
  const dab = (event) => { const [x, y] = position(event), more = []; for (let k = 0; k < 6; k++) more.push(x + 0.035 * dice.normal(), y + 0.035 * dice.normal()); target = Float64Array.from([...target, ...more]); draw(); };
  canvas.addEventListener("pointerdown", (event) => {
    if (!drawing.checked) return;
    if (groups) { target = new Float64Array(0); groups = null; delete root.dataset.reached; said.textContent = "Your own target: draw on, then press Play."; }
    pen = true;
    canvas.setPointerCapture(event.pointerId);
    dab(event);
  });
  canvas.addEventListener("pointermove", (event) => pen && dab(event));
  canvas.addEventListener("pointerup", () => { pen = false; });
  drawing.addEventListener("change", () => { canvas.style.cursor = drawing.checked ? "crosshair" : ""; canvas.style.touchAction = drawing.checked ? "none" : ""; });

  recipe.replaceChildren(...Object.keys(recipes).map((name) => element("option", { value: name, text: name })));
  target = Float64Array.from(numbers(model.get("target"), Float32Array));
  groups = [...numbers(model.get("groups"), Uint8Array)];
  if (!groups.length) groups = null;
  el.append(root);
  begin();
  said.textContent = now().says;
  root.rounds = (n) => { for (let k = 0; k < n; k++) round(); draw(); }; // for the tests
  root.choose = (name) => { recipe.value = name; choose(); };
  root.engine = () => game;
  const repaint = () => draw(), light = window.matchMedia("(prefers-color-scheme: dark)");
  light.addEventListener("change", repaint);
  return () => { stop(); light.removeEventListener("change", repaint); };
}

export default { render };
