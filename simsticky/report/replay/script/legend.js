// The legend counts: how many sessions look how, and how those that are broken left their pods.
import { edge, mark } from "./paint.js";
import { GONE } from "./model.js";
import { NAMES, make, spaced } from "./words.js";

const ORDER = ["held", "exposed", "gone", "broken", "failing", "astray"];

export class Legend {
  constructor(body, phases, panels) {
    this.panels = panels;
    this.cells = new Map();
    this.signs = [];
    this.edges = [];
    const drawn = new Map(panels.flatMap(({ side }) => side.pods.flatMap((pod) => pod.phases.map(([phase]) => [side.phases[phase], phase]))));
    for (const [name, phase] of [...drawn].sort((a, b) => a[1] - b[1])) {
      if (phase === GONE) {
        phases.append(`dashed: ${name}`);
        continue;
      }
      const sign = make("canvas", { width: 48, height: 16, class: "edge", "aria-hidden": "true" });
      this.edges.push([sign, phase]);
      phases.append(make("span", {}, sign, ` ${name}`), " ");
    }
    const mechanisms = [...new Set(panels.flatMap(({ side }) => side.broken.flatMap((session) => session.breaks.filter((one) => one.caused).map((one) => one.row.mechanism))))];
    const seen = (look) => look === "held" || panels.some(({ side }) => side.sessions.some((session) => session.states.some((state) => state.look === look)));
    for (const look of ORDER.filter(seen)) {
      this.row(body, look, NAMES[look], look, "");
      if (look === "broken") for (const one of mechanisms) this.row(body, `why ${one}`, `of them: ${spaced(one)}`, "", "part");
    }
  }

  row(body, key, name, look, kind) {
    const head = make("th", { scope: "row", class: kind });
    if (look) {
      const sign = make("canvas", { width: 32, height: 32, class: "sign", "aria-hidden": "true" });
      this.signs.push([sign, look]);
      head.append(sign, " ");
    }
    head.append(name);
    const cells = this.panels.map(() => make("td", { class: "number" }, "0"));
    this.cells.set(key, cells);
    body.append(make("tr", { "data-look": key }, head, ...cells));
  }

  colour(colours) {
    for (const [sign, look] of this.signs) {
      const c = sign.getContext("2d");
      c.setTransform(2, 0, 0, 2, 0, 0);
      c.clearRect(0, 0, 16, 16);
      mark(c, look, 8, 8, 4.5, colours);
    }
    for (const [sign, phase] of this.edges) {
      const c = sign.getContext("2d");
      c.setTransform(2, 0, 0, 2, 0, 0);
      edge(c, phase, 0, 0, 24, 8, colours);
    }
  }

  show() {
    this.panels.forEach(({ counts: { looks, why } }, place) => {
      for (const [key, cells] of this.cells) {
        const many = String(key.startsWith("why ") ? why.get(key.slice(4)) || 0 : looks[key]);
        if (cells[place].textContent !== many) cells[place].textContent = many;
      }
    });
  }
}
