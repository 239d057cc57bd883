// The routes view: tokens by factors, the links that carry an entry, and its strongest routes.

class Routes {
  constructor(parent) {
    this.host = parent.host ?? parent;
    this.route = this.pinned = this.link = this.cell = null;
    this.title = element("div", { className: "title", role: "heading", "aria-level": "4" });
    this.canvas = element("canvas", { role: "img" });
    this.read = element("div", { className: "read", "aria-live": "polite" });
    this.meaning = element("div", { className: "note" });
    this.note = element("div", { className: "note" });
    this.list = element("ol", { className: "routes-list" });
    this.area = element("div", { className: "area" }, [this.canvas]);
    this.root = element("div", { className: "view routes" }, [
      element("div", { className: "head" }, [this.title]),
      this.area, this.read, this.meaning, this.list, this.note,
    ]);
    parent.append(this.root);
    this.ask = framed(() => this.draw());
    this.watch = new ResizeObserver(() => this.ask());
    this.watch.observe(this.area);
    this.canvas.onpointermove = (event) => this.point(event.offsetX, event.offsetY);
    this.canvas.onpointerleave = () => this.pick(null);
  }

  take(header, arrays) {
    if (!this.header || this.header.group !== header.group) {
      this.bus?.close();
      this.bus = new Bus(header.group, (message) => this.hear(message));
    }
    this.header = header;
    this.links = header.factors.flatMap(({ count }, at) => {
      const [rows, columns, weights, totals, through] = ["rows", "columns", "weights", "totals", "through"].map((name) => arrays[`${name}${at}`]);
      return Array.from({ length: count }, (_, e) => ({
        factor: at + 1, row: rows[e], column: columns[e], weight: weights[e], total: totals[e], through: through[e],
      }));
    });
    this.most = this.links.reduce((most, link) => Math.max(most, Math.abs(link.total)), 0);
    this.route = this.pinned = this.link = this.cell = null;
    this.theme = readTheme(this.host);
    this.title.textContent = header.title;
    this.note.textContent = header.caption;
    this.note.hidden = !header.caption;
    this.meaning.textContent = meaningOfRoutes(header);
    this.list.replaceChildren(...header.routes.map((route, at) => this.entry(route, at)));
    this.canvas.setAttribute("aria-label", `${header.title}. The list below holds the strongest routes.`);
    this.show();
  }

  entry(route, at) {
    const button = element("button", { type: "button", className: "route" }, [
      element("span", { className: "path", textContent: pathText(route) }),
      element("span", { className: "worth", textContent: signedText(route.value) }),
    ]);
    button.dataset.value = String(route.value);
    button.onpointerenter = button.onfocus = () => { this.route = at; this.show(); };
    button.onpointerleave = button.onblur = () => { this.route = this.pinned; this.show(); };
    button.onclick = () => {
      this.pinned = this.pinned === at ? null : at;
      this.route = this.pinned;
      this.show();
    };
    return element("li", {}, [button]);
  }

  // A link of the graph: the matrices light up its reader's row and the column of what it reads.
  pick(link) {
    this.link = link;
    this.cell = null;
    this.bus.tell("hover", link?.row ?? -1, link?.column ?? -1, link?.factor ?? 0);
    this.show();
  }

  // A cell of a factor is a link of the graph, a cell of the product the two ends of its routes.
  hear({ kind, row, column, factor }) {
    if (kind !== "hover") return;
    this.cell = row < 0 || column < 0 ? null : { row, column, factor };
    this.link = this.cell && this.links.find((link) => link.factor === factor && link.row === row && link.column === column);
    this.link ??= null;
    this.show();
  }

  show() {
    const { root, header, route, link, pinned, cell } = this;
    const chosen = route === null ? null : header.routes[route];
    root.dataset.route = route ?? "";
    root.dataset.link = link ? `${link.factor},${link.row},${link.column}` : "";
    root.dataset.total = link ? String(link.total) : "";
    root.dataset.cell = cell ? `${cell.row},${cell.column}` : "";
    this.read.textContent = link ? linkText(link) : cell ? endsText(cell, header) : chosen ? routeText(chosen) : "Point at a line, or at a route in the list, to see what it carries.";
    [...this.list.querySelectorAll("button")].forEach((button, at) => {
      button.setAttribute("aria-pressed", String(at === pinned));
      button.classList.toggle("lit", at === route || (link !== null && passes(header.routes[at], link, header)));
    });
    this.ask();
  }

  place(layer, token) {
    const { left, top, wide, tall } = this.plan;
    const { layers, seqLen } = this.header;
    return [left + (layer * wide) / layers, top + ((token + 0.5) * tall) / seqLen];
  }

  // The link nearest to the pointer, if it is near enough to be meant.
  point(x, y) {
    if (!this.plan) return;
    let [best, least] = [null, 9];
    for (const link of this.links) {
      const [ax, ay] = this.place(link.factor - 1, link.column);
      const [bx, by] = this.place(link.factor, link.row);
      if (x < ax || x > bx) continue;
      const far = Math.abs(ay + ((by - ay) * (x - ax)) / (bx - ax) - y) * Math.cos(Math.atan2(by - ay, bx - ax));
      if (far < least) [best, least] = [link, far];
    }
    if (best !== this.link) this.pick(best);
  }

  draw() {
    const width = this.area.clientWidth;
    if (!this.header || !width) return;
    const { header, theme } = this;
    const height = Math.max(260, Math.min(460, 40 + header.seqLen * 18));
    const context = sharpen(this.canvas, width, height);
    context.clearRect(0, 0, width, height);
    this.plan = { left: 58, top: 24, wide: width - 58 - 66, tall: height - 24 - 26 };
    const inkOf = (value) => header.inks[value < 0 ? "negative" : "positive"][theme.dark ? 1 : 0];
    this.drawAxes(context);
    for (const link of [...this.links].reverse()) {
      const share = this.most ? Math.abs(link.total) / this.most : 0;
      context.strokeStyle = withAlpha(inkOf(link.total), 0.12 + 0.55 * Math.sqrt(share));
      context.lineWidth = 0.6 + 4.4 * Math.sqrt(share);
      context.setLineDash(link.total < 0 ? [5, 3] : []);
      this.line(context, link);
    }
    context.setLineDash([]);
    const chosen = this.route === null ? null : header.routes[this.route];
    if (chosen) {
      context.strokeStyle = theme.text;
      context.lineWidth = 2.5;
      const through = chosen.tokens.toReversed();
      through.slice(1).forEach((row, at) => this.line(context, { factor: at + 1, row, column: through[at] }));
      through.forEach((token, layer) => this.dot(context, layer, token, theme.text, 4));
    }
    if (this.link) {
      context.strokeStyle = theme.text;
      context.lineWidth = 2.5;
      this.line(context, this.link);
    }
    if (this.cell && !this.link) {
      const { factor, row, column } = this.cell;
      this.dot(context, factor ? factor - 1 : 0, column, theme.text, 5);
      this.dot(context, factor || header.layers, row, theme.text, 5);
    }
    const selection = header.inks.selection[theme.dark ? 1 : 0];
    this.dot(context, 0, header.column, selection, 6);
    this.dot(context, header.layers, header.row, selection, 6);
    context.fillStyle = theme.text;
    context.font = `bold 12px ${theme.font}`;
    context.textBaseline = "middle";
    context.textAlign = "right";
    context.fillText(`j = ${header.column}`, this.plan.left - 10, this.place(0, header.column)[1]);
    context.textAlign = "left";
    context.fillText(`i = ${header.row}`, this.plan.left + this.plan.wide + 10, this.place(0, header.row)[1]);
  }

  drawAxes(context) {
    const { header, theme, plan } = this;
    context.font = `11px ${theme.font}`;
    context.fillStyle = context.strokeStyle = withAlpha(theme.text, 0.75);
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    for (let layer = 0; layer <= header.layers; layer++) {
      const [x] = this.place(layer, 0);
      context.fillStyle = withAlpha(theme.text, 0.12);
      context.fillRect(x - 0.5, plan.top, 1, plan.tall);
      context.fillStyle = withAlpha(theme.text, 0.75);
      if (layer) context.fillText(`W${layer}`, x - plan.wide / header.layers / 2, 14);
      context.fillText(layer === 0 ? "read" : layer === header.layers ? "reader" : "", x, plan.top + plan.tall + 18);
      if (header.seqLen > 40) continue;
      for (let token = 0; token < header.seqLen; token++) this.dot(context, layer, token, withAlpha(theme.text, 0.25), 1.6);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const token of niceTicks(0, header.seqLen - 1, plan.tall / 40, true)) {
      const y = this.place(0, token)[1];
      if (token >= header.seqLen || Math.abs(y - this.place(0, header.column)[1]) < 14) continue;
      context.fillText(String(token), plan.left - 10, y);
    }
  }

  line(context, { factor, row, column }) {
    context.beginPath();
    context.moveTo(...this.place(factor - 1, column));
    context.lineTo(...this.place(factor, row));
    context.stroke();
  }

  dot(context, layer, token, colour, size) {
    context.beginPath();
    context.arc(...this.place(layer, token), size, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
  }

  destroy() {
    this.bus?.close();
    this.ask.cancel();
    this.watch.disconnect();
    this.root.remove();
  }
}

function passes(route, link, header) {
  if (link.factor <= route.waited) return false; // it has not entered yet
  const at = header.layers - link.factor;
  return route.tokens[at] === link.row && route.tokens[at + 1] === link.column;
}

function signedText(value) {
  return `${value < 0 ? "−" : "+"}${readable(Number(Math.abs(value).toPrecision(4)))}`;
}

function linkText({ factor, row, column, weight, total, through }) {
  const routes = through === 1 ? "1 route" : `${brief(through)} routes`;
  return `Factor ${factor}: token ${row} reads token ${column} with weight ${signedText(weight)}. The ${routes} over this link add up to ${signedText(total)}.`;
}

function endsText({ factor, row, column }, header) {
  if (factor) {
    const none = header.drawn < header.used ? "is not among the links drawn here" : "carries no route of this entry";
    return `Factor ${factor}: token ${row} reading token ${column} ${none}.`;
  }
  const traced = row === header.row && column === header.column;
  return `Entry (${row}, ${column}): ${traced ? "its routes are drawn here." : "click it to see its routes."}`;
}

// The tokens from the one read to the reader; where V0 enters late, from there on.
function pathText({ tokens, waited }) {
  const path = tokens.toReversed().slice(waited).join(" → ");
  return waited ? `V₀ after W${waited}: ${path}` : path;
}

function routeText({ weights, value, waited }) {
  if (waited === weights.length) return `V₀ itself, added after the last factor: ${signedText(value)}`;
  const factors = weights.toReversed().slice(waited).map((weight) => signedText(weight).replace("+", ""));
  return `${factors.join(" × ")} = ${signedText(value)}`;
}

function meaningOfRoutes({ layers, drawn, used }) {
  const part = drawn < used
    ? ` Drawn: the ${drawn.toLocaleString("en")} strongest of ${used.toLocaleString("en")} links.`
    : "";
  return `From the token read (left) through ${layers} factors to its reader (right). Orange adds, purple and dashed subtracts; wider carries more.${part}`;
}
