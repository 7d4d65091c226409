// The replay: a clock, the keys and buttons that turn it, and the sides that show its moment.
import { Legend } from "./legend.js";
import { SIGTERM } from "./model.js";
import { Panel } from "./panel.js";
import { palette } from "./paint.js";
import { TRACK_HEIGHT, breaksOf, paintTrack } from "./track.js";
import { clockOf, make } from "./words.js";

const SPEEDS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500], WHOLE_S = 45, STEP_MS = 1200, SPEAK_MS = 2500, MOST_OPTIONS = 200;

const start = (root) => {
  const data = JSON.parse(document.getElementById("replay-data").textContent), clock = clockOf(data), length = data.length;
  const find = (name) => root.querySelector(`[data-do="${name}"]`);
  const [slider, speed, chosen, play, status, now, moment, track] = ["time", "speed", "follow", "play", "status", "now", "moment", "track"].map(find);
  const calm = matchMedia("(prefers-reduced-motion: reduce)"), dark = matchMedia("(prefers-color-scheme: dark)");
  const panels = data.sides.map((raw, i) => new Panel(raw, data, root, i, clock, (number) => follow(number)));
  const legend = new Legend(find("legend"), find("phases"), panels), bins = panels.map(({ side }) => breaksOf(side, length));
  let t = 0, playing = false, followed, colours, before, waited = 0, spoken = 0, pending, moved = false;

  const stops = [...new Set([0, ...panels.flatMap(({ side }) => side.lines.map(([at]) => at)), length])].sort((a, b) => a - b);
  const perMs = () => Number(speed.value) / 10;

  const draw = () => {
    const scene = { colours, perMs: perMs(), still: calm.matches || !playing, followed };
    for (const panel of panels) panel.draw(t, scene);
    legend.show();
    slider.value = Math.round(t);
    if (now.textContent === clock(t)) return;
    now.textContent = moment.textContent = clock(t);
    slider.setAttribute("aria-valuetext", clock(t));
  };

  // Those who hear the page hear the latest of what happens, never faster than they can listen.
  const speak = () => {
    const several = panels.length > 1;
    const said = panels.map((panel) => {
      const line = panel.latestLine();
      return `${several ? `${panel.side.name}: ` : ""}${line ? `${line[2]} ${line[3]}. ` : ""}${panel.summary()}.`;
    });
    const text = `${clock(t)}. ${said.join(" ")}`;
    status.textContent = text;
    panels.forEach((panel) => panel.canvas.setAttribute("aria-label", `Pods and their sessions at ${clock(t)}: ${panel.summary()}.`));
    spoken = performance.now();
  };
  const speakSoon = () => {
    clearTimeout(pending);
    pending = setTimeout(speak, 250);
  };

  const seek = (to) => {
    t = Math.min(length, Math.max(0, to));
    moved = true;
    draw();
    speakSoon();
  };
  const step = (way) => {
    const next = way > 0 ? stops.find((at) => at > t) : stops.findLast((at) => at < t);
    if (next !== undefined) seek(next);
  };
  const pause = () => {
    playing = false;
    play.textContent = "Play";
    draw();
    speak();
  };
  const frame = (time) => {
    if (!playing) return;
    const passed = before === undefined ? 0 : Math.min(100, time - before);
    before = time;
    if (calm.matches) {
      // Without motion: one event after the other.
      waited += passed;
      if (waited >= STEP_MS) {
        waited = 0;
        t = stops.find((at) => at > t) ?? length;
        draw();
      }
    } else {
      t = Math.min(length, t + passed * perMs());
      draw();
    }
    moved = true;
    if (performance.now() - spoken > SPEAK_MS) speak();
    if (t >= length) pause();
    else requestAnimationFrame(frame);
  };
  const toggle = () => {
    if (playing) return pause();
    if (t >= length) t = 0;
    [playing, before, waited] = [true, undefined, STEP_MS];
    play.textContent = "Pause";
    requestAnimationFrame(frame);
  };

  const follow = (number) => {
    followed = number;
    if (![...chosen.options].some((option) => option.value === String(number))) chosen.append(make("option", { value: number }, `session ${number}`));
    chosen.value = number === undefined ? "" : String(number);
    root.classList.toggle("following", number !== undefined);
    find("followed").textContent = number === undefined ? "" : `Session ${number}`;
    for (const panel of panels) panel.follow(number, seek);
    draw();
  };
  const brokenOnes = [...new Set(panels.flatMap(({ side }) => side.broken.map((session) => session.id)))];
  const firstBreak = (number) => Math.min(...panels.flatMap(({ side }) => (side.byId.get(number)?.breaks || []).filter((one) => one.caused).map((one) => one.at)));
  brokenOnes.sort((a, b) => firstBreak(a) - firstBreak(b));
  const nextBroken = (way) => {
    if (!brokenOnes.length) return;
    const place = brokenOnes.indexOf(followed);
    const next = place < 0 ? brokenOnes.find((number) => firstBreak(number) >= t) ?? brokenOnes[0] : brokenOnes[(place + way + brokenOnes.length) % brokenOnes.length];
    follow(next);
    seek(firstBreak(next));
  };

  const offer = () => {
    const broken = new Set(brokenOnes), groups = { "broken by an operation or a crash": brokenOnes, "not broken": [] };
    const all = new Set(panels.flatMap(({ side }) => side.sessions.map((session) => session.id)));
    groups["not broken"] = [...all].filter((number) => !broken.has(number)).sort((a, b) => a - b);
    for (const [name, numbers] of Object.entries(groups)) {
      if (!numbers.length) continue;
      const more = numbers.length > MOST_OPTIONS ? `, ${MOST_OPTIONS} of ${numbers.length}` : "";
      chosen.append(make("optgroup", { label: name + more }, ...numbers.slice(0, MOST_OPTIONS).map((number) => make("option", { value: number }, `session ${number}`))));
    }
    for (const button of [find("broken"), find("unbroken")]) button.disabled = !brokenOnes.length;
  };

  const paintAll = () => {
    colours = palette(root);
    legend.colour(colours);
    for (const panel of panels) panel.resize(root.classList.contains("paper"));
    const width = Math.max(260, track.parentElement.clientWidth);
    track.width = width * 2;
    track.height = TRACK_HEIGHT * 2 * panels.length;
    track.style.aspectRatio = `${width} / ${TRACK_HEIGHT * panels.length}`;
    const c = track.getContext("2d");
    panels.forEach(({ side }, i) => {
      c.setTransform(2, 0, 0, 2, 0, 2 * TRACK_HEIGHT * i);
      paintTrack(c, side, bins[i], length, width, colours);
    });
    draw();
  };

  // On paper: a moment at which much is to be seen, unless the reader has chosen one.
  const telling = () => {
    const { side } = panels[0], ends = side.pods.flatMap((pod) => pod.marks.filter(([which]) => which === SIGTERM).map(([, at]) => at)).sort((a, b) => a - b);
    const end = ends[Math.floor(ends.length / 2)];
    return end === undefined ? Math.round(length / 2) : Math.min(length, end + 500);
  };
  const paper = (on) => {
    root.classList.toggle("paper", on);
    if (on && !moved) t = telling();
    else if (!on && !moved) t = 0;
    paintAll();
  };

  const keys = {
    " ": toggle, ArrowRight: () => seek(t + length / 100), ArrowLeft: () => seek(t - length / 100),
    Home: () => seek(0), End: () => seek(length), PageUp: () => step(-1), PageDown: () => step(1),
  };
  root.addEventListener("keydown", (event) => {
    const { tagName, type } = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || tagName === "SELECT" || tagName === "SUMMARY" || !keys[event.key]) return;
    if (event.key === " " ? tagName === "BUTTON" : type === "range") return; // it does that by itself
    event.preventDefault();
    keys[event.key]();
  });
  slider.addEventListener("input", () => seek(Number(slider.value)));
  play.addEventListener("click", toggle);
  find("back").addEventListener("click", () => step(-1));
  find("next").addEventListener("click", () => step(1));
  find("broken").addEventListener("click", () => nextBroken(1));
  find("unbroken").addEventListener("click", () => nextBroken(-1));
  chosen.addEventListener("change", () => follow(chosen.value === "" ? undefined : Number(chosen.value)));
  for (const media of [calm, dark]) media.addEventListener("change", paintAll);
  // Colours are those of paper only once the page is laid out for it, which the second of these says.
  addEventListener("beforeprint", () => paper(true));
  matchMedia("print").addEventListener("change", (event) => paper(event.matches));
  addEventListener("afterprint", () => paper(false));
  let wide = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === wide) return; // a phone's address bar comes and goes
    wide = innerWidth;
    paintAll();
  });

  slider.max = length;
  slider.step = Math.max(1, Math.round(length / 500));
  for (const one of SPEEDS) speed.append(make("option", { value: one }, `× ${one}`));
  speed.value = SPEEDS.find((one) => length / 100 / one <= WHOLE_S) ?? SPEEDS[SPEEDS.length - 1];
  offer();
  root.classList.add("ready");
  root.querySelector(".app").hidden = false;
  paintAll();
  follow(undefined);
  speak();
  // For scripts and tests: what is shown, and the way to another moment.
  root.replay = {
    seek, step, follow, length,
    get t() { return t; }, get playing() { return playing; },
    dots: (place = 0) => panels[place].dots, summary: () => panels.map((panel) => panel.summary()), panels,
  };
};

const root = document.getElementById("replay");
if (root) start(root);
