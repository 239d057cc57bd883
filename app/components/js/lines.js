// The live line chart: keeps its canvas, zoom and hidden lines while points come in.

class Lines {
  constructor(parent) {
    this.host = parent.host ?? parent;
    this.lines = [];
    this.hidden = new Set();
    this.zoom = null;
    this.cursor = null;
    this.updates = 0;
    this.title = element("div", { className: "title", role: "heading", "aria-level": "4" });
    this.reset = element("button", { className: "tool", textContent: "Whole range", type: "button" });
    this.legend = element("div", { className: "legend", role: "group", "aria-label": "Lines" });
    this.canvas = element("canvas", { tabIndex: 0, role: "img" });
    this.blank = element("div", { className: "blank" });
    this.read = element("div", { className: "box", hidden: true });
    this.key = element("span", { className: "key", textContent: "faint: each point; bold: running mean" });
    this.spoken = element("div", { className: "unseen", "aria-live": "polite" });
    this.note = element("div", { className: "note" });
    this.area = element("div", { className: "area" }, [this.canvas, this.blank, this.read]);
    this.root = element("div", { className: "view lines" }, [
      element("div", { className: "head" }, [this.title, this.reset]),
      this.legend, this.area, this.spoken, this.note,
    ]);
    parent.append(this.root);
    this.ask = framed(() => this.draw());
    this.watch = new ResizeObserver(() => this.ask());
    this.watch.observe(this.area);
    this.listen();
  }

  listen() {
    this.reset.onclick = () => this.setZoom(null);
    this.canvas.ondblclick = () => this.setZoom(null);
    this.canvas.onpointerdown = (event) => {
      if (event.button !== 0 || !this.plan) return;
      this.brush = [event.offsetX, event.offsetX];
      this.canvas.setPointerCapture(event.pointerId);
    };
    this.canvas.onpointermove = (event) => {
      if (!this.plan) return;
      if (this.brush) this.brush[1] = event.offsetX;
      this.point(this.plan.fromX(event.offsetX));
    };
    this.canvas.onpointerup = () => {
      const brush = this.brush;
      this.brush = null;
      if (brush && Math.abs(brush[1] - brush[0]) > 6) {
        const [from, to] = brush.map((pixel) => this.plan.fromX(pixel)).sort((a, b) => a - b);
        this.setZoom([from, to]);
      }
      this.ask();
    };
    this.canvas.onpointercancel = () => { this.brush = null; this.ask(); };
    this.canvas.onpointerleave = () => { if (!this.brush) this.point(null); };
    this.canvas.onblur = () => this.point(null);
    this.canvas.onkeydown = (event) => this.press(event);
  }

  press(event) {
    const line = this.shown().find((candidate) => candidate.x.length);
    if (event.key === "Escape" || event.key === "0") this.setZoom(null);
    else if (line && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      const step = event.key === "ArrowRight" ? 1 : -1;
      const at = this.cursor === null ? line.x.length - 1 : nearestIndex(line.x, this.cursor) + step;
      this.point(line.x[Math.max(0, Math.min(line.x.length - 1, at))]);
      this.spoken.textContent = [...this.read.children].map((row) => row.textContent).join(", ");
    } else return;
    event.preventDefault();
  }

  take(header, arrays) {
    const frame = header;
    this.frame = frame;
    this.theme = readTheme(this.host);
    this.title.textContent = frame.title;
    this.note.textContent = frame.caption;
    this.note.hidden = !frame.caption;
    this.blank.textContent = frame.empty;
    this.canvas.style.height = `${frame.height}px`;
    this.area.style.height = `${frame.height}px`;
    let [at, band] = [0, 0];
    this.lines = header.lines.map((line) => {
      const [from, to] = [at, (at += line.count)];
      const made = { ...line, x: arrays.x.subarray(from, to), y: arrays.y.subarray(from, to) };
      if (line.band) {
        made.low = arrays.low.subarray(band, band + line.count);
        made.high = arrays.high.subarray(band, (band += line.count));
      }
      if (frame.smoothing) made.smooth = smoothed(made.y, frame.smoothing);
      return made;
    });
    this.updates += 1;
    this.tellLegend();
    this.tellState();
    this.ask();
  }

  shown() {
    return this.lines.filter((line) => !this.hidden.has(line.name));
  }

  // Rebuild the legend only if the lines differ, so that focus and clicks are never lost to a tick.
  tellLegend() {
    const names = JSON.stringify(this.lines.map(({ name, light, dash }) => [name, light, dash]));
    if (names !== this.legendNames) {
      this.legendNames = names;
      this.legend.replaceChildren(...this.lines.map((line) => this.legendButton(line)));
      if (this.frame.smoothing && this.lines.length) this.legend.append(this.key);
    }
    this.lines.forEach((line, i) => {
      const button = this.legend.children[i];
      const values = line.smooth ?? line.y;
      const last = values.length ? brief(Number(values[values.length - 1].toPrecision(4))) : "–";
      button.lastChild.textContent = last;
      button.setAttribute("aria-pressed", String(!this.hidden.has(line.name)));
    });
  }

  legendButton(line) {
    const swatch = element("canvas", { className: "swatch", "aria-hidden": "true" });
    const button = element("button", { type: "button", className: "entry" }, [
      swatch, element("span", { textContent: line.name }), element("b"),
    ]);
    button.dataset.line = line.name;
    button.onclick = () => {
      if (!this.hidden.delete(line.name)) this.hidden.add(line.name);
      this.tellLegend();
      this.tellState();
      this.ask();
    };
    return button;
  }

  drawSwatches() {
    this.lines.forEach((line, i) => {
      const swatch = this.legend.children[i]?.firstChild;
      if (!swatch) return;
      const context = sharpen(swatch, 26, 10);
      context.clearRect(0, 0, 26, 10);
      context.strokeStyle = this.theme.dark ? line.dark : line.light;
      context.lineWidth = 2.5;
      context.setLineDash(line.dash);
      context.beginPath();
      context.moveTo(0, 5);
      context.lineTo(26, 5);
      context.stroke();
    });
  }

  setZoom(zoom) {
    this.zoom = zoom;
    this.tellState();
    this.ask();
  }

  // Read the values at x in a box beside the pointer: each line's own nearest point.
  point(x) {
    this.cursor = x;
    this.ask();
    const lines = x === null ? [] : this.shown().filter((line) => line.x.length);
    this.read.hidden = !lines.length;
    if (!lines.length) return;
    const rows = lines.map((line) => {
      const i = nearestIndex(line.x, x);
      const at = exact(line.x[i]);
      const band = line.low ? ` (${exact(line.low[i])} to ${exact(line.high[i])})` : "";
      const smooth = line.smooth ? `, mean ${brief(Number(line.smooth[i].toPrecision(5)))}` : "";
      return { at, text: `${line.name}: ${exact(line.y[i])}${band}${smooth}` };
    });
    const same = rows.every((row) => row.at === rows[0].at);
    this.read.replaceChildren(
      element("b", { textContent: same ? `${this.frame.xLabel} ${rows[0].at}` : this.frame.xLabel }),
      ...rows.map(({ at, text }) => element("div", { textContent: same ? text : `${text} at ${at}` })),
    );
    const right = this.plan && this.plan.toX(x) > (this.plan.box.left + this.plan.box.right) / 2;
    this.read.style.left = right && this.plan ? `${this.plan.box.left + 6}px` : "auto";
    this.read.style.right = right ? "auto" : "10px";
  }

  tellState() {
    const { frame, root } = this;
    root.dataset.points = this.lines.reduce((sum, line) => sum + line.x.length, 0);
    root.dataset.updates = this.updates;
    root.dataset.zoom = this.zoom ? this.zoom.join(",") : "";
    root.dataset.mark = frame.mark ?? "";
    root.dataset.hidden = [...this.hidden].join(",");
    this.reset.style.visibility = this.zoom ? "visible" : "hidden";
    this.blank.hidden = root.dataset.points !== "0";
    const latest = this.lines.filter((line) => line.x.length).map((line) => {
      const last = line.x.length - 1;
      return `${line.name} ${exact(line.y[last])} at ${exact(line.x[last])}`;
    });
    const text = latest.length ? `Latest: ${latest.join("; ")}.` : frame.empty;
    this.canvas.setAttribute(
      "aria-label", `${frame.title}. ${frame.yLabel} over ${frame.xLabel}. ${text}`,
    );
  }

  draw() {
    const width = this.area.clientWidth;
    if (!this.frame || !width) return;
    const { theme, frame } = this;
    const context = sharpen(this.canvas, width, frame.height);
    context.clearRect(0, 0, width, frame.height);
    this.drawSwatches();
    const lines = this.shown();
    const span = this.zoom ?? fullSpan(lines);
    const size = { width, height: frame.height };
    const plan = layOut(context, size, frame, span, spanOfY(lines, span, frame), theme);
    this.plan = plan;
    if (!this.lines.some((line) => line.x.length)) plan.xTicks = plan.yTicks = [];
    drawAxes(context, plan, frame, theme);
    drawCurves(context, plan, lines, frame, theme);
    if (frame.mark !== null) this.drawMark(context, plan, frame.mark, theme);
    this.drawPointer(context, plan, lines, theme);
  }

  drawMark(context, { box, toX }, at, theme) {
    const x = Math.round(toX(at)) + 0.5;
    if (x < box.left - 1 || x > box.right + 1) return;
    context.setLineDash([]);
    context.strokeStyle = theme.accent;
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(x, box.top);
    context.lineTo(x, box.bottom);
    context.stroke();
    context.lineWidth = 1;
  }

  drawPointer(context, plan, lines, theme) {
    const { box } = plan;
    if (this.brush) {
      context.fillStyle = withAlpha(theme.accent, 0.18);
      const [from, to] = this.brush.map((x) => Math.max(box.left, Math.min(box.right, x)));
      context.fillRect(from, box.top, to - from, box.bottom - box.top);
    }
    if (this.cursor === null) return;
    const x = plan.toX(this.cursor);
    if (x < box.left - 1 || x > box.right + 1) return;
    context.setLineDash([]);
    context.strokeStyle = withAlpha(theme.text, 0.4);
    context.beginPath();
    context.moveTo(x, box.top);
    context.lineTo(x, box.bottom);
    context.stroke();
    for (const line of lines) {
      if (!line.x.length) continue;
      dot(context, plan, line, nearestIndex(line.x, this.cursor), theme.dark ? line.dark : line.light);
    }
  }

  destroy() {
    this.ask.cancel();
    this.watch.disconnect();
    this.root.remove();
  }
}
