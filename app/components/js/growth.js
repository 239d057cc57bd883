// The growth view: which pairs of tokens the first m factors link, m under the reader's hand.

const GROWTH_MS = 1000;
const NEVER_LINKED = 255;
const STOPS = ["Back to m = 0", "One factor back", "One factor on"];

class Growth {
  constructor(parent) {
    this.host = parent.host ?? parent;
    this.hop = 0;
    this.selected = this.hovered = null;
    this.heard = undefined;
    this.clicks = 0;
    this.feed = new Feed();
    const tool = (text, label) => element("button", { type: "button", className: "tool", textContent: text, "aria-label": label, title: label });
    this.title = element("div", { className: "title", role: "heading", "aria-level": "4" });
    this.play = tool("Play", "Play factor by factor");
    this.first = tool("Reset", STOPS[0]);
    this.back = tool("Back", STOPS[1]);
    this.next = tool("Step", STOPS[2]);
    this.range = element("input", { type: "range", min: "0", step: "1" });
    this.name = element("span", {});
    this.canvas = element("canvas", { tabIndex: 0, role: "application", "aria-roledescription": "matrix" });
    this.bars = element("canvas", { role: "img" });
    this.count = element("div", { className: "count", "aria-live": "polite" });
    this.read = element("div", { className: "read" });
    this.meaning = element("div", { className: "note" });
    this.note = element("div", { className: "note" });
    this.area = element("div", { className: "area" }, [this.canvas]);
    this.controls = element("div", { className: "inputs" }, [
      this.play, this.back, this.next, this.first,
      element("label", { className: "scrub" }, [this.name, this.range]),
    ]);
    this.root = element("div", { className: "view growth" }, [
      element("div", { className: "head" }, [this.title]),
      this.controls, this.count, this.area, this.read, this.bars, this.meaning, this.note,
    ]);
    parent.append(this.root);
    this.ask = framed(() => this.draw());
    this.reportSoon = debounced(() => this.report(), 300);
    this.watch = new ResizeObserver(() => this.ask());
    this.watch.observe(this.area);
    this.listen();
  }

  listen() {
    const { canvas, bars } = this;
    const cellAt = (event) => this.plan?.cellAt(event.offsetX, event.offsetY) ?? null;
    canvas.onpointermove = (event) => this.hover(cellAt(event));
    canvas.onpointerleave = () => this.hover(null);
    canvas.onclick = (event) => { const cell = cellAt(event); if (cell) this.select(cell); };
    canvas.onkeydown = (event) => {
      const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      if (moves[event.key]) {
        const from = this.selected ?? { row: 0, column: 0 };
        const clip = (at) => Math.max(0, Math.min(this.header.seqLen - 1, at));
        const [down, right] = moves[event.key];
        this.select({ row: clip(from.row + down), column: clip(from.column + right) });
      } else if (event.key === " ") this.playOrPause();
      else return;
      event.preventDefault();
    };
    bars.onclick = (event) => this.goTo(Math.floor((event.offsetX / bars.clientWidth) * (this.header.factors + 1)));
    this.play.onclick = () => this.playOrPause();
    this.first.onclick = () => this.goTo(0);
    this.back.onclick = () => this.goTo(this.hop - 1);
    this.next.onclick = () => this.goTo(this.hop + 1);
    this.range.oninput = () => this.goTo(Number(this.range.value));
  }

  take(header, arrays, send) {
    this.send = send;
    if (!this.header || this.header.group !== header.group) {
      this.bus?.close();
      this.hops?.close();
      this.bus = new Bus(header.group, (message) => this.hear(message));
      this.hops = new Bus(header.group && `${header.group}:hop`, ({ row }) => this.goTo(row, false));
    }
    this.header = header;
    this.steps = arrays.steps;
    this.filled = new Array(header.factors + 1).fill(0);
    this.never = 0;
    this.example = null;
    const ring = header.steps === "ring";
    this.steps.forEach((step, at) => {
      if (step === NEVER_LINKED) {
        this.example ??= ring ? [0, at] : [Math.floor(at / header.seqLen), at % header.seqLen];
        this.never += ring ? header.seqLen : 1;
      } else this.filled[step] += ring ? header.seqLen : 1;
    });
    for (let m = 1; m <= header.factors; m++) this.filled[m] += this.filled[m - 1];
    this.image = null;
    this.theme = readTheme(this.host);
    this.title.textContent = header.title;
    this.note.textContent = header.caption;
    this.note.hidden = !header.caption;
    this.range.max = header.factors;
    for (const control of [this.play, this.first, this.back, this.next, this.range]) control.disabled = header.locked;
    for (const part of [this.controls, this.bars, this.meaning]) part.hidden = header.mode === "small";
    const blind = header.mode === "scrubber";
    this.bars.hidden ||= blind;
    for (const part of [this.area, this.count, this.read]) part.hidden = blind;
    this.hop = Math.min(this.hop, header.factors);
    if (this.selected && Math.max(this.selected.row, this.selected.column) >= header.seqLen) this.selected = null;
    this.hovered = null;
    this.feed.join(header.key, (detail) => this.takeDetail(detail));
    this.show();
  }

  // The m that Python holds; a reply older than the reader's last move doesn't undo that move.
  takeDetail({ header }) {
    const late = performance.now() - (this.movedAt ?? -Infinity) < 2000 && header.hop !== this.hop;
    if (header.hop !== this.heard && !late) {
      this.heard = header.hop;
      this.goTo(header.hop, !this.header.compact, false);
    }
  }

  stepOf(row, column) {
    const { seqLen, steps } = this.header;
    return steps === "ring" ? this.steps[(column - row + seqLen) % seqLen] : this.steps[row * seqLen + column];
  }

  goTo(hop, tell = true, report = tell) {
    if (!this.header) return;
    this.hop = Math.max(0, Math.min(this.header.factors, hop));
    groupHops.set(this.header.group, this.hop);
    if (tell) this.hops.tell("hop", this.hop, -1);
    if (report) {
      this.movedAt = performance.now();
      if (!this.playing || this.hop === this.header.factors) this.reportSoon();
    }
    if (!this.timer) this.playing = false;
    this.image = null;
    this.show();
  }

  playOrPause() {
    const running = Boolean(this.timer);
    this.stop();
    if (running) { this.report(); this.show(); return; }
    this.playing = true;
    const tick = () => {
      this.goTo(this.hop >= this.header.factors && !this.timer ? 0 : this.hop + 1);
      if (this.hop >= this.header.factors) this.stop();
      else this.timer = setTimeout(tick, GROWTH_MS);
      this.show();
    };
    tick();
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
    this.playing = false;
  }

  report() {
    this.reportSoon.cancel();
    if (!this.header.report) return;
    this.clicks = Math.max(this.clicks + 1, Date.now());
    this.send("hop", { hop: this.hop, click: this.clicks });
  }

  select(cell) {
    this.selected = cell;
    this.bus.tell("select", cell.row, cell.column);
    this.show();
  }

  hover(cell) {
    if (cell?.row === this.hovered?.row && cell?.column === this.hovered?.column) return;
    this.hovered = cell;
    this.bus.tell("hover", cell?.row ?? -1, cell?.column ?? -1);
    this.show();
  }

  hear({ kind, row, column }) {
    const cell = row < 0 && column < 0 ? null : { row, column };
    if (kind === "hover") this.hovered = cell; else this.selected = cell;
    this.show();
    this.draw();
  }

  show() {
    const { header, root, hop, filled, never, example } = this;
    const pairs = header.seqLen ** 2;
    const inside = (cell) => cell && cell.row >= 0 && cell.column >= 0 && Math.max(cell.row, cell.column) < header.seqLen;
    const cell = [this.hovered, this.selected].find(inside) ?? null;
    const step = cell ? this.stepOf(cell.row, cell.column) : "";
    Object.assign(root.dataset, {
      hop, filled: filled[hop], pairs, never, row: cell?.row ?? "", column: cell?.column ?? "",
      step, selected: inside(this.selected) ? `${this.selected.row},${this.selected.column}` : "",
    });
    this.count.textContent = header.compact ? `${percent(filled[hop], pairs)}` : countText(this, pairs);
    if (never && hop === header.factors && example) {
      this.count.textContent += header.compact
        ? `, ${never.toLocaleString("en")} pairs never`
        : ` ${never.toLocaleString("en")} pairs stay unreached, in grey: token ${example[0]} can't read token ${example[1]}.`;
    }
    this.count.classList.toggle("alarm", never > 0 && hop === header.factors);
    this.read.textContent = cell ? pairText(cell, step) : (header.compact ? "" : "Hover over a cell: row i reads column j from which factor on?");
    this.name.textContent = `Factors m = ${hop}`;
    this.range.value = hop;
    this.range.setAttribute("aria-valuetext", `${hop} of ${header.factors} factors`);
    this.play.textContent = this.timer ? "Pause" : "Play";
    this.play.setAttribute("aria-label", this.timer ? "Pause" : "Play factor by factor");
    this.first.disabled = this.back.disabled = header.locked || hop === 0;
    this.next.disabled = header.locked || hop === header.factors;
    const bars = header.mode === "full" ? " Each bar: the share of pairs linked after m factors." : "";
    this.meaning.textContent = `Blue: linked before. Orange: linked by factor m. Empty: not yet.${never ? " Grey, once all factors are in: never." : ""}${bars}`;
    this.canvas.setAttribute("aria-label", `${header.title}. ${countText(this, pairs)} ${this.read.textContent} Arrow keys select a pair, space plays.`);
    this.bars.setAttribute("aria-label", `Share of pairs linked after each factor: ${filled.map((count, m) => `m = ${m}: ${percent(count, pairs)}`).join(", ")}.`);
    this.ask();
  }

  draw() {
    const width = this.area.clientWidth;
    if (!this.header || !width) return;
    const { header, theme } = this;
    const shape = [header.seqLen, header.seqLen];
    const context = this.canvas.getContext("2d");
    const view = { row: 0, column: 0, rows: header.seqLen, columns: header.seqLen };
    const plan = (this.plan = planOf(context, width, shape, view, header, theme));
    sharpen(this.canvas, width, plan.height);
    context.clearRect(0, 0, width, plan.height);
    const inkOf = (name) => header.inks[name][theme.dark ? 1 : 0];
    this.image ??= growthImage(this, [theme.back, inkOf("old"), inkOf("new"), inkOf("never")].map(rgbOf));
    drawPart(context, plan, this.image, { row: 0, column: 0, step: 1 });
    if (this.never && this.hop === header.factors) drawCrosses(context, plan, this, theme.back);
    drawGrid(context, plan, view, theme);
    drawFrame(context, plan, theme);
    drawTicks(context, plan, view, header, theme);
    if (this.selected) drawCross(context, plan, this.selected, header.inks.selection[theme.dark ? 1 : 0], true);
    if (this.hovered) drawCross(context, plan, this.hovered, theme.text, false);
    if (!header.compact) drawBars(this.bars, Math.min(width, plan.left + plan.wide), this, inkOf);
  }

  destroy() {
    this.stop();
    this.bus?.close();
    this.hops?.close();
    this.feed.leave();
    this.reportSoon.cancel();
    this.ask.cancel();
    this.watch.disconnect();
    this.root.remove();
  }
}
