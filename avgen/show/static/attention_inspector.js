// One inspector, see inspector_view.js.
import { clear, join } from "./common.js";
import { inspectorView } from "./inspector_view.js";

function render({ model, el }) {
  const view = inspectorView(model), leave = join(model);
  el.append(view.root);
  return () => {
    leave();
    view.close();
    clear(el, view.root);
  };
}

export default { render };
