// One inspector, see inspector_view.js.
import { inspectorView } from "./inspector_view.js";

function render({ model, el }) {
  const view = inspectorView(model);
  el.append(view.root);
  return view.close;
}

export default { render };
