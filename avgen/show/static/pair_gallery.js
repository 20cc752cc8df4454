// Source, generated and nearest training sample side by side: filter, hear, select; a slider over the steps of training; a walk between two codes.
import { TapeSpeaker, clear, element, join, magmaColour, numbers, paint, together } from "./common.js";

const MARKS = { right: "✓", wrong: "✗" }, WAYS = { S2I: "Sound to picture", I2S: "Picture to sound" };

function render({ model, el }) {
  const live = typeof model.send === "function";
  const ways = element("div", { class: "avgen-choice", role: "group", "aria-label": "Direction" }), verdicts = element("div", { class: "avgen-choice", role: "group", "aria-label": "Judged" });
  const instrument = element("select", { "aria-label": "Instrument", onchange: () => keep("instrument", instrument.value) });
  const count = element("span", { class: "avgen-clock", role: "status" }), filters = element("div", { class: "avgen-bar" }, ways, instrument, verdicts, count);
  const run = element("button", { class: "avgen-play", type: "button", "aria-label": "Run the film", text: "▶", onclick: () => (film ? halt() : roll()) });
  const slider = element("input", { type: "range", class: "avgen-range", min: 0, step: 1, "aria-label": "Step of training", oninput: () => { halt(); choose(Number(slider.value)); } });
  const stepSaid = element("span", { class: "avgen-clock" }), reel = element("div", { class: "avgen-bar avgen-reel" }, run, slider, stepSaid);
  const detail = element("section", { class: "avgen-detail", "aria-label": "Selected", hidden: true }), list = element("div", { class: "avgen-cards", role: "list" });
  const from = element("select", { "aria-label": "Walk from" }), to = element("select", { "aria-label": "Walk to" });
  const go = element("button", { type: "button", class: "avgen-wish", text: "Walk", onclick: () => { go.disabled = true; model.send({ act: "walk", from: Number(from.value), to: Number(to.value) }); } });
  const path = element("div", { class: "avgen-path", role: "list" }), said = element("p", { class: "avgen-note", role: "status" });
  const walk = element("section", { class: "avgen-walk" }, element("div", { class: "avgen-bar" }, element("b", { text: "A walk in code space" }), from, element("span", { text: "to" }), to, go), said, path);
  const note = element("p", { class: "avgen-note" }), trouble = element("p", { class: "avgen-note avgen-warning", role: "alert", hidden: true });
  const root = element("div", { class: "avgen avgen-gallery", role: "group" }, filters, reel, detail, list, walk, note, trouble);
  const cards = () => model.get("cards"), steps = () => model.get("steps");
  let sprite = null, walkSprite = null, playing = null, film = null, drawnCards = [], turn = 0;

  const keep = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const speaker = new TapeSpeaker(
    (seconds, sounding) => {
      root.dataset.playing = sounding;
      if (!playing) return;
      playing.setAttribute("aria-pressed", sounding);
      const cursor = playing.querySelector(".avgen-cursor");
      cursor.hidden = !sounding;
      cursor.style.left = `${(100 * seconds) / (speaker.duration || 1)}%`;
    },
    (text) => { trouble.textContent = text; trouble.hidden = false; },
  );
  const hear = (index, button, before = "") => {
    const again = speaker.playing && playing === button, ends = model.get(`${before}audio_offsets`);
    speaker.stop();
    if (again || index < 0) return;
    playing = button;
    speaker.load(numbers(model.get(`${before}audio`), Int16Array).subarray(ends[index], ends[index + 1]), model.get(`${before}sample_rate`));
    root.dataset.samples = speaker.samples.length;
    speaker.play(0);
  };
  const drawPixels = (canvas, tile, before = "") => {
    if (tile.kind === "sound") {
      const [height, width] = model.get(`${before}sound_grid`), size = height * width;
      return paint(canvas, numbers(model.get(`${before}sounds`), Uint8Array).subarray(tile.index * size, (tile.index + 1) * size), [height, width], magmaColour);
    }
    const sheet = before ? walkSprite : sprite, [height, width] = model.get(`${before}picture_grid`);
    canvas.width = width;
    canvas.height = height;
    if (!sheet) return;
    const columns = Math.max(Math.floor(sheet.width / width), 1);
    canvas.getContext("2d").drawImage(sheet, -(tile.index % columns) * width, -Math.floor(tile.index / columns) * height);
  };
  const verdict = (node, tile) => {
    node.className = "avgen-caption";
    node.textContent = tile.caption || "";
    if (!tile.verdict) return;
    node.classList.add(`avgen-${tile.verdict}`);
    node.prepend(element("b", { "aria-label": tile.verdict, text: `${MARKS[tile.verdict] ?? ""} ` }));
  };
  const place = (tile, title, chosen, before = "") => {
    const canvas = element("canvas"), caption = element("span"), cursor = element("span", { class: "avgen-cursor", hidden: true });
    const body = element("button", { class: "avgen-tile", type: "button", "aria-pressed": "false" }, canvas, cursor, element("span", { class: "avgen-ear", "aria-hidden": true, text: "▶" }));
    const cell = element("div", { class: "avgen-cell" }, body, caption);
    const fill = (now) => {
      cell.tile = now;
      drawPixels(canvas, now, before);
      verdict(caption, now);
      body.setAttribute("aria-label", `${now.audio >= 0 ? "Hear and select" : "Select"} ${now.caption || now.kind} of ${title}`);
      body.querySelector(".avgen-ear").hidden = now.audio < 0 || now.kind === "picture";
      if (now.audio >= 0 && now.kind === "picture") caption.prepend(element("i", { class: "avgen-heard", "aria-hidden": true, text: "▶ " })); // beside a picture, never on it
    };
    body.addEventListener("click", () => { hear(cell.tile.audio, body, before); chosen(); });
    fill(tile);
    return { cell, fill };
  };
  const at = () => (model.get("step") < 0 || !steps().length ? Infinity : model.get("step"));
  const generated = (card) => {
    if (at() === Infinity || !card.film.length) return card.tiles[1];
    return (card.film.filter((frame) => frame.step <= at()).at(-1) ?? card.film[0]).tile;
  };
  const visible = (card) => {
    const now = generated(card);
    return (!model.get("direction") || card.direction === model.get("direction")) && (!model.get("instrument") || card.instrument === model.get("instrument")) &&
      (!model.get("verdict") || now.verdict === model.get("verdict")) && (at() === Infinity || card.film.length > 0);
  };

  const select = (index) => {
    if (model.get("selected") !== index) keep("selected", index);
  };
  const inspect = () => {
    const index = model.get("selected"), card = cards()[index];
    drawnCards.forEach(({ node }, i) => node.classList.toggle("avgen-chosen", i === index));
    detail.hidden = !card;
    root.dataset.selected = index;
    if (!card) return;
    const tiles = [card.tiles[0], generated(card), ...card.tiles.slice(2)];
    detail.replaceChildren(
      element("div", { class: "avgen-bar" }, element("span", { class: "avgen-title", text: card.title }), element("span", { class: "avgen-note", text: `${WAYS[card.direction] ?? ""}. ${card.note}` }),
        element("button", { type: "button", class: "avgen-loop avgen-away", "aria-label": "Close", text: "×", onclick: () => keep("selected", -1) })),
      element("div", { class: "avgen-tiles" }, ...tiles.map((tile) => place(tile, card.title, () => {}).cell)),
    );
  };
  const refresh = () => {
    let shown = 0;
    drawnCards.forEach(({ node, second }, i) => {
      const card = cards()[i], see = visible(card);
      node.hidden = !see;
      shown += see;
      if (see) second.fill(generated(card));
    });
    count.textContent = shown === cards().length ? `${shown} cards` : `${shown} of ${cards().length} cards, the others are filtered out`;
    root.dataset.shown = shown;
    const many = steps().length, now = at() === Infinity ? many : steps().filter((s) => s <= at()).length - 1;
    reel.hidden = many < 2;
    slider.max = many;
    slider.value = Math.max(now, 0);
    stepSaid.textContent = now >= many ? "now" : `step ${steps()[Math.max(now, 0)].toLocaleString("en")}`;
    slider.setAttribute("aria-valuetext", stepSaid.textContent);
    for (const [group, name, options] of [[ways, "direction", { "": "Both ways", ...WAYS }], [verdicts, "verdict", { "": "All", right: "✓ Right", wrong: "✗ Wrong" }]])
      group.replaceChildren(...Object.entries(options).map(([value, text]) => element("button", { type: "button", text, "aria-pressed": String(model.get(name) === value), onclick: () => keep(name, value) })));
    ways.hidden = new Set(cards().map((card) => card.direction)).size < 2;
    verdicts.hidden = !cards().some((card) => card.tiles[1]?.verdict);
    instrument.value = model.get("instrument");
    inspect();
  };
  const choose = (place) => {
    model.set("step", place >= steps().length ? -1 : steps()[place]);
    model.save_changes();
  };
  const halt = () => {
    clearInterval(film);
    film = null;
    run.textContent = "▶";
    run.setAttribute("aria-label", "Run the film");
  };
  const roll = () => {
    let now = Number(slider.value) >= steps().length ? 0 : Number(slider.value);
    choose(now);
    run.textContent = "■";
    run.setAttribute("aria-label", "Stop the film");
    film = setInterval(() => {
      if (now >= steps().length) return halt();
      choose(++now);
    }, 450);
  };
  const sheet = async (name) => {
    const bytes = numbers(model.get(name), Uint8Array);
    return bytes.length ? createImageBitmap(new Blob([bytes], { type: "image/png" })) : null;
  };
  const draw = async () => {
    const mine = ++turn, found = await sheet("pictures");
    if (mine !== turn) return found?.close();
    speaker.stop();
    playing = null;
    sprite?.close();
    sprite = found;
    root.setAttribute("aria-label", model.get("name") || "gallery");
    drawnCards = cards().map((card, index) => {
      const chosen = () => select(index), [first, second, ...rest] = card.tiles.map((tile) => place(tile, card.title, chosen));
      const tiles = element("div", { class: "avgen-tiles" }, first.cell, second.cell, ...rest.map(({ cell }) => cell));
      return { second, node: element("div", { class: "avgen-card", role: "listitem" }, element("div", { class: "avgen-title", text: card.title }), tiles, element("div", { class: "avgen-note", text: card.note })) };
    });
    list.replaceChildren(...drawnCards.map(({ node }) => node));
    const names = [...new Set(cards().map((card) => card.instrument))].sort();
    instrument.replaceChildren(element("option", { value: "", text: "All instruments" }), ...names.map((name) => element("option", { value: name, text: name.replaceAll("_", " ") })));
    const options = () => cards().map((card, i) => element("option", { value: i, text: `${i + 1}  ${card.title}, ${WAYS[card.direction] ?? ""}` }));
    from.replaceChildren(...options());
    to.replaceChildren(...options());
    to.value = Math.min(1, cards().length - 1);
    note.textContent = model.get("note");
    note.hidden = !model.get("note");
    root.dataset.cards = cards().length;
    refresh();
  };
  const stroll = async () => {
    const { tiles = [], from: a, to: b, problem = "" } = model.get("walk_shown"), found = tiles.length ? await sheet("walk_pictures") : null;
    walkSprite?.close();
    walkSprite = found;
    go.disabled = false;
    go.hidden = from.hidden = to.hidden = !live;
    walk.querySelector(".avgen-bar").lastElementChild.previousElementSibling.previousElementSibling.hidden = !live;
    walk.hidden = !live && !tiles.length;
    said.textContent = problem || (tiles.length ? `From ${cards()[a]?.title} to ${cards()[b]?.title}: the same noise, codes in a straight line between them.` : "Choose two cards of one direction: the generator paints what lies between their codes.");
    said.classList.toggle("avgen-warning", Boolean(problem));
    path.replaceChildren(...tiles.map((tile, i) => place(tile, `the walk, ${Math.round((100 * i) / Math.max(tiles.length - 1, 1))} %`, () => {}, "walk_").cell));
    root.dataset.walk = tiles.length;
  };
  const off = [
    together(model, ["cards", "pictures", "sounds", "audio", "steps", "note", "name"], draw), together(model, ["step", "instrument", "verdict", "direction"], refresh),
    together(model, ["selected"], inspect), together(model, ["walk_shown", "walk_pictures", "walk_sounds", "walk_audio"], stroll), join(model),
  ];
  draw();
  stroll();
  el.append(root);
  return () => {
    off.forEach((f) => f());
    halt();
    turn++;
    sprite?.close();
    walkSprite?.close();
    speaker.close();
    speaker.load(new Int16Array(0));
    clear(el, root);
  };
}

export default { render };
