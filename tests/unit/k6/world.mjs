// What the tests run the exported script in, instead of k6: its modules, a clock that only sleep() moves, and a gateway
// with sticky sessions. Each session is run by itself; the gateway answers by the time and the cookie alone.

export const clock = { now: 0 };
export const metrics = {};
export const log = [];
export const vu = { iterationInScenario: 0, idInTest: 1 };

// mulberry32: the same draws in every run.
let state = 1;
export function seed(number) {
  state = number;
}
Math.random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
};

export function sleep(seconds) {
  if (!(seconds >= 0)) throw new Error(`sleep(${seconds})`);
  clock.now += seconds;
}

class Metric {
  constructor(name) {
    this.samples = metrics[name] = [];
  }
  add(value, tags) {
    this.samples.push({ value: Number(value), at: clock.now, ...tags });
  }
}
export class Counter extends Metric {}
export class Rate extends Metric {}

export class CookieJar {
  constructor() {
    this.held = {};
  }
  cookiesForURL() {
    return Object.fromEntries(Object.entries(this.held).map(([name, value]) => [name, [value]]));
  }
}

let ofThisVu = new CookieJar();
export function newIteration(number) {
  ofThisVu = new CookieJar(); // as k6 does without noCookiesReset
  vu.iterationInScenario = number;
}

// Pods a and b until time `replaced`, c and d from then on; nobody answers between `downFrom` and `downUntil`.
export const gateway = { replaced: Infinity, downFrom: Infinity, downUntil: Infinity, named: true, served: 0, seen: [] };

export const http = {
  cookieJar: () => ofThisVu,
  CookieJar,
  get(url, { jar, headers, redirects, timeout }) {
    if (redirects !== 0 || !/^[\d.]+s$/.test(timeout)) throw new Error("parameters");
    gateway.seen.push({ url, headers, at: clock.now, cookie: jar.held.sid });
    if (clock.now >= gateway.downFrom && clock.now < gateway.downUntil) return { status: 503, headers: {}, cookies: {} };
    const pods = clock.now < gateway.replaced ? ["a", "b"] : ["c", "d"];
    const pod = pods.includes(jar.held.sid) ? jar.held.sid : pods[gateway.served++ % 2];
    const cookies = jar.held.sid === pod ? {} : { sid: [{ name: "sid", value: pod }] };
    jar.held.sid = pod;
    return { status: 200, headers: gateway.named ? { "X-Pod-Name": pod } : {}, cookies };
  },
};

export const execution = {
  instance: {
    get currentTestRunDuration() {
      return clock.now * 1000;
    },
  },
  vu,
};
