// Draws one moment of one side on a canvas. What is drawn follows from the moment alone, so that scrubbing back works.
import { DEAD, DELETED, DRAINING, GONE, LOOKS, NO_POD, REMOVED, SIGKILL, SIGTERM, STOPPING, WEIGHT_ZERO, alive, latest, phaseOf } from "./model.js";

const FLIGHT_MS = 450, FLASH_MS = 900, STILL = 50;
const PHASE_COLOURS = ["sky", "blue", "sky", "vermillion", "orange", "vermillion", "line", "line"];
const HATCHED = [1, 0, 1, 2, -1, 2, 0, 0];

export const palette = (element) => {
  const style = getComputedStyle(element), names = ["paper", "ink", "quiet", "line", "panel", "blue", "orange", "green", "vermillion", "purple", "sky", "broken"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
};

// A look is told by its shape, too.
const SHAPES = {
  held: (c, x, y, r) => { c.moveTo(x + r, y); c.arc(x, y, r, 0, 7); },
  exposed: (c, x, y, r) => c.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8),
  gone: (c, x, y, r) => { c.moveTo(x + r * 0.85, y); c.arc(x, y, r * 0.85, 0, 7); },
  broken: (c, x, y, r) => { const d = r * 1.3; c.moveTo(x, y - d); c.lineTo(x + d, y); c.lineTo(x, y + d); c.lineTo(x - d, y); c.closePath(); },
  astray: (c, x, y, r) => { c.moveTo(x, y - r * 1.1); c.lineTo(x + r * 1.1, y + r * 0.9); c.lineTo(x - r * 1.1, y + r * 0.9); c.closePath(); },
  failing: (c, x, y, r) => { c.moveTo(x - r, y - r); c.lineTo(x + r, y + r); c.moveTo(x + r, y - r); c.lineTo(x - r, y + r); },
};
const FILLS = { held: "blue", exposed: "orange", broken: "broken", astray: "purple" };
const STROKES = { gone: "ink", failing: "vermillion" };

export const mark = (c, look, x, y, r, colours) => {
  c.beginPath();
  SHAPES[look](c, x, y, r);
  finish(c, look, colours, r);
};
const finish = (c, look, colours, r) => {
  if (FILLS[look]) {
    c.fillStyle = colours[FILLS[look]];
    c.fill();
  } else {
    c.strokeStyle = colours[STROKES[look]];
    c.lineWidth = Math.max(1, r * 0.45);
    c.stroke();
  }
};

const cut = (c, text, room) => {
  if (c.measureText(text).width <= room) return text;
  let shown = text;
  while (shown.length > 1 && c.measureText(`${shown}…`).width > room) shown = shown.slice(0, -1);
  return `${shown}…`;
};

const TOLD = { [DELETED]: "deleted", [WEIGHT_ZERO]: "weight 0", [SIGTERM]: "SIGTERM", [SIGKILL]: "SIGKILL" };

const said = (side, pod, t, flash) => {
  const { phase, since } = phaseOf(pod, t), past = pod.marks.filter(([, at]) => at <= t), marks = past.map(([which]) => which);
  let words = side.phases[phase], more = "";
  // What has just happened is told for a moment, however soon the next thing comes.
  const [fresh] = past.filter(([which, at]) => TOLD[which] && t - at <= flash).map(([which]) => TOLD[which]).slice(-1);
  if (fresh) return [fresh, "", true];
  if (phase === STOPPING && marks.includes(SIGKILL)) words = "SIGKILL";
  else if (phase === DRAINING || phase === STOPPING) words += ` ${Math.floor((t - since) / 100)} s`;
  if (phase < DEAD && marks.includes(WEIGHT_ZERO)) more = ", weight 0";
  else if (phase < GONE && marks.includes(REMOVED)) more = ", no target";
  return [words, more, false];
};

const hatch = (c, x, y, w, h, way, colour) => {
  if (!way) return;
  c.beginPath();
  for (let at = x; at < x + w; at += 6) {
    if (way > 0) { c.moveTo(at, y + h); c.lineTo(Math.min(at + h, x + w), y); }
    if (way < 0 || way === 2) { c.moveTo(at, y); c.lineTo(Math.min(at + h, x + w), y + h); }
  }
  c.strokeStyle = colour;
  c.lineWidth = 1;
  c.stroke();
};

// The upper edge of a pod's box.
export const edge = (c, phase, x, y, w, h, colours) => {
  c.fillStyle = colours[PHASE_COLOURS[phase]];
  c.fillRect(x, y, w, h);
  hatch(c, x, y, w, h, HATCHED[phase], colours.ink);
};

const paintBox = (c, side, box, t, scene, counts) => {
  const { colours, flash } = scene, tenant = latest(box.tenants, t, (one) => one.from) || box.tenants[0];
  const pod = tenant.index === NO_POD ? undefined : side.pods[tenant.index], now = pod && phaseOf(pod, t);
  const there = !pod || now, over = now && now.phase === GONE;
  c.setLineDash(there && !over ? [] : [3, 3]);
  c.fillStyle = there && !over ? colours.panel : colours.paper;
  c.fillRect(box.x, box.y, box.w, box.h);
  const fresh = pod && [...pod.marks.map(([, at]) => at), ...pod.phases.map(([, at]) => at)].some((at) => at > 0 && at <= t && t - at < flash);
  c.strokeStyle = fresh ? colours.ink : colours.line;
  c.lineWidth = fresh ? 2 : 1;
  c.strokeRect(box.x + 0.5, box.y + 0.5, box.w - 1, box.h - 1);
  c.setLineDash([]);
  if (!there) return;
  if (pod) edge(c, now.phase, box.x + 1, box.y + 1, box.w - 2, 5, colours);
  const [words, more, isNew] = pod ? said(side, pod, t, flash) : ["", "", false];
  const instead = scene.crowded && isNew, many = instead ? "" : String(counts.get(tenant.index) || 0), room = box.w - 14;
  c.textBaseline = "alphabetic";
  c.fillStyle = over ? colours.quiet : colours.ink;
  c.font = "600 12px system-ui, sans-serif";
  c.textAlign = "right";
  c.fillText(many, box.x + box.w - 7, box.y + 19);
  c.textAlign = "left";
  const name = instead ? words : pod ? pod.pod : "no pod yet";
  c.fillText(cut(c, name, room - 3 - 7 * many.length), box.x + 7, box.y + 19);
  if (!pod || scene.crowded) return;
  c.font = isNew ? "600 11px system-ui, sans-serif" : "11px system-ui, sans-serif";
  c.fillStyle = isNew ? colours.ink : colours.quiet;
  if (isNew) c.fillText(cut(c, `→ ${words}`, room), box.x + 7, box.y + 32);
  else c.fillText(cut(c, more && c.measureText(words + more).width <= room ? words + more : words, room), box.x + 7, box.y + 32);
};

// Where each session's dot is at a moment: on the way from its last pod for a short while.
const dotsAt = (side, layout, t, flight) => {
  const dots = Object.fromEntries(LOOKS.map((look) => [look, []])), counts = new Map();
  for (const session of side.sessions) {
    if (!alive(session, t)) continue;
    const state = latest(session.states, t) || session.states[0], stay = state.stay;
    counts.set(stay.pod, (counts.get(stay.pod) || 0) + 1);
    let place = layout.place(stay);
    if (!place) continue;
    const from = flight && stay.before && t - stay.at < flight ? layout.place(stay.before) : undefined;
    if (from) {
      const part = (t - stay.at) / flight, eased = part * part * (3 - 2 * part);
      place = [from[0] + (place[0] - from[0]) * eased, from[1] + (place[1] - from[1]) * eased];
    }
    dots[state.look].push([place[0], place[1], session]);
  }
  return { dots, counts };
};

export const paint = (c, side, layout, t, scene) => {
  const { colours, perMs, still, followed } = scene, r = layout.pitch * 0.36;
  const { dots, counts } = dotsAt(side, layout, t, still ? 0 : FLIGHT_MS * perMs);
  const look = { ...scene, flash: still ? STILL : FLASH_MS * perMs, crowded: layout.crowded };
  c.clearRect(0, 0, layout.width, layout.height);
  for (const box of layout.boxes) paintBox(c, side, box, t, look, counts);
  // All dots of a look are one path: a frame costs a few fills, however many sessions there are.
  for (const name of [...LOOKS].reverse()) {
    if (!dots[name].length) continue;
    c.beginPath();
    for (const [x, y] of dots[name]) SHAPES[name](c, x, y, r);
    finish(c, name, colours, r);
  }
  const chosen = LOOKS.flatMap((name) => dots[name]).find(([, , session]) => session.id === followed);
  if (chosen) {
    c.beginPath();
    c.arc(chosen[0], chosen[1], r + 4, 0, 7);
    c.strokeStyle = colours.ink;
    c.lineWidth = 2;
    c.stroke();
  }
  return dots;
};
