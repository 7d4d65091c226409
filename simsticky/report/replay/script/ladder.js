// One session followed: its requests, what happens to the pod with its state, and how it loses that, rung by rung.
import { NO_POD, latest } from "./model.js";
import { counted, make, podName } from "./words.js";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

// Cookies are named by letters, one a pod, as they come.
const cookiesOf = (side, session) => {
  const letters = new Map();
  const letter = (pod) => {
    if (!letters.has(pod)) letters.set(pod, LETTERS[letters.size % 26] + (letters.size < 26 ? "" : Math.floor(letters.size / 26)));
    return letters.get(pod);
  };
  let held = session.at !== NO_POD && session.jar ? letter(session.at) : "";
  let known = true;
  return {
    brings: () => {
      if (!side.cookies) return "";
      if (!session.jar) return ", without a cookie";
      return known ? (held ? ` with cookie ${held}` : ", without a cookie") : " with its cookie";
    },
    takes: (row) => {
      if (!side.cookies || !session.jar) return "";
      if (row.outcome !== "answered") {
        known &&= row.outcome === "no_target" && row.attempts <= 1;
        return "";
      }
      const now = letter(row.pod), sent = known && now !== held;
      [held, known] = [now, true];
      return sent ? `, Set-Cookie ${now}` : "";
    },
  };
};

const filled = (text, pod) => text.replaceAll("{pod}", pod);
const retries = (row) => (row.attempts > 2 ? `${row.attempts - 1} retries` : "retry");
const sends = (row) => (row.connect ? "connect" : "request");

const stepsOf = (side, words, row, holder, cookies) => {
  const pod = row.pod === NO_POD ? "" : podName(side, row.pod);
  const range = row.count > 1 ? `${sends(row)}s ${row.request} to ${row.request + row.count - 1}` : `${sends(row)} ${row.request}`;
  const steps = [range + cookies.brings()];
  if (row.node >= 0 && row.count === 1) steps.push(side.nodes[row.node]);
  if (row.broke) steps.push(filled(words.mechanism[row.mechanism], podName(side, holder)));
  else if (row.attempts > 1) steps.push("an attempt fails");
  if (row.attempts > 1) steps.push(retries(row));
  const ends = words.outcome[row.outcome];
  if (row.outcome === "answered") steps.push(`${pod} ${ends}${row.count > 1 ? " each time" : ""}${cookies.takes(row)}`);
  else {
    cookies.takes(row);
    steps.push(pod && row.outcome === "reset" ? `${pod}: ${ends}` : ends);
  }
  if (row.broke) steps.push(words.broke[row.broke]);
  return steps;
};

const noteOf = (side, words, row) => {
  const behind = row.operation ? side.operations[row.operation - 1] || "an operation" : "";
  if (row.broke) return words.origin[row.origin] + (behind && ` (${behind})`);
  return row.failed && behind ? `${behind} is behind it` : "";
};

// What happens to a session in the replay, in order of time.
export const rungsOf = (side, words, session, length) => {
  const cookies = cookiesOf(side, session), rungs = [];
  for (const row of session.rows) {
    const stay = latest(session.stays, row.arrives - 1) || session.stays[0];
    const look = row.broke ? (row.origin === "background" ? "astray" : "broken") : row.failed ? "failing" : "held";
    rungs.push({ at: row.sent, look, row, steps: stepsOf(side, words, row, holderOf(session, row, stay), cookies), note: noteOf(side, words, row) });
  }
  for (const [at, , who, what, pods] of side.lines) {
    const stay = latest(session.stays, at);
    if (stay && at >= session.start && at <= session.end && pods.includes(stay.pod)) rungs.push({ at, look: "", steps: [`${who} ${what}`], note: "" });
  }
  for (const one of session.exposures)
    if (one.at >= 0) rungs.push({ at: one.at, look: "exposed", steps: [`exposed: ${filled(words.how[one.how], podName(side, one.pod))}`], note: side.operations[one.operation - 1] || "" });
  if (session.end <= length) rungs.push({ at: session.end, look: "", steps: ["the session is over"], note: "" });
  return rungs.map((rung, i) => ({ ...rung, i })).sort((a, b) => a.at - b.at || a.i - b.i);
};

// The pod that had the state when a request was sent: that of the stay which this request's answer ends.
const holderOf = (session, row, stay) => {
  const own = row.broke ? session.stays.findIndex((one, i) => i > 0 && one.at >= row.arrives && one.pod === row.pod) : -1;
  return own > 0 ? session.stays[own - 1].pod : stay.pod;
};

const about = (session, clock) => {
  const begins = session.start < 0 ? "It began before this replay" : `It begins at ${clock(session.start)}`;
  return `${begins}${session.jar ? "" : ", and keeps no cookies"}.`;
};

export const renderLadder = (list, title, side, words, session, length, clock, jump) => {
  const rungs = session ? rungsOf(side, words, session, length) : [];
  title.textContent = session
    ? `${about(session, clock)} ${counted(session.rows.reduce((sum, row) => sum + row.count, 0), "request")} in this time.`
    : "It is not in this replay.";
  list.replaceChildren(...rungs.map((rung) => {
    const time = make("button", { type: "button", class: "jump", title: "go to this moment" }, clock(rung.at));
    time.addEventListener("click", () => jump(rung.at));
    const row = rung.row || {};
    const line = make("li", { class: `rung ${rung.look}`, "data-request": row.request, "data-count": row.count, "data-broke": row.broke, "data-outcome": row.outcome, "data-mechanism": row.mechanism, "data-pod": row.request === undefined || row.pod === NO_POD ? undefined : podName(side, row.pod) }, time);
    const path = make("span", { class: "path" });
    rung.steps.forEach((step, i) => path.append(...(i ? [" → "] : []), make(i && i === rung.steps.length - 1 && row.broke ? "strong" : "span", {}, step)));
    line.append(path);
    if (rung.note) line.append(make("span", { class: "note" }, rung.note));
    return line;
  }));
  return rungs;
};

// Which rung is now: later ones are pale.
export const showNow = (list, rungs, t) => {
  const now = rungs.findLastIndex((rung) => rung.at <= t);
  if (list.dataset.now === String(now)) return;
  list.dataset.now = now;
  [...list.children].forEach((line, i) => {
    line.classList.toggle("later", i > now);
    if (i === now) line.setAttribute("aria-current", "step");
    else line.removeAttribute("aria-current");
  });
};
