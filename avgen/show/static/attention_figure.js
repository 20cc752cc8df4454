// Where a layer looks from one point: hover previews, click locks, arrows move the point, escape lets go.
import { Speaker, element, heightOf, hertzAt, inferno, magmaColour, numbers, paint, placeOf, plot, sayHertz, saySeconds, secondsAt, together, within } from "./common.js";

const VIEWS = [["both", "Sound + attention"], ["sound", "Sound"], ["heat", "Attention"]];

/** Clear up to the equal share of uniform attention, then violet to yellow up to `top` times that share; 255 stands for `times`. */
const heatColours = (times, top) => {
  const table = Array.from({ length: 256 }, (_, v) => {
    const t = within(((v / 255) * times - 1) / (top - 1));
    return [...inferno(0.3 + 0.68 * t), Math.round(255 * Math.min(1.15 * Math.sqrt(t), 0.96))];
  });
  return (v) => table[v];
};

function render({ model, el }) {
  const view = plot("", "application");
  const cell = element("div", { class: "avgen-query", hidden: true });
  view.stage.append(cell);
  const facts = element("dl", { class: "avgen-facts" }), warning = element("p", { class: "avgen-warning", role: "note" });
  const say = element("p", { class: "avgen-say", "aria-live": "polite" });
  const scale = element("canvas", { class: "avgen-scale", "aria-hidden": true }), most = element("span", {});
  const legend = element("div", { class: "avgen-legend" }, element("span", { text: "1 ×" }), scale, most);
  const play = element("button", { class: "avgen-play", type: "button", text: "▶", "aria-label": "Play the sound" });
  const choice = element("div", { class: "avgen-choice", role: "group", "aria-label": "What is drawn" });
  const title = element("span", { class: "avgen-title" });
  const chips = element("div", { class: "avgen-chips", role: "group", "aria-label": "Points to start from" });
  const side = element("div", { class: "avgen-side" }, say, chips, legend, facts, warning);
  const root = element("div", { class: "avgen avgen-attention" },
    element("div", { class: "avgen-bar" }, play, title, choice), element("div", { class: "avgen-columns" }, view.root, side));

  const speaker = new Speaker((seconds, playing) => {
    play.textContent = playing ? "■" : "▶";
    root.dataset.playing = playing;
    view.showCursor(playing ? placeOf(seconds, model.get("span")) : null);
  });
  play.addEventListener("click", () => (speaker.playing ? speaker.stop() : speaker.play(0)));

  for (const [name, text] of VIEWS) {
    choice.append(element("button", { type: "button", "aria-pressed": String(name === "both"), text, onclick: (event) => {
      root.dataset.view = name;
      for (const other of choice.children) other.setAttribute("aria-pressed", String(other === event.currentTarget));
    } }));
  }
  root.dataset.view = "both";

  let data = {};
  let locked = null;

  const read = () => {
    const Kind = model.get("bits") === 16 ? Uint16Array : Uint8Array;
    data = {
      weights: numbers(model.get("weights"), Kind), top: Kind === Uint16Array ? 65535 : 255,
      scales: numbers(model.get("scales"), Float32Array), entropy: numbers(model.get("entropies"), Float32Array),
      queries: numbers(model.get("queries"), Int32Array), keys: model.get("key_grid"), grid: model.get("query_grid"),
    };
    data.count = data.keys[0] * data.keys[1];
  };

  /** The recorded query nearest to a cell of the query grid, as its row in the weights. */
  const recorded = (row, column) => {
    const [, width] = data.grid;
    if (!data.queries.length) return row * width + column;
    let best = 0, least = Infinity;
    data.queries.forEach((index, i) => {
      const away = (Math.floor(index / width) - row) ** 2 + ((index % width) - column) ** 2;
      if (away < least) [least, best] = [away, i];
    });
    return best;
  };

  const isPicture = () => model.get("picture");
  /** Cell of a grid at (x, y), y counted from below; rows of a picture count from above. */
  const cellAt = (x, y, [rows, columns]) => [
    Math.min(Math.floor((isPicture() ? 1 - y : y) * rows), rows - 1), Math.min(Math.floor(x * columns), columns - 1)];
  const middle = ([row, column], [rows, columns]) => [(column + 0.5) / columns, isPicture() ? 1 - (row + 0.5) / rows : (row + 0.5) / rows];
  /** A point in the words of Python: (seconds, hertz), or (column, row) of a picture. */
  const named = (x, y) => {
    const [height, width] = model.get("grid");
    if (isPicture()) return [Math.min(Math.floor(x * width), width - 1), Math.min(Math.floor((1 - y) * height), height - 1)];
    return [secondsAt(x, model.get("span")), hertzAt(y, model.get("frequencies"))];
  };
  const sayPoint = (x, y) => (isPicture() ? `column ${named(x, y)[0]}, row ${named(x, y)[1]}` : `${saySeconds(Math.max(named(x, y)[0], 0))}, ${sayHertz(named(x, y)[1])}`);

  const fact = (name, value, title) => [element("dt", { text: name, title }), element("dd", { text: value, title })];

  const tell = (found) => {
    const known = (x, words) => (x === null ? "not known" : words(x));
    facts.replaceChildren(
      ...fact("γ", known(model.get("gamma"), (x) => x.toPrecision(3).replace("-", "−")), "what the module's output is multiplied with before it is added; 0 at the start of training"),
      ...fact("effect", known(model.get("effect"), (x) => `${+(100 * x).toPrecision(2)} %`), "size of what attention adds, against what it is added to"),
      ...fact("entropy", found === null ? "–" : data.entropy[found].toFixed(2), "1: spread evenly over all keys; 0: all on one key"),
      ...fact("layer", model.get("layer"), "the module that was recorded"),
    );
  };

  const heat = (x, y) => {
    const [rows, columns] = data.grid, [row, column] = cellAt(x, y, data.grid);
    const found = recorded(row, column), index = data.queries.length ? data.queries[found] : found;
    const line = data.weights.subarray(found * data.count, (found + 1) * data.count), times = data.scales[found] * data.count;
    const top = Math.max(times, 2); // an almost uniform map must not glow
    paint(view.heat, data.top === 255 ? line : Uint8Array.from(line, (v) => v / 257), data.keys, heatColours(times, top), isPicture());
    const r = Math.floor(index / columns), c = index % columns, peak = line.indexOf(data.top);
    cell.hidden = false;
    cell.style.cssText = `left:${(100 * c) / columns}%;${isPicture() ? "top" : "bottom"}:${(100 * r) / rows}%;width:${100 / columns}%;height:${100 / rows}%`;
    say.textContent = `${locked ? "From" : "Preview from"} ${sayPoint(...middle([r, c], data.grid))} it looks most at ` +
      `${sayPoint(...middle([Math.floor(peak / data.keys[1]), peak % data.keys[1]], data.keys))}: ${times.toFixed(1)} times as much as if it looked everywhere alike.`;
    most.textContent = `${top.toFixed(1)} × uniform`;
    tell(found);
    root.dataset.query = index;
  };

  const point = (at = model.get("at")) => {
    const [height, width] = model.get("grid");
    if (!at || at.length !== 2) return null;
    if (isPicture()) return [within((at[0] + 0.5) / width), within(1 - (at[1] + 0.5) / height)];
    return [within(placeOf(at[0], model.get("span"))), within(heightOf(at[1], model.get("frequencies")))];
  };
  const settle = () => {
    locked = point();
    root.dataset.locked = locked !== null;
    for (const chip of chips.children) chip.setAttribute("aria-pressed", String(chip.dataset.at === String(model.get("at"))));
    if (locked) return heat(...locked);
    view.heat.width = view.heat.width;
    cell.hidden = true;
    most.textContent = "";
    delete root.dataset.query;
    say.textContent = "Move over the sound to preview; click to keep a point. Keys: arrows move it, Enter keeps it, Escape lets go.";
    tell(null);
  };
  const keep = (x, y) => {
    model.set("at", named(...middle(cellAt(x, y, data.grid), data.grid)).map((v) => +v.toFixed(4)));
    model.save_changes();
    settle();
  };

  view.stage.addEventListener("pointermove", (event) => { if (!locked && event.pointerType !== "touch") heat(...view.place(event)); });
  view.stage.addEventListener("pointerleave", settle);
  view.stage.addEventListener("click", (event) => keep(...view.place(event)));
  const release = () => { model.set("at", []); model.save_changes(); settle(); };
  view.stage.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
    const [rows, columns] = data.grid, [x, y] = locked ?? [0.5, 0.5];
    if (move) keep(within(x + move[0] / columns), within(y + move[1] / rows));
    else if (event.key === "Enter" || event.key === " ") locked ? release() : keep(x, y);
    else if (event.key === "Escape") release();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const draw = () => {
    read();
    speaker.load(numbers(model.get("audio"), Int16Array), model.get("sample_rate"));
    play.hidden = !speaker.samples.length;
    root.dataset.samples = speaker.samples.length;
    title.textContent = model.get("name");
    const name = model.get("name") || "sound";
    view.stage.setAttribute("aria-roledescription", "attention map");
    view.stage.setAttribute("aria-label", `Attention over ${name}. Arrow keys move the point, Enter keeps it, Escape lets go.`);
    const painted = numbers(model.get("spectrogram"), Uint8Array);
    if (!painted.length) view.base.width = view.base.height = 1;
    else if (isPicture()) paint(view.base, painted, model.get("grid"), (_, i) => [...painted.subarray(i * 3, i * 3 + 3), 255], true);
    else paint(view.base, painted, model.get("grid"), magmaColour);
    root.dataset.picture = isPicture();
    view.stage.style.aspectRatio = isPicture() ? `${model.get("grid")[1]} / ${model.get("grid")[0]}` : "";
    if (!isPicture()) view.axes(model.get("span"), model.get("frequencies"));
    paint(scale, Uint8Array.from({ length: 256 }, (_, i) => i), [1, 256], heatColours(1e6, 1e6));
    chips.replaceChildren(...model.get("points").map((at) => element("button", { type: "button", "data-at": String(at), text: sayPoint(...point(at)), onclick: () => {
      model.set("at", at);
      model.save_changes();
      settle();
    } })));
    chips.hidden = !model.get("points").length;
    warning.textContent = model.get("warning");
    warning.hidden = !model.get("warning");
    settle();
  };
  const quiet = together(model, ["weights", "scales", "spectrogram", "audio", "name", "gamma", "effect", "key_grid", "query_grid"], draw);
  model.on("change:at", settle);
  draw();
  el.append(root);
  return () => { quiet(); model.off("change:at", settle); speaker.close(); };
}

export default { render };
