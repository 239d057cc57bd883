// The matrix view: keeps its canvas, zoom and selection while its numbers change.

class Matrix {
  constructor(parent) {
    this.host = parent.host ?? parent;
    this.parts = matrixParts();
    this.root = this.parts.root;
    this.canvas = this.parts.canvas;
    this.selected = null;
    // A row or a column alone, marked by a linked view that has no cells.
    this.strip = null;
    this.hovered = null;
    this.clicks = 0;
    this.heard = undefined;
    this.images = new Map();
    this.feed = new Feed();
    parent.append(this.root);
    this.ask = framed(() => this.draw());
    this.watch = new ResizeObserver(() => this.ask());
    this.watch.observe(this.parts.area);
    this.reportSoon = debounced(() => this.report(), 250);
    this.requestSoon = debounced(() => this.request(), 250);
    this.onScroll = (event) => { if (event.target !== this.canvas) this.scrolled = performance.now(); };
    window.addEventListener("scroll", this.onScroll, { capture: true, passive: true });
    this.listen();
  }

  take(header, arrays, send) {
    this.send = send;
    const shape = [header.rows, header.columns];
    if (!this.header || this.header.group !== header.group) {
      this.bus?.close();
      this.bus = new Bus(header.group, (message) => this.hear(message));
    }
    if (!this.source || String(shape) !== String(this.source.shape)) this.view = wholeOf(shape);
    this.header = header;
    this.tables = arrays;
    this.source = sourceOf(header, arrays);
    this.images.clear();
    this.theme = readTheme(this.host);
    if (this.selected && !this.inside(this.selected)) this.selected = null;
    if (this.hovered && !this.inside(this.hovered)) this.hovered = null;
    this.feed.join(header.key, (detail) => this.takeDetail(detail));
    this.tellParts();
    this.tellState();
    this.ask();
    sharedMatrices.offer(header.key, this);
  }

  // The selection that Python holds, and exact numbers of a large matrix. A reply that is older
  // than the reader's last click doesn't undo that click.
  takeDetail(detail) {
    this.source.learn?.(detail, this.header.windowSide);
    const { selection } = detail.header;
    const text = String(selection);
    const late = performance.now() - (this.sentAt ?? -Infinity) < 2000 && text !== this.sent;
    if (text !== this.heard && !late) {
      this.heard = text;
      const cell = selection && { row: selection[0], column: selection[1] };
      this.selected = cell && this.inside(cell) ? cell : null;
    }
    this.tellState();
    this.ask();
  }

  inside({ row, column }) {
    const [rows, columns] = this.source.shape;
    return row >= 0 && column >= 0 && row < rows && column < columns;
  }

  tellParts() {
    const { header, parts } = this;
    parts.title.textContent = header.title;
    parts.note.textContent = header.caption;
    parts.note.hidden = !header.caption;
    parts.inputs.hidden = parts.scale.hidden = parts.meaning.hidden = header.compact;
    parts.tools.hidden = header.compact;
    parts.scale.hidden ||= header.pattern;
    parts.row.max = header.rows - 1;
    parts.column.max = header.columns - 1;
    parts.unit.textContent = header.valueLabel;
    parts.ends.replaceChildren(...this.endTexts().map((text) => element("span", { textContent: text })));
  }

  endTexts() {
    const { limit, scale } = this.header;
    const most = exactish(limit);
    return scale === "signed" ? [`−${most}`, "0", most] : ["0", most];
  }

  // Selecting: `aloud` speaks it, tells the linked views and (soon, for keys) Python.
  // `pressed` says that the reader meant this very cell: a click or Enter, not a move of the keys.
  select(cell, soon = false, pressed = false) {
    this.selected = cell && this.inside(cell) ? cell : null;
    this.strip = null;
    this.hover(null);
    this.bus.tell("select", this.selected?.row ?? -1, this.selected?.column ?? -1, this.header.factor);
    this.tellState();
    this.parts.spoken.textContent = this.parts.read.textContent;
    if (soon) this.reportSoon(); else this.report(pressed);
    this.ask();
  }

  report(pressed = false) {
    this.reportSoon.cancel();
    if (!this.header.report) return;
    const { row = null, column = null } = this.selected ?? {};
    this.sent = this.selected ? `${row},${column}` : "null";
    this.sentAt = performance.now();
    this.clicks = Math.max(this.clicks + 1, Date.now());
    this.send("selection", { row, column, click: this.clicks, pressed });
  }

  // Ask the server for the exact entries in view when the coarse grid no longer suffices.
  request() {
    if (this.header.kind !== "tiles" || !this.header.report) return;
    const { row, column, rows, columns } = this.view;
    const side = this.header.windowSide;
    if (rows > side || columns > side) return;
    const exactPart = this.source.exact;
    const covered = exactPart && row >= exactPart.row && column >= exactPart.column
      && row + rows <= exactPart.row + exactPart.high && column + columns <= exactPart.column + exactPart.wide;
    if (covered) return;
    const corner = (from, count) => Math.max(0, Math.floor(from + count / 2 - side / 2));
    this.send("corner", [corner(row, rows), corner(column, columns)]);
  }

  hover(cell) {
    if (cell?.row === this.hovered?.row && cell?.column === this.hovered?.column) return;
    this.hovered = cell;
    this.bus.tell("hover", cell?.row ?? -1, cell?.column ?? -1, this.header.factor);
    this.tellState();
    this.ask();
  }

  // A cell of another factor is none of this view's; one of a factor is no choice in a product.
  hear({ kind, row, column, factor }) {
    const own = this.header.factor ?? 0;
    if (kind === "select" && factor !== own) return;
    const cell = (row < 0 && column < 0) || (factor && own && factor !== own) ? null : { row, column };
    if (kind === "hover") this.hovered = cell;
    else {
      this.selected = cell && this.inside(cell) ? cell : null;
      this.strip = this.selected ? null : cell;
    }
    this.tellState();
    this.draw();
  }

  tellState() {
    const { root, parts, header, source } = this;
    const cell = this.hovered && this.inside(this.hovered) ? this.hovered : this.selected;
    const value = cell ? source.value(cell.row, cell.column) : undefined;
    root.dataset.row = cell?.row ?? "";
    root.dataset.column = cell?.column ?? "";
    root.dataset.value = value === undefined ? "" : String(value);
    root.dataset.selected = this.selected ? `${this.selected.row},${this.selected.column}` : "";
    root.dataset.kind = header.kind;
    root.dataset.zoom = (header.columns / this.view.columns).toFixed(2);
    const invitation = header.compact ? "" : "Hover over a cell to read it; click to select it.";
    parts.read.textContent = cell ? cellText(header, source, cell) : invitation;
    parts.clear.disabled = !this.selected;
    for (const name of ["row", "column"]) {
      if (parts[name] !== this.host.shadowRoot?.activeElement) parts[name].value = this.selected?.[name] ?? "";
    }
    const chosen = this.selected ? ` Selected: ${cellText(header, source, this.selected)}.` : "";
    this.canvas.setAttribute(
      "aria-label",
      `${header.title}. ${header.rows} rows (${header.rowLabel}), ${header.columns} columns `
        + `(${header.columnLabel}), ${header.valueLabel} up to ${exactish(header.limit)}.${chosen} `
        + "Arrow keys select a cell, plus and minus zoom.",
    );
  }

  draw() {
    const width = this.parts.area.clientWidth;
    if (!this.header || !width) return;
    const { header, source, view, theme } = this;
    const ratio = Math.max(1, window.devicePixelRatio || 1);
    const context = this.canvas.getContext("2d");
    const plan = planOf(context, width, source.shape, view, header, theme);
    this.plan = plan;
    sharpen(this.canvas, width, plan.height);
    context.clearRect(0, 0, width, plan.height);
    const finest = 1 / Math.min(plan.perColumn, plan.perRow) / ratio;
    const step = source.base * Math.max(1, Math.ceil(finest / source.base - 0.01));
    const grid = this.drawNumbers(context, plan, step);
    drawGrid(context, plan, view, theme);
    drawFrame(context, plan, theme);
    drawTicks(context, plan, view, header, theme);
    const chosen = this.selected ?? this.strip;
    if (chosen) drawCross(context, plan, chosen, header.selectionInk[theme.dark ? 1 : 0], true);
    if (this.hovered) drawCross(context, plan, this.hovered, theme.text, false);
    this.canvas.style.touchAction = this.zoomed() ? "none" : "pan-y";
    this.parts.whole.disabled = this.parts.out.disabled = !this.zoomed();
    const meaning = meaningOf(header, theme.dark, grid);
    if (this.parts.meaning.textContent !== meaning) this.parts.meaning.textContent = meaning;
    drawBar(this.parts.bar, 180, header.limit, header.scale === "signed", this.table(), theme);
  }

  table() {
    return this.theme.dark ? this.tables.dark : this.tables.light;
  }

  // The cells in view: exact where known and large enough to see, else blocks.
  drawNumbers(context, plan, step) {
    const { source, view, header } = this;
    const signed = header.scale === "signed";
    const odd = rgbOf(withAlpha("#888888", 1));
    // A pattern stops short of the scale's end, which is glaring for large filled areas.
    const paint = (grid, limit, rooted) => imageOf(grid, header.pattern ? 1.4 * limit : limit, signed, this.table(), odd, rooted);
    context.save();
    context.beginPath();
    context.rect(plan.left, plan.top, plan.wide, plan.tall);
    context.clip();
    const shown = source.part(view, step);
    const counts = header.pattern && step > 1;
    const limit = counts ? Math.max(1, largest(shown)) : header.limit;
    drawPart(context, plan, cached(this.images, shown, () => paint(shown, limit, counts)), shown);
    const close = view.columns <= header.windowSide && view.rows <= header.windowSide;
    if (source.exact && close) {
      const { exact: window } = source;
      drawPart(context, plan, cached(this.images, window, () => paint(window, header.limit)), window);
    }
    context.restore();
    return close && source.exact ? source.exact : shown;
  }

  destroy() {
    sharedMatrices.withdraw(this.header?.key, this);
    window.removeEventListener("scroll", this.onScroll, { capture: true });
    this.bus?.close();
    this.feed.leave();
    for (const later of [this.ask, this.reportSoon, this.requestSoon]) later.cancel();
    this.watch.disconnect();
    this.root.remove();
  }
}

Object.assign(Matrix.prototype, matrixMoves);

function wholeOf([rows, columns]) {
  return { row: 0, column: 0, rows, columns };
}

function largest(grid) {
  return (grid.most ??= grid.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0));
}
