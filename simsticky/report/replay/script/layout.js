// Where the boxes of pods are, and the dots in them.
import { GONE, NO_POD } from "./model.js";

const GAP = 8, HEAD = 36, SHORT_HEAD = 22, EDGE = 6, SMALLEST_BOX = 74, MANY = 12, CROWD = 24;
const PITCHES = [12, 3.5], CROWDED_PITCH = 6.5;

// With many pods, one that comes takes the box of one that is gone.
const shareBoxes = (side, length) => {
  const spans = side.pods.map((pod, index) => ({ index, from: pod.phases.length ? pod.phases[0][1] : Infinity, to: length }));
  for (const span of spans) {
    const phases = side.pods[span.index].phases;
    if (phases.length && phases[phases.length - 1][0] === GONE) span.to = phases[phases.length - 1][1];
  }
  for (const session of side.sessions)
    for (const stay of session.stays) if (stay.pod !== NO_POD) spans[stay.pod].to = Math.max(spans[stay.pod].to, Math.min(stay.until, length));
  const boxes = [];
  for (const span of spans.filter((one) => one.from < length && (one.to > 0 || one.from > 0)).sort((a, b) => a.from - b.from)) {
    const free = spans.length > MANY ? boxes.find((box) => box.to <= span.from) : undefined;
    if (free) {
      free.tenants.push(span);
      free.to = span.to;
    } else boxes.push({ tenants: [span], to: span.to });
  }
  return boxes.map((box) => box.tenants);
};

export const layOut = (side, length, width, target) => {
  const tenants = shareBoxes(side, length);
  if (side.slots.has(NO_POD)) tenants.push([{ index: NO_POD, from: -Infinity, to: Infinity }]);
  const most = Math.max(1, ...side.slots.values());
  // Of a crowd the boxes are lower, and the dots still large enough to be seen.
  const crowded = tenants.length > CROWD, head = crowded ? SHORT_HEAD : HEAD;
  const [largest, smallest] = crowded ? [PITCHES[0], CROWDED_PITCH] : PITCHES;
  let best;
  for (let across = Math.max(1, Math.min(tenants.length, Math.floor((width + GAP) / (SMALLEST_BOX + GAP)))); across >= 1; across -= 1) {
    const box = (width - GAP * (across - 1)) / across, down = Math.ceil(tenants.length / across);
    for (let pitch = largest; pitch >= smallest; pitch -= 0.5) {
      const columns = Math.max(1, Math.floor((box - 2 * EDGE) / pitch)), rows = Math.ceil(most / columns);
      const height = head + rows * pitch + EDGE, whole = down * (height + GAP) - GAP;
      if (whole > target && pitch > smallest) continue;
      const empty = across * down - tenants.length;
      const merit = pitch - empty * 0.15 - Math.max(0, whole - target) / 40;
      if (!best || merit > best.merit) best = { merit, across, box, pitch, columns, height, whole };
      break;
    }
  }
  const boxes = tenants.map((who, i) => ({
    tenants: who, x: (i % best.across) * (best.box + GAP), y: Math.floor(i / best.across) * (best.height + GAP), w: best.box, h: best.height,
  }));
  const boxOf = new Map(boxes.flatMap((box) => box.tenants.map((tenant) => [tenant.index, box])));
  const place = (stay) => {
    const box = boxOf.get(stay.pod);
    if (!box || stay.slot === undefined) return undefined;
    const row = Math.floor(stay.slot / best.columns);
    return [box.x + EDGE + ((stay.slot % best.columns) + 0.5) * best.pitch, box.y + head + (row + 0.5) * best.pitch];
  };
  return { width, height: best.whole, boxes, pitch: best.pitch, crowded, place };
};
