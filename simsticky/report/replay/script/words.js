// Times and names as the story writes them.
import { NO_POD } from "./model.js";

export const clockOf = (data) => {
  const hours = data.length - data.zero >= 600000;
  return (t) => {
    const tenths = Math.round((t - data.zero) / 10), whole = Math.abs(tenths), minutes = Math.floor(whole / 600);
    const two = (number) => String(number).padStart(2, "0"), rest = whole % 600;
    const big = hours ? `${Math.floor(minutes / 60)}:${two(minutes % 60)}` : two(minutes);
    return `${tenths < 0 ? "−" : "+"}${big}:${two(Math.floor(rest / 10))}.${rest % 10}`;
  };
};

export const podName = (side, pod) => (pod === NO_POD ? "no pod" : side.pods[pod].pod);
export const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
export const spaced = (word) => word.replaceAll("_", " ");

export const NAMES = {
  held: "state where it should be",
  exposed: "exposed: its state is at stake",
  gone: "its state is gone, it has not noticed",
  broken: "broken by an operation or a crash",
  astray: "broken in the background",
  failing: "its last request failed",
};

// Elements are made, never parsed: whatever a name says stays text.
export const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
