// What every component shares: arrays from bytes, the theme, sharp canvases, numbers, the bus.

// Header and typed arrays of a packed payload (see payload.py).
function unpack(data) {
  const bytes = data.slice();
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const kinds = { float32: Float32Array, uint8: Uint8Array, int32: Int32Array, uint16: Uint16Array };
  const arrays = {};
  for (const [name, [kind, shape, offset]] of Object.entries(header.arrays)) {
    const count = shape.reduce((product, size) => product * size, 1);
    arrays[name] = new kinds[kind](bytes.buffer, 4 + length + offset, count);
  }
  return { header, arrays };
}

// One view per place on the page: made at the first call, kept between updates. Streamlit also takes
// back a call that newer data has overtaken; only when the place itself has left the page is the
// view over.
const views = new WeakMap();
function viewAt(parent, make) {
  let view = views.get(parent);
  if (!view) {
    view = make();
    views.set(parent, view);
  }
  const leave = () => {
    if ((parent.host ?? parent).isConnected || views.get(parent) !== view) return;
    views.delete(parent);
    view.destroy();
  };
  return [view, leave];
}

function element(tag, properties = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node && name !== "role") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// The page's colours, read afresh because the reader may switch between light and dark.
function readTheme(host) {
  const css = getComputedStyle(host);
  const get = (name, fallback) => css.getPropertyValue(name).trim() || fallback;
  const back = get("--st-background-color", "#ffffff");
  const [red, green, blue] = rgbOf(back);
  return {
    dark: 0.3 * red + 0.59 * green + 0.11 * blue < 128,
    back,
    text: get("--st-text-color", "#222222"),
    border: get("--st-border-color", "#d0d0d0"),
    accent: get("--st-primary-color", "#3a54a4"),
    font: get("--st-font", "sans-serif"),
  };
}

const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function rgbOf(colour) {
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  return probe.getImageData(0, 0, 1, 1).data;
}

function withAlpha(colour, alpha) {
  const [red, green, blue] = rgbOf(colour);
  return `rgba(${red},${green},${blue},${alpha})`;
}

// Give a canvas as many pixels as the screen has; drawing then happens in CSS pixels.
function sharpen(canvas, width, height) {
  const ratio = Math.max(1, window.devicePixelRatio || 1);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

// Draw at most once a frame.
function framed(draw) {
  let waiting = 0;
  const ask = () => {
    if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; draw(); });
  };
  ask.cancel = () => cancelAnimationFrame(waiting);
  return ask;
}

function debounced(act, milliseconds) {
  let timer = 0;
  const ask = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...values), milliseconds);
  };
  ask.cancel = () => clearTimeout(timer);
  return ask;
}

// The shortest decimal that is this very float32: nothing rounded away, nothing made up.
function exact(value) {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "+infinity" : "−infinity";
  for (let digits = 1; digits <= 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === Math.fround(value)) return readable(Number(text));
  }
  return readable(value);
}

function readable(value) {
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-4 || size >= 1e7) ? value.toExponential() : String(value);
  return text.replaceAll("-", "−").replace("e+", "e");
}

// A short number for axes.
function brief(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e4 || size < 1e-3) {
    for (const [unit, name] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
      if (size >= unit) return readable(Number((value / unit).toPrecision(4))) + name;
    }
    return readable(Number(value.toPrecision(2)));
  }
  return readable(Number(value.toPrecision(6)));
}

// Round tick values that cover low..high, about `wanted` of them.
function niceTicks(low, high, wanted, whole = false) {
  const raw = (high - low) / Math.max(1, wanted);
  if (!(raw > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  let step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  if (whole) step = Math.max(1, Math.round(step));
  const ticks = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-6; at++) {
    ticks.push(Number((at * step).toPrecision(12)));
  }
  return ticks;
}

// Views that share a group name hear each other in the browser, in the same frame. One message is
// {kind: "hover" | "select", row, column, factor, from}; row -1 means nothing, factor 0 none alone.
class Bus {
  constructor(group, hear) {
    this.name = group ? `paramixer:${group}` : "";
    this.self = Symbol("view");
    this.listen = (event) => { if (event.detail.from !== this.self) hear(event.detail); };
    if (this.name) window.addEventListener(this.name, this.listen);
  }

  tell(kind, row, column, factor = 0) {
    if (!this.name) return;
    const detail = { kind, row, column, factor, from: this.self };
    window.dispatchEvent(new CustomEvent(this.name, { detail }));
  }

  close() {
    if (this.name) window.removeEventListener(this.name, this.listen);
  }
}

// Small messages from Python to a big view: the feed leaves them here, the view takes them.
class Feed {
  constructor() {
    this.key = null;
  }

  join(key, hear) {
    this.leave();
    const { feeds } = window.__paramixer;
    if (!feeds.has(key)) feeds.set(key, { latest: null, hear: null });
    this.key = key;
    this.hear = (data) => hear(unpack(data));
    const feed = feeds.get(key);
    feed.hear = this.hear;
    if (feed.latest) this.hear(feed.latest);
  }

  leave() {
    const feed = window.__paramixer.feeds.get(this.key);
    if (feed && feed.hear === this.hear) feed.hear = null;
  }
}

// The matrices on the page by their key, so that a view of tokens shows their very numbers.
const sharedMatrices = {
  shown: new Map(),
  listeners: new Set(),
  offer(key, matrix) {
    this.shown.set(key, matrix);
    for (const hear of this.listeners) hear(key);
  },
  withdraw(key, matrix) {
    if (this.shown.get(key) === matrix) this.shown.delete(key);
  },
};

// Hand a drawing to the reader as a PNG: its title above, the page's background behind.
function savePicture(canvas, title, theme) {
  const ratio = canvas.width / canvas.clientWidth;
  const [head, edge] = [30 * ratio, 10 * ratio];
  const picture = document.createElement("canvas");
  picture.width = canvas.width + 2 * edge;
  picture.height = canvas.height + head + edge;
  const context = picture.getContext("2d");
  context.fillStyle = theme.back;
  context.fillRect(0, 0, picture.width, picture.height);
  context.fillStyle = theme.text;
  context.font = `600 ${14 * ratio}px ${theme.font}`;
  context.textBaseline = "middle";
  context.fillText(title, edge, head / 2, picture.width - 2 * edge);
  context.drawImage(canvas, edge, head);
  picture.toBlob((blob) => {
    const link = element("a", { href: URL.createObjectURL(blob), download: `${title}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}
