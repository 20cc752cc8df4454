// Two inspectors that share point, layer, direction, scale and threshold, and how much their attention overlaps.
import { clear, element, join } from "./common.js";
import { inspectorView } from "./inspector_view.js";

const SHARED = ["layer", "query", "direction", "scale", "threshold", "pitch_names", "time", "step"];

/** One side as a model of its own: shared traits are the parent's, the others are this side's. */
class Side {
  constructor(parent, number) {
    Object.assign(this, { parent, number, own: { order: {}, playing: "" } });
  }

  get(name) {
    if (SHARED.includes(name)) return this.parent.get(name);
    return name in this.own ? this.own[name] : this.parent.get("sides")[this.number][name];
  }

  set(name, value) {
    if (SHARED.includes(name)) this.parent.set(name, value);
    else this.own[name] = value;
  }

  save_changes() { this.parent.save_changes(); }

  on(event, listener) { this.parent.on(event, listener); }

  off(event, listener) { this.parent.off(event, listener); }
}

function render({ model, el }) {
  const overlap = element("p", { class: "avgen-overlap", "aria-live": "polite" }), bus = { views: [], drew: () => {} };
  const views = [0, 1].map((i) => inspectorView(new Side(model, i), bus));
  bus.drew = () => {
    const [a, b] = views.map((view) => view.drawn());
    overlap.hidden = !(a && b);
    if (!a || !b) return;
    if (a.values.length !== b.values.length) { overlap.textContent = "The two layers have different grids, so their attention cannot be added up key by key."; return; }
    const total = (d) => d.values.reduce((sum, v) => sum + (v > 0 ? v : 0), 0) || 1, [one, two] = [total(a), total(b)];
    const shared = a.values.reduce((sum, v, i) => sum + Math.min(v / one, b.values[i] / two || 0), 0);
    overlap.textContent = `The two share ${(100 * shared).toFixed(1)} % of their attention here (100 %: the same map; 0 %: no key in common).`;
    overlap.dataset.shared = shared;
  };
  const labels = () => views.forEach((view, i) => { view.title.textContent = model.get("labels")[i]; });
  const sides = element("div", { class: "avgen-sides" }, ...views.map((view) => view.root));
  const root = element("div", { class: "avgen avgen-compare", role: "group", "aria-label": `Comparison of ${model.get("labels").join(" and ")}` }, views[0].controls, overlap, sides);
  views[1].controls.remove();
  labels();
  bus.drew();
  model.on("change:labels", labels);
  const leave = join(model);
  el.append(root);
  return () => {
    leave();
    model.off("change:labels", labels);
    for (const view of views) view.close();
    clear(el, root);
  };
}

export default { render };
