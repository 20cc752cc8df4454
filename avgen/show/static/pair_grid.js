// Cards of sounds and pictures side by side; a click on a card's tile plays its sound.
import { Speaker, clear, element, join, magmaColour, numbers, paint, steady, together } from "./common.js";

const MARKS = { right: "✓", wrong: "✗" };

function render({ model, el }) {
  const list = element("div", { class: "avgen-cards", role: "list" }), note = element("p", { class: "avgen-note" });
  const root = element("div", { class: "avgen avgen-grid" }, list, note);
  let playing = null;

  const show = (seconds, sounding) => {
    root.dataset.playing = sounding;
    if (!playing) return;
    const cursor = playing.querySelector(".avgen-cursor");
    playing.setAttribute("aria-pressed", sounding);
    cursor.hidden = !sounding;
    cursor.style.left = `${(100 * seconds) / (speaker.duration || 1)}%`;
  };
  const speaker = new Speaker(show);

  const hear = (tile, index, button, card) => {
    const again = speaker.playing && playing === button, ends = model.get("audio_offsets");
    speaker.stop();
    if (again) return;
    playing = button;
    speaker.load(numbers(model.get("audio"), Int16Array).subarray(ends[index], ends[index + 1]), model.get("sample_rate"));
    root.dataset.samples = speaker.samples.length;
    if (model.get("steady")) steady(speaker);
    root.dataset.gain = speaker.gain.toFixed(3);
    speaker.play(0);
    model.set("selected", card);
    model.save_changes();
  };

  const drawTile = (tile, card, title, sprite) => {
    const canvas = element("canvas", { class: `avgen-tile-${tile.kind}` }), audible = tile.audio >= 0;
    const what = `${tile.caption || tile.kind} of ${title}`;
    const body = audible
      ? element("button", { class: "avgen-tile", type: "button", "aria-label": `Hear ${what}`, "aria-pressed": "false" })
      : element("div", { class: "avgen-tile", role: "img", "aria-label": what });
    body.append(canvas, element("span", { class: "avgen-cursor", hidden: true }));
    if (audible) {
      if (tile.kind === "sound") body.append(element("span", { class: "avgen-ear", "aria-hidden": true, text: "▶" }));
      body.addEventListener("click", () => hear(tile, tile.audio, body, card));
    }
    if (tile.kind === "sound") {
      const [height, width] = model.get("sound_grid"), size = height * width;
      paint(canvas, numbers(model.get("sounds"), Uint8Array).subarray(tile.index * size, (tile.index + 1) * size), [height, width], magmaColour);
    } else if (sprite) {
      const [height, width] = model.get("picture_grid"), columns = Math.max(Math.floor(sprite.width / width), 1);
      canvas.width = width;
      canvas.height = height;
      canvas.getContext("2d").drawImage(sprite, -(tile.index % columns) * width, -Math.floor(tile.index / columns) * height);
    }
    const caption = element("span", { class: "avgen-caption", text: tile.caption || "" });
    if (audible && tile.kind === "picture" && tile.caption) caption.prepend(element("i", { class: "avgen-heard", "aria-hidden": true, text: "▶ " })); // beside a picture, never on it
    if (tile.verdict) {
      caption.classList.add(`avgen-${tile.verdict}`);
      caption.prepend(element("b", { "aria-label": tile.verdict, text: `${MARKS[tile.verdict] ?? ""} ` }));
    }
    return element("div", { class: "avgen-cell" }, body, caption);
  };

  const mark = () => [...list.children].forEach((card, i) => card.classList.toggle("avgen-chosen", i === model.get("selected")));
  let drawn = 0;
  const draw = async () => {
    const mine = ++drawn;
    speaker.stop();
    playing = null;
    const bytes = numbers(model.get("pictures"), Uint8Array);
    const sprite = bytes.length ? await createImageBitmap(new Blob([bytes], { type: "image/png" })) : null;
    if (mine !== drawn) return;
    list.setAttribute("aria-label", model.get("name") || "pairs");
    list.replaceChildren(
      ...model.get("cards").map((card, index) =>
        element(
          "div", { class: "avgen-card", role: "listitem" },
          element("div", { class: "avgen-title", text: card.title }),
          element("div", { class: "avgen-tiles" }, ...card.tiles.map((tile) => drawTile(tile, index, card.title, sprite))),
          card.note ? element("div", { class: "avgen-note", text: card.note }) : null,
        ),
      ),
    );
    note.textContent = model.get("note");
    note.hidden = !model.get("note");
    root.dataset.cards = model.get("cards").length;
    mark();
  };
  const quiet = together(model, ["cards", "pictures", "sounds", "audio", "note", "name"], draw);
  const marked = together(model, ["selected"], mark), leave = join(model);
  draw();
  el.append(root);
  return () => {
    quiet();
    marked();
    leave();
    drawn++;
    speaker.close();
    speaker.load(new Int16Array(0));
    clear(el, root);
  };
}

export default { render };
