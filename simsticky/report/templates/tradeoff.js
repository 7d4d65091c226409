"use strict";
// The trade-off page: sliders choose a point of the grid, and numbers, curve and timeline follow. Everything that is
// shown was computed before; nothing is computed here but places on the screen.
(() => {
  const grid = JSON.parse(document.getElementById("grid").textContent);
  const byId = (id) => document.getElementById(id);
  const sliders = grid.settings.map((_, i) => byId(`knob-${i}`));
  const key = (at) => at.join(",");
  const pointAt = new Map(grid.points.map((point) => [key(point.at), point]));
  const metricChoice = byId("metric"), axisChoice = byId("axis"), common = byId("common");

  // Elements are made, never parsed: whatever a name says stays text.
  const svg = (name, attributes = {}, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const head = (text) => {
    const element = document.createElement("th");
    element.textContent = text;
    element.scope = "row";
    return element;
  };
  const cell = (text, label) => {
    const element = document.createElement("td");
    element.textContent = text;
    element.dataset.label = label;
    return element;
  };
  const cut = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
  const fixed = (number) => Math.round(number * 100) / 100;
  const clock = (seconds) => {
    const whole = Math.round(Math.abs(seconds)), sign = seconds < 0 && whole ? "−" : "";
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    return sign + (hours ? `${hours}:${two(minutes)}` : minutes) + ":" + two(whole % 60);
  };
  const niceStep = (span, most) => {
    const raw = span / most || 1, power = 10 ** Math.floor(Math.log10(raw));
    return [1, 2, 2.5, 5, 10].map((n) => n * power).find((step) => step >= raw);
  };
  const timeStep = (span) =>
    [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14400, 28800, 86400].find((s) => span / s <= 7) ||
    span / 7;
  // Values of an axis are written alike: what its top says goes for all of them.
  const written = (value, unit, top) => {
    if (unit === "share") return `${fixed(value * 100)} %`;
    if (unit !== "seconds") return String(fixed(value));
    return top >= 60 ? clock(value) : top >= 1 ? `${fixed(value)} s` : `${fixed(value * 1000)} ms`;
  };
  const titled = (metric, top) => `${metric.label}${metric.unit === "seconds" && top >= 60 ? " (min:s)" : ""}`;
  // A chart is as wide as its place: on a phone too its text has the size of text. On paper it is as wide as a page.
  const room = (chart) => Math.max(320, Math.min(760, chart.parentElement.clientWidth || 760));
  const ticks = (top, unit) => {
    const step = unit === "seconds" && top > 10 ? timeStep(top) : niceStep(top, 6);
    return Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_, i) => i * step);
  };

  const place = () => sliders.map((slider) => Number(slider.value));
  const metricIndex = () => Number(metricChoice.value);
  const costIndex = grid.metrics.findIndex((metric) => metric.name === grid.cost);

  const showNumbers = (point) => {
    grid.settings.forEach((setting, i) => {
      byId(`value-${i}`).textContent = setting.values[Number(sliders[i].value)];
      sliders[i].setAttribute("aria-valuetext", setting.values[Number(sliders[i].value)]);
    });
    const follows = byId("follows"), others = point ? point.follows : [];
    follows.hidden = !others.length;
    follows.textContent = others.map(([path, value]) => `${path} ${value}`).join(", ");
    const words = grid.verdicts, classOf = (mark) => words[mark].replace(" ", "");
    grid.metrics.forEach((metric, i) => {
      const [, , , value, interval, mark] = point ? point.numbers[i] : [null, null, null, "not in the grid", "", ""];
      byId(`number-${i}`).textContent = value;
      byId(`interval-${i}`).textContent = interval;
      const shown = byId(`mark-${i}`);
      shown.textContent = mark ? `${mark} ${words[mark]}` : "";
      shown.className = mark ? `mark ${classOf(mark)}` : "";
    });
    const judged = point ? grid.metrics.map((_, i) => point.numbers[i][5]).filter(Boolean) : [];
    const verdict = byId("verdict"), worst = judged.includes("✗") ? "✗" : judged.includes("?") ? "?" : "✓";
    verdict.className = judged.length ? `verdict ${classOf(worst)}` : "verdict";
    verdict.textContent = !point ? "This combination is not in the grid" : !judged.length ? "No thresholds are set"
      : `${worst} ${words[worst][0].toUpperCase()}${words[worst].slice(1)} with these settings`;
    // A setting that is worse than what is there is none to choose, whatever its thresholds say.
    const [stands, sign] = point ? point.stands : ["", ""];
    if (stands) verdict.textContent += ` · ${stands}`;
    if (sign) verdict.className = `verdict ${classOf(worst === "✗" ? worst : sign)}`;
  };

  const drawCurve = (at) => {
    const axis = Number(axisChoice.value), metric = grid.metrics[metricIndex()], setting = grid.settings[axis];
    const line = setting.values.map((value, i) => {
      const point = pointAt.get(key(at.map((v, j) => (j === axis ? i : v))));
      return { value, i, numbers: point ? point.numbers[metricIndex()] : null, cost: point && costIndex >= 0 ? point.numbers[costIndex] : null };
    });
    const known = line.filter((one) => one.numbers && one.numbers[0] !== null);
    const chart = byId("curve"), width = room(chart), narrow = width < 560, height = 350, left = 64, right = 58, top = narrow ? 50 : 34, bottom = 52;
    chart.replaceChildren();
    chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const limit = metric.threshold ? metric.threshold.value : 0;
    // Both scales are those of the whole grid, so that what a slider does to the curve is seen in the curve alone.
    const highest = (index) => Math.max(...grid.points.map((point) => Math.max(point.numbers[index][0] ?? 0, point.numbers[index][2] ?? 0)), 1e-12);
    const most = Math.max(highest(metricIndex()), limit) * 1.08;
    const costs = line.filter((one) => one.cost && one.cost[0] !== null && costIndex !== metricIndex());
    const dearest = costs.length ? Math.max(...grid.points.map((point) => point.numbers[costIndex][0] ?? 0), 1e-12) * 1.08 : 1;
    // Numbers stand at their places on a scale; words one beside the other.
    const places = setting.numbers || setting.values.map((_, i) => i), low = Math.min(...places), span = Math.max(...places) - low;
    const inner = width - left - right - 48;
    const x = (i) => left + 24 + (span ? (inner * (places[i] - low)) / span : inner / 2);
    const y = (value) => height - bottom - ((height - top - bottom) * value) / most;
    const yCost = (value) => height - bottom - ((height - top - bottom) * value) / dearest;
    const path = (points) => points.map(([a, b], n) => `${n ? "L" : "M"}${fixed(a)} ${fixed(b)}`).join("");
    for (const tick of ticks(most, metric.unit)) {
      chart.append(svg("line", { x1: left, x2: width - right, y1: y(tick), y2: y(tick), stroke: "var(--line)" }));
      chart.append(svg("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, written(tick, metric.unit, most)));
    }
    // On a phone the two titles stand one above the other.
    const letters = Math.floor(width / (narrow ? 7 : 14));
    chart.append(svg("text", { x: 4, y: 14 }, cut(titled(metric, most), letters)));
    if (costs.length) {
      const cost = grid.metrics[costIndex];
      chart.append(svg("text", { x: width - 4, y: narrow ? 31 : 14, "text-anchor": "end", class: "soft" }, cut(titled(cost, dearest), letters)));
      for (const tick of ticks(dearest, cost.unit))
        chart.append(svg("text", { x: width - right + 8, y: yCost(tick) + 4, class: "soft" }, written(tick, cost.unit, dearest)));
    }
    // A label where there is room, the two ends first; a tick for every value.
    const letter = 7, labels = line.map((one) => cut(one.value, 14)), kept = [];
    const byRoom = line.map((_, i) => i).sort((a, b) => (a && a < line.length - 1) - (b && b < line.length - 1) || a - b);
    for (const i of byRoom)
      if (kept.every((j) => Math.abs(x(i) - x(j)) >= 8 + (letter / 2) * (labels[i].length + labels[j].length))) kept.push(i);
    line.forEach((one) => {
      chart.append(svg("line", { x1: x(one.i), x2: x(one.i), y1: height - bottom, y2: height - bottom + 5, stroke: "var(--quiet)", class: "tick", "data-at": places[one.i] }));
      if (kept.includes(one.i)) chart.append(svg("text", { x: x(one.i), y: height - bottom + 18, "text-anchor": "middle" }, labels[one.i]));
    });
    chart.append(svg("text", { x: (left + width - right) / 2, y: height - 10, "text-anchor": "middle", class: "soft" }, cut(setting.path, Math.floor((width - left - right) / 7))));
    const band = known.filter((one) => one.numbers[1] !== null && one.numbers[2] !== null);
    if (band.length > 1) {
      const outline = [...band.map((one) => [x(one.i), y(one.numbers[2])]), ...band.reverse().map((one) => [x(one.i), y(one.numbers[1])])];
      chart.append(svg("path", { d: path(outline) + "Z", fill: "var(--blue)", opacity: 0.22 }));
    }
    if (metric.threshold)
      chart.append(svg("line", { x1: left, x2: width - right, y1: y(limit), y2: y(limit), stroke: "var(--vermillion)", "stroke-dasharray": "7 4", "stroke-width": 1.5 }));
    if (costs.length) {
      chart.append(svg("path", { d: path(costs.map((one) => [x(one.i), yCost(one.cost[0])])), fill: "none", stroke: "var(--quiet)", "stroke-dasharray": "2 4", "stroke-width": 1.6 }));
      for (const one of costs) chart.append(svg("rect", { x: x(one.i) - 3.5, y: yCost(one.cost[0]) - 3.5, width: 7, height: 7, fill: "var(--paper)", stroke: "var(--quiet)" }));
    }
    chart.append(svg("path", { d: path(known.map((one) => [x(one.i), y(one.numbers[0])])), fill: "none", stroke: "var(--blue)", "stroke-width": 2 }));
    for (const one of known) {
      const here = one.i === at[axis];
      chart.append(svg("circle", { cx: x(one.i), cy: y(one.numbers[0]), r: here ? 8 : 4, fill: here ? "var(--paper)" : "var(--blue)", stroke: "var(--blue)", "stroke-width": here ? 3 : 1, class: here ? "here" : "point", "data-value": one.numbers[0] }));
    }
    const others = grid.settings.filter((_, j) => j !== axis).map((other) => `${other.path} ${other.values[at[grid.settings.indexOf(other)]]}`);
    const costText = costs.length ? ` Squares, dotted, right scale: ${grid.metrics[costIndex].label}.` : "";
    const limitText = metric.threshold ? ` Dashed line: threshold ${metric.threshold.text}.` : "";
    const text = `${metric.label} against ${setting.path}${others.length ? `, with ${others.join(", ")}` : ""}. Line with 95 % band: mean over replications.${limitText}${costText}`;
    byId("curve-caption").textContent = text;
    chart.setAttribute("aria-label", `${text} ${line.map((one) => `${one.value}: ${one.numbers ? one.numbers[3] : "not in the grid"}`).join("; ")}.`);
    byId("curve-table").replaceChildren(...line.map((one) => {
      const row = document.createElement("tr");
      row.append(head(one.value), cell(one.numbers ? `${one.numbers[3]} ${one.numbers[4]}`.trim() : "not in the grid", metric.label), cell(one.cost ? one.cost[3] : "–", "cost"));
      return row;
    }));
  };

  const looks = { starting: ["var(--sky)", "url(#starting)"], ready: ["var(--blue)", ""], unready: ["var(--purple)", "url(#unready)"], down: ["var(--quiet)", "url(#down)"], draining: ["var(--orange)", "url(#draining)"], stopping: ["var(--vermillion)", "url(#stopping)"], dead: ["var(--line)", ""] };
  const shapes = { deleted: "M-5 -4L5 -4L0 5Z", "weight 0": "M0 -6L6 0L0 6L-6 0Z", removed: "M-5 -5L5 5M-5 5L5 -5", "preStop end": "M0 -12L0 9", SIGTERM: "M-4.5 -4.5H4.5V4.5H-4.5Z", SIGKILL: "M0 -7L2 -2L7 -2L3 1.5L4.5 7L0 3.5L-4.5 7L-3 1.5L-7 -2L-2 -2Z" };
  const dashes = { "operation starts": "1.5 2", "rollout done": "7 2 1.5 2", "last old pod gone": "7 4" };
  const widest = [Math.min(...grid.points.map((p) => p.timeline.from)), Math.max(...grid.points.map((p) => p.timeline.to))];
  const tallest = Math.max(...grid.points.map((p) => p.timeline.top), 1);

  const drawTimeline = (point) => {
    const chart = byId("timeline");
    const patterns = byId("patterns");
    chart.replaceChildren(patterns);
    if (!point) {
      chart.setAttribute("viewBox", "0 0 760 40");
      chart.append(svg("text", { x: 10, y: 24 }, "not in the grid"));
      chart.setAttribute("aria-label", "This combination is not in the grid.");
      byId("timeline-caption").textContent = "This combination is not in the grid.";
      byId("timeline-table").replaceChildren();
      return;
    }
    const width = room(chart), narrow = width < 560;
    const data = point.timeline, lane = 44, left = narrow ? 52 : 120, right = 12, top = 8;
    const [from, to] = common.checked ? widest : [data.from, data.to];
    // A group of pods has a thin row for each under its sessions, so its lane is higher.
    const height = (pod) => (pod.rows ? Math.min(100, Math.max(6, 2.6 * pod.rows.length)) : 6);
    const floors = [];
    let next = top;
    for (const pod of data.pods) {
      floors.push(next + lane - 8);
      next += lane - 6 + height(pod);
    }
    const under = next, foot = under + data.breaks.length * lane + 10;
    const x = (seconds) => left + ((width - left - right) * (Math.min(Math.max(seconds, from), to) - from)) / (to - from || 1);
    const scale = (lane - 16) / tallest;
    const area = (base, roofs, bottoms) => `M${roofs.map(([t, n]) => `${fixed(x(t))} ${fixed(base - n * scale)}`).join("L")}L${bottoms.map(([t, n]) => `${fixed(x(t))} ${fixed(base - n * scale)}`).reverse().join("L")}Z`;
    const strip = (phases, y, high, edge) => {
      for (const [phase, start, end] of phases) {
        const [colour, pattern] = looks[grid.phases[phase]], bar = { x: fixed(x(start)), width: fixed(Math.max(0, x(end) - x(start))), y: fixed(y), height: fixed(high) };
        chart.append(svg("rect", { ...bar, fill: colour, stroke: "var(--ink)", "stroke-width": edge, class: "phase", "data-phase": grid.phases[phase] }));
        if (pattern) chart.append(svg("rect", { ...bar, fill: pattern }));
      }
    };
    data.pods.forEach((pod, row) => {
      const base = floors[row], samples = pod.sessions.length;
      const time = (i) => data.from + ((data.to - data.from) * i) / Math.max(1, samples - 1);
      const along = (values) => values.map((n, i) => [time(i), n]);
      chart.append(svg("text", { x: left - 8, y: base - 8 + (pod.rows ? height(pod) / 2 : 0), "text-anchor": "end", class: "lane" }, narrow ? cut(pod.pod, 6) : cut(pod.pod, 26)));
      if (pod.rows) {
        let floor = pod.sessions.map(() => 0);
        for (const [phase, values] of pod.parts) {
          const roof = floor.map((n, i) => n + values[i]);
          chart.append(svg("path", { d: area(base, along(roof), along(floor)), fill: looks[grid.phases[phase]][0], opacity: 0.45 }));
          floor = roof;
        }
        pod.rows.forEach((phases, n) => strip(phases, base + (n * height(pod)) / pod.rows.length, height(pod) / pod.rows.length, 0));
      } else {
        for (const [phase, start, end] of pod.phases) {
          const inside = along(pod.sessions).filter(([t]) => t >= start && t <= end);
          if (inside.length > 1) chart.append(svg("path", { d: area(base, inside, inside.map(([t]) => [t, 0])), fill: looks[grid.phases[phase]][0], opacity: 0.45 }));
        }
        strip(pod.phases, base, 6, 0.4);
      }
      for (const [mark, at] of pod.marks)
        chart.append(svg("path", { d: shapes[grid.marks[mark]], transform: `translate(${fixed(x(at))} ${base + 3})`, fill: "var(--paper)", stroke: "var(--ink)", "stroke-width": 1.1 }));
    });
    data.breaks.forEach(([label, count, times], n) => {
      const middle = under + n * lane + lane / 2 + 10;
      chart.append(svg("text", { x: narrow ? 4 : left + 4, y: middle - 13 }, `${cut(label, 40)} (${count})`));
      const seen = times.filter((t) => t >= from && t <= to);
      chart.append(svg("path", { d: seen.map((t) => `M${fixed(x(t))} ${middle - 8}V${middle + 8}`).join(""), stroke: `var(--${grid.colours[label] || "ink"})`, "stroke-width": 0.8 }));
    });
    for (const [what, at] of data.moments)
      if (at >= from && at <= to)
        chart.append(svg("line", { x1: x(at), x2: x(at), y1: top, y2: foot, stroke: "var(--ink)", "stroke-dasharray": dashes[what], class: "moment", "data-at": at }));
    const step = narrow ? timeStep((to - from) * 1.7) : timeStep(to - from);
    chart.append(svg("line", { x1: left, x2: width - right, y1: foot, y2: foot, stroke: "var(--quiet)" }));
    for (let at = Math.ceil(from / step) * step; at <= to; at += step)
      chart.append(svg("text", { x: x(at), y: foot + 16, "text-anchor": "middle" }, clock(at)));
    chart.append(svg("text", { x: (left + width - right) / 2, y: foot + 33, "text-anchor": "middle", class: "soft" }, `${cut(data.since, narrow ? 30 : 60)} (min:s)`));
    const phases = new Set(data.pods.flatMap((pod) => (pod.rows || [pod.phases]).flat().map(([phase]) => grid.phases[phase])));
    const marks = new Set(data.pods.flatMap((pod) => pod.marks.map(([mark]) => grid.marks[mark])));
    const entries = [
      ...grid.phases.filter((phase) => phases.has(phase)).map((phase) => [grid.names[phase], looks[phase].filter(Boolean).map((fill) => svg("rect", { y: -8, width: 18, height: 8, fill, stroke: "var(--ink)", "stroke-width": 0.4 }))]),
      ...grid.marks.filter((mark) => marks.has(mark)).map((mark) => [grid.names[mark], [svg("path", { d: shapes[mark], transform: "translate(9 -4) scale(0.8)", fill: "var(--paper)", stroke: "var(--ink)", "stroke-width": 1.1 })]]),
      ...Object.keys(dashes).filter((what) => data.moments.some(([name]) => name === what)).map((what) => [what, [svg("line", { x2: 18, y1: -4, y2: -4, stroke: "var(--ink)", "stroke-dasharray": dashes[what] })]]),
    ];
    const columns = narrow ? 2 : 4, deep = Math.ceil(entries.length / columns);
    entries.forEach(([text, drawn], n) => {
      const entry = svg("g", { transform: `translate(${4 + Math.floor(n / deep) * (width / columns)} ${foot + 62 + (n % deep) * 20})` });
      entry.append(...drawn, svg("text", { x: 26 }, text));
      chart.append(entry);
    });
    chart.setAttribute("viewBox", `0 0 ${width} ${foot + 52 + deep * 20}`);
    const grouped = data.pods.some((pod) => pod.rows);
    const text = `Replication 0: ${data.all} pods, ${data.deleted} of them deleted; the fullest ${grouped ? "lane has" : "has"} ${data.top} sessions${grouped ? " per pod" : ""}. Height: sessions on the pod${grouped ? ", in a group per pod of it; each thin row is a pod" : "; strip: its phase"}.`;
    byId("timeline-caption").textContent = text;
    chart.setAttribute("aria-label", text);
    byId("timeline-table").replaceChildren(...data.pods.map((pod) => {
      const spans = pod.spans || pod.marks.map(([mark, t]) => [mark, t, t]);
      const row = document.createElement("tr");
      const at = new Map(spans.map(([mark, first, last]) => [grid.marks[mark], first === last ? clock(first) : `${clock(first)} to ${clock(last)}`]));
      row.append(head(pod.pod), ...grid.marks.map((mark) => cell(at.get(mark) || "–", mark)));
      return row;
    }));
  };

  const update = () => {
    const at = place(), point = pointAt.get(key(at));
    showNumbers(point);
    drawCurve(at);
    drawTimeline(point);
  };
  for (const control of [...sliders, metricChoice, axisChoice, common]) control.addEventListener("input", update);
  let wide = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === wide) return; // a phone's address bar comes and goes
    wide = innerWidth;
    update();
  });
  update();
})();
