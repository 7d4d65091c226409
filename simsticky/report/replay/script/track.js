// The strip over the slider: when sessions break, and what happens to pods.
import { DELETED, SIGKILL, SIGTERM, WEIGHT_ZERO } from "./model.js";

const BINS = 120, THUMB = 8, HEIGHT = 34;
const SIGNS = {
  [DELETED]: (c, x, y) => { c.moveTo(x - 4, y - 4); c.lineTo(x + 4, y - 4); c.lineTo(x, y + 3); c.closePath(); },
  [WEIGHT_ZERO]: (c, x, y) => { c.moveTo(x, y - 4); c.lineTo(x + 4, y); c.lineTo(x, y + 4); c.lineTo(x - 4, y); c.closePath(); },
  [SIGTERM]: (c, x, y) => c.rect(x - 3.5, y - 3.5, 7, 7),
  [SIGKILL]: (c, x, y) => { c.moveTo(x - 4, y - 4); c.lineTo(x + 4, y + 4); c.moveTo(x + 4, y - 4); c.lineTo(x - 4, y + 4); },
};

export const breaksOf = (side, length) => {
  const bins = new Array(BINS).fill(0);
  for (const session of side.broken)
    for (const one of session.breaks)
      if (one.caused && one.at <= length) bins[Math.min(BINS - 1, Math.floor((one.at / length) * BINS))] += 1;
  return bins;
};

export const paintTrack = (c, side, bins, length, width, colours) => {
  const inner = width - 2 * THUMB, x = (at) => THUMB + (inner * at) / length, most = Math.max(1, ...bins);
  c.clearRect(0, 0, width, HEIGHT);
  c.fillStyle = colours.broken;
  c.beginPath();
  bins.forEach((many, i) => {
    const tall = (18 * many) / most;
    if (many) c.rect(x((i * length) / BINS), HEIGHT - tall, Math.max(1, inner / BINS - 1), tall);
  });
  c.fill();
  c.fillStyle = colours.line;
  c.fillRect(THUMB, HEIGHT - 1, inner, 1);
  c.beginPath();
  for (const pod of side.pods) for (const [which, at] of pod.marks) if (SIGNS[which]) SIGNS[which](c, x(at), 6);
  c.fillStyle = colours.paper;
  c.fill();
  c.strokeStyle = colours.ink;
  c.lineWidth = 1.1;
  c.stroke();
};
export const TRACK_HEIGHT = HEIGHT;
