// Turns the slides of a lesson: arrow keys, page keys, space, and the two buttons.
(() => {
const slides = [...document.querySelectorAll("section")], at = document.querySelector("nav span");
let now = Math.min(Number(location.hash.slice(1)) || 1, slides.length) - 1;
const show = (to) => { now = Math.min(Math.max(to, 0), slides.length - 1);
  slides.forEach((s, i) => s.classList.toggle("now", i === now)); at.textContent = `${now + 1} / ${slides.length}`;
  history.replaceState(null, "", `#${now + 1}`); };
document.querySelector("#back").onclick = () => show(now - 1);
document.querySelector("#on").onclick = () => show(now + 1);
addEventListener("keydown", (e) => { if (e.target.closest(".avgen, input, select, textarea")) return;
  if (["ArrowRight", "PageDown", " "].includes(e.key)) { e.preventDefault(); show(now + 1); }
  if (["ArrowLeft", "PageUp"].includes(e.key)) { e.preventDefault(); show(now - 1); } });
show(now);
})();
