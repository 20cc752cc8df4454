// A quiz: one question at a time; an answer is explained at once. Lives in the page; no kernel is asked.
import { element } from "./common.js";

function render({ model, el }) {
  const questions = model.get("questions"), words = model.get("words"), chosen = questions.map(() => []);
  let at = 0;
  const dots = element("div", { class: "avgen-quiz-dots", role: "tablist", "aria-label": words.title });
  const title = element("p", { class: "avgen-quiz-question" }), options = element("div", { class: "avgen-quiz-options", role: "group" });
  const why = element("p", { class: "avgen-quiz-why", role: "status", "aria-live": "polite" }), score = element("span", { class: "avgen-clock" });
  const back = element("button", { class: "avgen-toy-button", type: "button", text: words.back, onclick: () => go(at - 1) });
  const next = element("button", { class: "avgen-toy-button", type: "button", text: words.next, onclick: () => go(at + 1) });
  const root = element("div", { class: "avgen avgen-quiz" }, element("div", { class: "avgen-bar" }, element("span", { class: "avgen-title", text: words.title }), score), dots, title, options, why, element("div", { class: "avgen-bar" }, back, next));
  const right = (q) => questions[q].options.findIndex((o) => o.right);
  const solved = (q) => chosen[q].includes(right(q));

  const go = (to) => { at = Math.min(Math.max(to, 0), questions.length - 1); draw(); };
  const choose = (option) => { if (!solved(at) && !chosen[at].includes(option)) chosen[at].push(option); draw(); };
  function draw() {
    const question = questions[at], done = solved(at), last = chosen[at].at(-1);
    title.textContent = `${at + 1}. ${question.text}`;
    options.replaceChildren(...question.options.map((option, i) => {
      const state = done && option.right ? "right" : chosen[at].includes(i) ? "wrong" : "";
      return element("button", { class: `avgen-quiz-option ${state}`, type: "button", "aria-pressed": String(chosen[at].includes(i)), disabled: done && !option.right, onclick: () => choose(i) },
        element("span", { class: "avgen-quiz-mark", text: state === "right" ? "✓" : state === "wrong" ? "✗" : "ABCD"[i] }), element("span", { text: option.text }));
    }));
    why.textContent = last === undefined ? "" : question.options[last].why;
    why.className = `avgen-quiz-why ${last === undefined ? "" : done ? "right" : "wrong"}`;
    const first = questions.filter((_, q) => chosen[q][0] === right(q)).length, tried = chosen.filter((c) => c.length).length;
    score.textContent = tried ? words.score.replace("{right}", first).replace("{tried}", tried).replace("{all}", questions.length) : "";
    dots.replaceChildren(...questions.map((_, q) => element("button", { class: `avgen-quiz-dot ${solved(q) ? "right" : chosen[q].length ? "wrong" : ""}`, type: "button", role: "tab", "aria-selected": String(q === at), "aria-label": `${q + 1}`, text: `${q + 1}`, onclick: () => go(q) })));
    back.disabled = at === 0;
    next.disabled = at === questions.length - 1;
    root.dataset.first = first;
    root.dataset.at = at;
  }
  draw();
  el.append(root);
}

export default { render };
