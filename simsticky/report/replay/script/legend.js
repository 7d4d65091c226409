// The legend counts: how many sessions look how, and how those that are broken left their pods.
import { mark } from "./paint.js";
import { NAMES, make, spaced } from "./words.js";

const ORDER = ["held", "exposed", "gone", "broken", "failing", "astray"];

export class Legend {
  constructor(body, panels) {
    this.panels = panels;
    this.cells = new Map();
    this.signs = [];
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
