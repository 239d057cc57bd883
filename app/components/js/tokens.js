// The input in its own form, on the weights of one row (what an output token reads) or one column
// (where an input token goes) of the matrices beside it. The numbers are those of the matrix views.

class Tokens {
  constructor(parent) {
    this.host = parent.host ?? parent;
    this.row = this.column = null;
    this.hovered = null;
    this.mode = "reads";
    this.lines = new Map();
    this.heard = undefined;
    this.clicks = 0;
    this.feed = new Feed();
    const tool = (text) => element("button", { type: "button", className: "tool", textContent: text });
    this.reads = tool("What an output reads");
    this.goes = tool("Where an input goes");
    this.input = element("input", { type: "number", min: "0", step: "1" });
    this.inputLabel = element("span");
    this.title = element("div", { className: "title", role: "heading", "aria-level": "4" });
    this.panels = element("div", { className: "panels" });
    this.note = element("div", { className: "note" });
    this.spoken = element("div", { className: "unseen", "aria-live": "polite" });
    this.root = element("div", { className: "view tokens" }, [
      element("div", { className: "head" }, [this.title]),
      this.controls = element("div", { className: "inputs" }, [
        element("div", { className: "switch", role: "group", "aria-label": "Direction" }, [this.reads, this.goes]),
        element("label", {}, [this.inputLabel, this.input]),
      ]),
      this.panels, this.note, this.spoken,
    ]);
    parent.append(this.root);
    this.ask = framed(() => this.draw());
    this.watch = new ResizeObserver(() => this.ask());
    this.watch.observe(this.panels);
    this.reads.onclick = () => this.turn("reads");
    this.goes.onclick = () => this.turn("goes");
    this.input.onchange = () => this.typed();
    this.reportSoon = debounced(() => this.report(), 250);
    this.onNumbers = (key) => { if (this.header?.sources.some((source) => source.key === key)) this.ask(); };
    sharedMatrices.listeners.add(this.onNumbers);
  }

  take(header, arrays, send) {
    this.send = send;
    if (!this.header || this.header.group !== header.group) {
      this.bus?.close();
      this.bus = new Bus(header.group, (message) => this.hear(message));
    }
    const names = JSON.stringify([header.form, header.sources]);
    if (names !== this.names) this.build(header);
    this.names = names;
    if (this.header && this.header.seqLen !== header.seqLen) this.row = this.column = this.hovered = null;
    this.header = header;
    this.arrays = arrays;
    this.theme = readTheme(this.host);
    this.title.textContent = header.title;
    this.note.textContent = header.caption;
    this.input.max = header.seqLen - 1;
    this.root.classList.toggle("image", header.form === "image");
    this.controls.hidden = header.sources.every((source) => "own" in source);
    this.feed.join(header.key, (detail) => this.takeDetail(detail));
    this.tellState();
    this.ask();
  }

  // The selection that Python holds and, of large matrices, its exact row and column.
  takeDetail({ header, arrays }) {
    this.lines.clear();
    for (const [name, values] of Object.entries(arrays)) this.lines.set(name, values);
    this.exact = header.selection;
    const text = String(header.selection);
    const late = performance.now() - (this.sentAt ?? -Infinity) < 2000 && text !== this.sent;
    if (text !== this.heard && !late) {
      this.heard = text;
      [this.row, this.column] = header.selection ?? [null, null];
    }
    this.tellState();
    this.ask();
  }

  build(header) {
    const whole = header.form === "image" ? [{ key: null, name: "The input" }] : [];
    this.places = [...whole, ...header.sources].map((source) => {
      const canvas = element("canvas", { tabIndex: 0, role: "application", "aria-roledescription": "tokens" });
      const read = element("div", { className: "read" });
      const name = element("div", { className: "name", textContent: source.name });
      const panel = element("div", { className: "panel" }, [name, canvas, read]);
      if (source.key) panel.dataset.source = source.key;
      this.listen(canvas);
      return { source, canvas, read, panel };
    });
    this.panels.replaceChildren(...this.places.map((place) => place.panel));
  }

  listen(canvas) {
    const at = (event) => (this.layout ? tokenAt(this.layout, event.offsetX, event.offsetY) : null);
    canvas.onpointermove = (event) => this.hover(at(event));
    canvas.onpointerleave = () => this.hover(null);
    canvas.onclick = (event) => { const token = at(event); if (token !== null) this.pick(token); };
    canvas.onkeydown = (event) => {
      const wide = this.layout?.columns ?? 1;
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -wide, ArrowDown: wide }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const next = (this.chosen() ?? -step) + step;
      if (next >= 0 && next < this.header.seqLen) this.pick(next, true);
    };
  }

  // The token that was chosen: an output token of "reads", an input token of "goes".
  chosen() {
    return this.mode === "reads" ? this.row : this.column;
  }

  turn(mode) {
    this.mode = mode;
    this.hovered = null;
    this.tellState();
    this.ask();
  }

  pick(token, soon = false) {
    if (this.controls.hidden) return;
    if (this.mode === "reads") this.row = token; else this.column = token;
    this.bus.tell("select", this.row ?? -1, this.column ?? -1);
    this.tellState();
    if (soon) this.reportSoon(); else this.report();
    this.draw();
    this.spoken.textContent = this.places.at(-1).read.textContent;
  }

  report() {
    this.reportSoon.cancel();
    this.sent = String([this.row ?? this.column, this.column ?? this.row]);
    this.sentAt = performance.now();
    this.clicks = Math.max(this.clicks + 1, Date.now());
    this.send("selection", { row: this.row, column: this.column, click: this.clicks });
  }

  typed() {
    const token = Number.parseInt(this.input.value, 10);
    if (token >= 0 && token < this.header.seqLen) this.pick(token);
    else this.spoken.textContent = this.note.textContent = `Tokens go from 0 to ${this.header.seqLen - 1}.`;
  }

  hover(token) {
    if (token === this.hovered) return;
    this.hovered = token;
    const chosen = this.chosen();
    const none = token === null || chosen === null;
    const cell = this.mode === "reads" ? [chosen, token] : [token, chosen];
    if (this.controls.hidden) this.bus.tell("hover", -1, token ?? -1);
    else this.bus.tell("hover", ...(none ? [-1, -1] : cell));
    this.tellState();
    this.ask();
  }

  // Another view points at a cell: as long as it does, its row (or column) is shown.
  hear({ kind, row, column }) {
    if (kind === "select") {
      this.row = row < 0 ? null : row;
      this.column = column < 0 ? null : column;
      this.passing = null;
    } else this.passing = row < 0 && column < 0 ? null : { row, column };
    this.tellState();
    this.ask();
  }

  shown() {
    const { passing } = this;
    const place = (at) => (at === undefined || at < 0 ? null : at);
    if (!passing) return { token: this.chosen(), other: this.hovered };
    return this.mode === "reads"
      ? { token: place(passing.row), other: place(passing.column) }
      : { token: place(passing.column), other: place(passing.row) };
  }

  // The row or the column of a token as numbers; null where only the server knows them.
  weightsOf(key, token) {
    const matrix = sharedMatrices.shown.get(key);
    if (!matrix || token === null || token >= this.header.seqLen) return null;
    const [rows, columns] = matrix.source.shape;
    if (rows !== this.header.seqLen || columns !== rows) return null;
    const reads = this.mode === "reads";
    const held = this.lines.get(`${key}.${this.mode}`);
    if (held && this.exact?.[reads ? 0 : 1] === token) return held;
    const out = new Float32Array(rows);
    for (let at = 0; at < rows; at++) {
      const value = reads ? matrix.source.value(token, at) : matrix.source.value(at, token);
      if (value === undefined) return null;
      out[at] = value;
    }
    return out;
  }

  draw() {
    const width = this.panels.clientWidth;
    if (!this.header || !width) return;
    const { header, arrays, theme } = this;
    const layout = (this.layout = layoutOf(width, header));
    const { token, other } = this.shown();
    const ink = header.selectionInk[theme.dark ? 1 : 0];
    for (const { source, canvas, read, panel } of this.places) {
      const own = "own" in source;
      const weights = own ? arrays[source.key] : source.key ? this.weightsOf(source.key, token) : null;
      const strongest = weights ? strongestOthers(weights, own ? null : token) : [];
      const limit = Math.abs(weights?.[strongest[0]] ?? 0) || 1;
      const paint = own ? this.ownPaint(source) : paintOf(sharedMatrices.shown.get(source.key), theme);
      const colourOf = (value) => cellColour(value, limit, paint);
      const marked = own ? null : token;
      drawTokens(canvas, layout, { header, arrays, theme, weights, colourOf, marked, hovered: other, ink });
      read.textContent = this.textOf(source, token, other, weights, strongest);
      panel.dataset.token = token ?? "";
      panel.dataset.value = weights && other !== null ? String(weights[other]) : "";
      panel.dataset.top = strongest.map((at) => `${at}:${weights[at]}`).join(" ");
      canvas.setAttribute("aria-label", `${source.name}, ${header.seqLen} tokens. ${read.textContent} Arrow keys choose a token.`);
    }
  }

  ownPaint(source) {
    const tone = this.theme.dark ? "dark" : "light";
    return { table: this.arrays[`${tone}${source.own}`], signed: source.scale === "signed" };
  }

  textOf(source, token, other, weights, strongest) {
    const reads = this.mode === "reads";
    if ("own" in source) {
      if (other !== null) return `Token ${this.tokenText(other)}: ${source.label} ${exact(weights[other])}.`;
      return `Largest ${source.label}: ${strongest.map((at) => `${at} (${exact(weights[at])})`).join(", ")}.`;
    }
    if (!source.key) return other === null ? "" : this.tokenText(other);
    if (token === null) return `Choose an ${reads ? "output" : "input"} token: click one, here or in a matrix.`;
    if (!weights) return `Token ${token}: its exact weights come with the next answer of the server.`;
    if (other !== null) {
      const [output, input] = reads ? [token, other] : [other, token];
      return `Output ${output} reads input ${this.tokenText(input)} with weight ${exact(weights[other])}.`;
    }
    const list = strongest.slice(0, 3).map((at) => `${at} (${exact(weights[at])})`).join(", ");
    const own = `itself ${exact(weights[token])}`;
    const verb = reads ? `Output ${token} reads most: ` : `Input ${token} goes most to: `;
    return strongest.length ? `${verb}${list}; ${own}.` : `Only ${own}.`;
  }

  tokenText(token) {
    const { form, labels, lead } = this.header;
    if (lead && token === 0) return "0 (the class token)";
    const mark = form !== "image" && this.arrays.marks[token] ? ", marked" : "";
    const inside = form === "symbols" ? `"${labels[token]}"` : exact(this.arrays.values[token]);
    return `${token} (${inside}${mark})`;
  }

  tellState() {
    const { root } = this;
    const chosen = this.chosen();
    root.dataset.mode = this.mode;
    root.dataset.token = chosen ?? "";
    this.reads.setAttribute("aria-pressed", String(this.mode === "reads"));
    this.goes.setAttribute("aria-pressed", String(this.mode === "goes"));
    this.inputLabel.textContent = this.mode === "reads" ? "Output token " : "Input token ";
    if (this.input !== this.host.shadowRoot?.activeElement) this.input.value = chosen ?? "";
  }

  destroy() {
    sharedMatrices.listeners.delete(this.onNumbers);
    this.bus?.close();
    this.feed.leave();
    this.ask.cancel();
    this.reportSoon.cancel();
    this.watch.disconnect();
    this.root.remove();
  }
}

// The tokens with the strongest weights, the token itself left out.
function strongestOthers(weights, token) {
  const order = [...weights.keys()].filter((at) => at !== token && weights[at] !== 0);
  order.sort((a, b) => Math.abs(weights[b]) - Math.abs(weights[a]));
  return order.slice(0, 3);
}

function paintOf(matrix, theme) {
  if (!matrix) return null;
  const table = theme.dark ? matrix.tables.dark : matrix.tables.light;
  return { table, signed: matrix.header.scale === "signed" };
}

function cellColour(value, limit, paint) {
  if (!paint) return "transparent";
  const level = levelOf(value, limit, paint.signed);
  return level === 255 ? "#888888" : `rgb(${paint.table.subarray(3 * level, 3 * level + 3).join(",")})`;
}
