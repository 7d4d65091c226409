// One side of a replay: what the columns say of each session, as states that follow each other in time.
// Times are hundredths of a second since the replay's beginning.

// In the order in which they hide each other: a session is drawn as the first that is true of it.
export const LOOKS = ["broken", "failing", "astray", "gone", "exposed", "held"];
export const NO_POD = -1;
// Indexes of phases and of marks, in the order of simsticky/report/replay/pods.py and simsticky/report/pod_lives.py.
export const DRAINING = 4, STOPPING = 5, DEAD = 6, GONE = 7;
export const DELETED = 0, WEIGHT_ZERO = 1, REMOVED = 2, SIGTERM = 4, SIGKILL = 5;
const ATTEMPTS = 0, OUTCOME = 2, BROKE = 3, MECHANISM = 4, ORIGIN = 5, OPERATION = 6, CONNECT = 7;

// The last entry whose time is not after t; entries are in order of time.
export const latest = (entries, t, timeOf = (entry) => entry.at) => {
  let low = 0, high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeOf(entries[middle]) <= t) low = middle + 1;
    else high = middle;
  }
  return low ? entries[low - 1] : undefined;
};

const rowsOf = (raw) => {
  const { request, count, sent, until, took, late, pod, node, kind } = raw.rows;
  return sent.map((at, i) => {
    const of = raw.kinds[kind[i]];
    return {
      request: request[i], count: count[i], sent: at, lastSent: at + until[i], arrives: at + late[i],
      ended: took[i] < 0 ? Infinity : at + until[i] + took[i], pod: pod[i], node: node[i],
      attempts: of[ATTEMPTS], outcome: of[OUTCOME], broke: of[BROKE], mechanism: of[MECHANISM], origin: of[ORIGIN],
      operation: of[OPERATION], connect: Boolean(of[CONNECT]),
      failed: of[OUTCOME] !== "answered" && of[OUTCOME] !== "unfinished",
    };
  });
};

// Where the state of a session is: at first, and from each answer that came from elsewhere or without it.
const staysOf = (session) => {
  const stays = [{ at: session.start, pod: session.at }];
  for (const row of session.rows) {
    if (row.outcome !== "answered") continue;
    const last = stays[stays.length - 1];
    if (row.pod !== last.pod || row.broke) stays.push({ at: Math.max(last.at, row.arrives), pod: row.pod });
  }
  return stays;
};

const lookAt = (session, stay, t, deaths) => {
  const broke = session.breaks.filter((one) => one.at <= t);
  if (session.harm & 1 || broke.some((one) => one.caused)) return "broken";
  const result = latest(session.results, t);
  if (result && result.failed) return "failing";
  if (session.harm & 2 || broke.length) return "astray";
  if (deaths(stay.pod).some((at) => at > stay.at && at <= t)) return "gone";
  return session.exposures.some((one) => one.at <= t && one.at >= stay.at && one.pod === stay.pod) ? "exposed" : "held";
};

// Everything about a session that is drawn changes at these moments only.
const statesOf = (session, deaths) => {
  const times = new Set(session.stays.map((stay) => stay.at));
  for (const one of [...session.breaks, ...session.results, ...session.exposures]) times.add(one.at);
  for (const stay of session.stays) for (const at of deaths(stay.pod)) if (at > stay.at) times.add(at);
  const states = [];
  for (const at of [...times].filter((time) => time <= session.end).sort((a, b) => a - b)) {
    const stay = latest(session.stays, at) || session.stays[0];
    const look = lookAt(session, stay, at, deaths), last = states[states.length - 1];
    if (!last || last.look !== look || last.stay !== stay) states.push({ at, look, stay });
  }
  return states;
};

// Each stay has a place of its own among those of its pod, so that a dot stays where it is.
const giveSlots = (side) => {
  const byPod = new Map();
  for (const session of side.sessions)
    session.stays.forEach((stay, i) => {
      const next = session.stays[i + 1];
      stay.until = Math.min(next ? next.at : Infinity, session.end);
      stay.before = session.stays[i - 1];
      if (stay.until - stay.at > 1 || stay.pod !== NO_POD) {
        if (!byPod.has(stay.pod)) byPod.set(stay.pod, []);
        byPod.get(stay.pod).push(stay);
      }
    });
  side.slots = new Map();
  for (const [pod, stays] of byPod) {
    const free = [];
    for (const stay of stays.sort((a, b) => a.at - b.at)) {
      let slot = free.findIndex((at) => at <= stay.at);
      if (slot < 0) slot = free.length;
      free[slot] = stay.until;
      stay.slot = slot;
    }
    side.slots.set(pod, free.length);
  }
};

export const decode = (raw) => {
  const rows = rowsOf(raw), side = { ...raw, sessions: [] };
  const { id, start, end, jar, at, harm, rows: many } = raw.sessions;
  let first = 0;
  const exposures = id.map(() => []);
  raw.exposures.session.forEach((place, i) =>
    exposures[place].push({ at: raw.exposures.at[i], pod: raw.exposures.pod[i], how: raw.exposures.how[i], operation: raw.exposures.operation[i] }));
  side.lines = raw.lines.toSorted((a, b) => a[0] - b[0]);
  const none = [], deaths = (pod) => (pod === NO_POD || !raw.inPods ? none : raw.pods[pod].deaths);
  id.forEach((number, i) => {
    const own = rows.slice(first, (first += many[i]));
    const session = {
      id: number, start: start[i], end: end[i] < 0 ? Infinity : end[i], jar: Boolean(jar[i]), at: at[i], harm: harm[i],
      rows: own, exposures: exposures[i],
      breaks: own.filter((row) => row.broke).map((row) => ({ at: row.ended, caused: row.origin !== "background", row })).sort((a, b) => a.at - b.at),
      results: own.filter((row) => row.ended < Infinity).map((row) => ({ at: row.ended, failed: row.failed })).sort((a, b) => a.at - b.at),
    };
    session.stays = staysOf(session);
    session.states = statesOf(session, deaths);
    side.sessions.push(session);
  });
  side.byId = new Map(side.sessions.map((session) => [session.id, session]));
  giveSlots(side);
  side.broken = side.sessions.filter((session) => session.breaks.some((one) => one.caused));
  return side;
};

export const alive = (session, t) => session.start <= t && t <= session.end;

// How many sessions look how, and why those that are broken are, at a moment.
export const count = (side, t) => {
  const looks = Object.fromEntries(LOOKS.map((look) => [look, 0])), why = new Map();
  let all = 0;
  for (const session of side.sessions) {
    if (!alive(session, t)) continue;
    const state = latest(session.states, t) || session.states[0];
    all += 1;
    looks[state.look] += 1;
    if (state.look !== "broken") continue;
    const first = session.breaks.find((one) => one.caused);
    if (first) why.set(first.row.mechanism, (why.get(first.row.mechanism) || 0) + 1);
  }
  return { all, looks, why };
};

export const phaseOf = (pod, t) => {
  const found = latest(pod.phases, t, (entry) => entry[1]);
  return found ? { phase: found[0], since: found[1] } : undefined;
};
