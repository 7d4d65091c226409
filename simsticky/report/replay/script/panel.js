// One side on the page: its canvas, its lines of the story, and the ladder of the session that is followed.
import { count, decode, latest } from "./model.js";
import { layOut } from "./layout.js";
import { paint } from "./paint.js";
import { renderLadder, showNow } from "./ladder.js";
import { make, podName, spaced, NAMES, counted } from "./words.js";

const LINES = 4, NEAR = 9, HINT = "Point at a dot and it says what it is; click it to follow the session.";
const TALLEST = 430, TALLEST_ON_A_PHONE = 560;

export class Panel {
  constructor(raw, data, root, place, clock, follow) {
    const nth = (name) => root.querySelectorAll(name)[place];
    this.side = decode(raw);
    this.data = data;
    this.clock = clock;
    this.canvas = nth(".stage canvas");
    this.context = this.canvas.getContext("2d");
    this.says = nth(".says");
    this.log = nth(".log");
    this.ladder = nth(".ladder");
    this.about = nth(".about");
    this.rungs = [];
    this.dots = {};
    this.canvas.addEventListener("click", (event) => this.at(event, (session) => follow(session.id)));
    this.canvas.addEventListener("pointermove", (event) => this.at(event, (session) => this.tell(session), () => (this.says.textContent = HINT)));
    this.says.textContent = HINT;
  }

  // Paper has finer dots than a screen.
  resize(onPaper) {
    const width = Math.max(260, this.canvas.parentElement.clientWidth), ratio = onPaper ? 3 : Math.min(3, Math.max(1, devicePixelRatio || 1));
    this.layout = layOut(this.side, this.data.length, width, width < 430 ? TALLEST_ON_A_PHONE : TALLEST);
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(this.layout.height * ratio);
    this.canvas.style.aspectRatio = `${width} / ${this.layout.height}`;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  draw(t, scene) {
    this.t = t;
    this.dots = paint(this.context, this.side, this.layout, t, scene);
    this.counts = count(this.side, t);
    const last = this.side.lines.filter(([at]) => at <= t).slice(-LINES);
    const key = last.length ? last.map(([at]) => at).join() : "none";
    if (key !== this.shown) {
      this.shown = key;
      this.log.replaceChildren(...last.reverse().map(([at, clock, who, what]) => make("li", {}, make("span", { class: "when" }, clock || this.clock(at)), ` ${who}: ${what}`)));
      if (!last.length) this.log.append(make("li", {}, "Nothing has happened yet."));
    }
    showNow(this.ladder, this.rungs, t);
  }

  follow(number, jump) {
    this.rungs = renderLadder(this.ladder, this.about, this.side, this.data.words, this.side.byId.get(number), this.data.length, this.clock, jump);
    delete this.ladder.dataset.now;
  }

  // A dot says why it looks as it does.
  tell(session) {
    const state = latest(session.states, this.t) || session.states[0], broke = session.breaks.find((one) => one.caused && one.at <= this.t);
    const why = broke && state.look === "broken" ? `: ${spaced(broke.row.mechanism)}, ${this.data.words.origin[broke.row.origin]}, at ${this.clock(broke.at)}` : "";
    this.says.textContent = `Session ${session.id} on ${podName(this.side, state.stay.pod)}: ${NAMES[state.look]}${why}. Click to follow it.`;
  }

  at(event, found, none) {
    const box = this.canvas.getBoundingClientRect(), scale = this.layout.width / box.width;
    const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
    let best, least = NEAR;
    for (const [dx, dy, session] of Object.values(this.dots).flat()) {
      const away = Math.hypot(dx - x, dy - y);
      if (away < least) [best, least] = [session, away];
    }
    if (best) found(best);
    else if (none) none();
  }

  summary() {
    const { all, looks } = this.counts, parts = Object.entries(looks).filter(([, many]) => many).map(([look, many]) => `${many} ${NAMES[look]}`);
    return `${counted(all, "session")}${parts.length ? `: ${parts.join("; ")}` : ""}`;
  }

  latestLine() {
    return latest(this.side.lines, this.t, ([at]) => at);
  }
}
