// Brings a saved page to life: every [data-widget] gets its module and a model that holds what Python wrote beside it. No kernel, no network.
const decode = (value) => {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value.bytes === "string") return Uint8Array.from(atob(value.bytes), (c) => c.charCodeAt(0));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, decode(inner)]));
};

class PageModel {
  constructor(state) {
    this.state = Object.fromEntries(Object.entries(state).map(([name, value]) => [name, decode(value)]));
    this.listeners = {};
  }

  get(name) { return this.state[name]; }

  set(name, value) {
    this.state[name] = value;
    for (const listener of this.listeners[`change:${name}`] ?? []) listener();
  }

  save_changes() {}

  on(event, listener) { (this.listeners[event] ??= []).push(listener); }

  off(event, listener) { this.listeners[event] = (this.listeners[event] ?? []).filter((other) => other !== listener); }
}

for (const place of document.querySelectorAll("[data-widget]")) {
  const model = new PageModel(JSON.parse(place.querySelector("script").textContent)), el = document.createElement("div");
  place.append(el);
  widgets[place.dataset.widget].render({ model, el });
  place.dataset.ready = "true";
}
