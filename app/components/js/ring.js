// The ring view: links of one factor at rest, the spread of one token's value when played.

const HOP_MS = 650;
const REST_MS = 450;

// How many factors the views of a group show, for a ring that comes later.
const groupHops = new Map();

class Ring {
  constructor(parent) {
    this.host = parent.host ?? parent;
    this.hop = 0;
    this.grown = 1;
    this.hovered = null;
    this.link = null;
    this.source = 0;
    this.heard = undefined;
    this.feed = new Feed();
    const tool = (text, label) => element("button", { type: "button", className: "tool", textContent: text, "aria-label": label, title: label });
    this.title = element("div", { className: "title", role: "heading", "aria-level": "4" });
    this.canvas = element("canvas", { tabIndex: 0, role: "application", "aria-roledescription": "ring of tokens" });
    this.play = tool("Play", "Play hop by hop");
    this.back = tool("Back", "One hop back");
    this.next = tool("Step", "One hop on");
    this.first = tool("Reset", "Back to the start");
    this.input = element("input", { type: "number", min: "0", step: "1" });
    this.count = element("div", { className: "count", "aria-live": "polite" });
    this.read = element("div", { className: "read" });
    this.meaning = element("div", { className: "note" });
    this.note = element("div", { className: "note" });
    this.area = element("div", { className: "area" }, [this.canvas]);
    this.controls = element("div", { className: "inputs" }, [
      this.play, this.back, this.next, this.first,
      element("label", {}, ["Source token ", this.input]),
    ]);
    this.root = element("div", { className: "view ring" }, [
      element("div", { className: "head" }, [this.title]),
      this.controls, this.count, this.area, this.read, this.meaning, this.note,
    ]);
    parent.append(this.root);
    this.ask = framed(() => this.draw());
    this.watch = new ResizeObserver(() => this.ask());
    this.watch.observe(this.area);
    this.listen();
  }

  listen() {
    const { canvas } = this;
    canvas.onpointermove = (event) => this.hover(this.plan?.tokenAt(event.offsetX, event.offsetY) ?? null);
    canvas.onpointerleave = () => this.hover(null);
    canvas.onclick = (event) => {
      const token = this.plan?.tokenAt(event.offsetX, event.offsetY) ?? null;
      if (token !== null) this.pick(token);
    };
    canvas.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const n = this.header.seqLen;
      if (step) this.pick((this.source + step + n) % n);
      else if (event.key === " ") this.playOrPause();
      else return;
      event.preventDefault();
    };
    this.play.onclick = () => this.playOrPause();
    this.back.onclick = () => { this.stop(); this.goTo(this.hop - 1, false); };
    this.next.onclick = () => { this.stop(); this.goTo(this.hop + 1); };
    this.first.onclick = () => { this.stop(); this.goTo(0, false); };
    this.input.onchange = () => {
      const token = Number.parseInt(this.input.value, 10);
      if (token >= 0 && token < this.header.seqLen) this.pick(token);
      else this.count.textContent = `Tokens go from 0 to ${this.header.seqLen - 1}.`;
    };
  }

  take(header, arrays, send) {
    this.send = send;
    if (!this.header || this.header.group !== header.group) {
      this.bus?.close();
      this.bus = new Bus(header.group, (message) => this.hear(message));
      this.hops?.close();
      this.hops = new Bus(header.group && `${header.group}:hop`, ({ row }) => this.follow(row));
      this.hop = header.steps === "none" ? 0 : groupHops.get(header.group) ?? 0;
    }
    const other = this.header && (this.header.seqLen !== header.seqLen || this.header.factors.length !== header.factors.length);
    this.header = header;
    this.arrays = arrays;
    if (other) {
      this.stop();
      this.hop = 0;
      this.hovered = this.link = null;
    }
    this.source = Math.min(this.source, header.seqLen - 1);
    this.theme = readTheme(this.host);
    this.title.textContent = header.title;
    this.note.textContent = header.caption;
    this.note.hidden = !header.caption;
    this.input.max = header.seqLen - 1;
    const playable = header.steps !== "none";
    for (const control of [this.play, this.back, this.next, this.first]) control.hidden = !playable || header.led;
    this.controls.hidden = this.count.hidden = !playable;
    this.feed.join(header.key, (detail) => this.takeDetail(detail));
    this.tellState();
    this.ask();
  }

  // The source that Python holds and, for a long ring without a pattern, its column of steps. A
  // reply that is older than the reader's last pick doesn't undo that pick.
  takeDetail({ header, arrays }) {
    if (arrays.column) this.column = { source: header.source, steps: arrays.column };
    const late = performance.now() - (this.sentAt ?? -Infinity) < 2000 && header.source !== this.sent;
    if (header.source !== this.heard && !late) {
      this.heard = header.source;
      this.source = Math.min(header.source, this.header.seqLen - 1);
    }
    this.tellState();
    this.ask();
  }

  // After how many factors the token reads the source; undefined while only the server knows.
  stepOf(token) {
    const { seqLen, steps } = this.header;
    const known = this.arrays.steps;
    if (steps === "ring") return known[(this.source - token + seqLen) % seqLen];
    if (steps === "table") return known[token * seqLen + this.source];
    if (this.column?.source === this.source) return this.column.steps[token];
    return token === this.source ? 0 : undefined;
  }

  // The tokens that `row` reads in a factor (from 1); null where its links weren't sent.
  reads(factor, row) {
    const { seqLen, every, factors } = this.header;
    const made = factors[factor - 1];
    if (Array.isArray(made)) return [...new Set(made.map((offset) => (row + offset) % seqLen))];
    if (row % every) return null;
    const links = this.arrays[`links${factor - 1}`];
    const from = (row / every) * made;
    return [...new Set(links.subarray(from, from + made))].filter((column) => column !== 65535);
  }

  pick(token) {
    this.source = token;
    this.bus.tell("select", -1, token);
    if (this.header.report) {
      this.sent = token;
      this.sentAt = performance.now();
      this.clicks = Math.max((this.clicks ?? 0) + 1, Date.now());
      this.send("source", { token, click: this.clicks });
    }
    this.tellState();
    this.ask();
  }

  hover(token) {
    if (token === this.hovered) return;
    this.hovered = token;
    this.link = null;
    this.bus.tell("hover", token ?? -1, -1);
    this.tellState();
    this.ask();
  }

  hear({ kind, row, column }) {
    const { seqLen } = this.header;
    if (Math.max(row, column) >= seqLen) return;
    if (kind === "select") {
      if (column >= 0) this.source = column;
    } else {
      this.link = row >= 0 && column >= 0 ? { row, column } : null;
      this.hovered = row >= 0 ? row : null;
    }
    this.tellState();
    this.draw();
  }

  playOrPause() {
    if (this.playing) this.stop();
    else {
      this.playing = true;
      this.goTo(this.hop >= this.header.factors.length ? 1 : this.hop + 1);
    }
    this.tellState();
  }

  stop() {
    this.playing = false;
    clearTimeout(this.timer);
    cancelAnimationFrame(this.moving);
    this.grown = 1;
    this.play.textContent = "Play";
  }

  // Another view of the group moved to that many factors.
  follow(hop) {
    if (this.header.steps === "none") return;
    this.stop();
    this.hop = Math.max(0, Math.min(this.header.factors.length, hop));
    this.tellState();
    this.ask();
  }

  // Show the state after so many hops; the links of the last hop grow unless motion is unwanted.
  goTo(hop, move = true) {
    this.hop = Math.max(0, Math.min(this.header.factors.length, hop));
    this.hops.tell("hop", this.hop, -1);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    cancelAnimationFrame(this.moving);
    clearTimeout(this.timer);
    const done = () => {
      this.grown = 1;
      if (!this.playing) return;
      if (this.hop >= this.header.factors.length) this.stop();
      else this.timer = setTimeout(() => this.goTo(this.hop + 1), still ? HOP_MS + REST_MS : REST_MS);
      this.tellState();
    };
    if (!move || still || this.hop === 0) done();
    else {
      const begin = performance.now();
      const frame = (now) => {
        this.grown = Math.min(1, (now - begin) / HOP_MS);
        this.draw();
        if (this.grown < 1) this.moving = requestAnimationFrame(frame); else done();
      };
      this.grown = 0;
      this.moving = requestAnimationFrame(frame);
    }
    this.tellState();
    this.ask();
  }

  tellState() {
    const { header, root, hop, hovered, link } = this;
    const { seqLen, factors } = header;
    let [reached, never, example] = [0, 0, 0];
    let waiting = false;
    for (let token = 0; header.steps !== "none" && token < seqLen; token++) {
      const step = this.stepOf(token);
      if (step === undefined) waiting = true;
      else if (step <= hop) reached++;
      else if (step === 255 && !never++) example = token;
    }
    Object.assign(root.dataset, {
      source: this.source, hop, reached, hovered: hovered ?? "",
      link: link ? `${link.row},${link.column}` : "", drawn: Math.ceil(seqLen / header.every),
    });
    const of = `${reached.toLocaleString("en")} of ${seqLen.toLocaleString("en")} tokens`;
    let text = hop === 0
      ? `Token ${this.source} knows only itself. Play to pass its value on, one factor at a time.`
      : `After factor ${hop} of ${factors.length}: ${of} have read token ${this.source}.`;
    if (hop === factors.length && never) text += ` ${never} never do, such as token ${example}.`;
    if (header.steps === "none") text = `Source token ${this.source}.`;
    else if (waiting) text = "Working out who reads this token …";
    this.count.textContent = text;
    this.read.textContent = this.readout();
    this.play.textContent = this.playing ? "Pause" : "Play";
    this.play.setAttribute("aria-label", this.playing ? "Pause" : "Play hop by hop");
    this.back.disabled = this.first.disabled = hop === 0;
    this.next.disabled = hop >= factors.length;
    if (this.host.shadowRoot?.activeElement !== this.input) this.input.value = this.source;
    this.meaning.textContent = this.meaningText();
    this.canvas.setAttribute("aria-label", `${header.title}. ${seqLen} tokens on a circle. ${text} Arrow keys pick the source, space plays.`);
  }

  shownFactor() {
    return this.hop || this.header.factor;
  }

  readout() {
    const { hovered, link } = this;
    const factor = this.shownFactor();
    if (link) {
      const reads = this.reads(factor, link.row);
      if (!reads) return `Row ${link.row}, column ${link.column}.`;
      const there = reads.includes(link.column);
      return `Token ${link.row} ${there ? "reads" : "doesn't read"} token ${link.column} in factor ${factor}.`;
    }
    const token = this.focused();
    if (token === null) return "Hover over a token to see what it reads; click to make it the source.";
    const reads = this.reads(factor, token);
    if (!reads) return `Token ${token}: its links aren't drawn.`;
    return reads.length
      ? `Token ${token} reads ${reads.slice(0, 24).join(", ")}${reads.length > 24 ? ` and ${reads.length - 24} more` : ""} in factor ${factor}.`
      : `Token ${token} reads nothing in factor ${factor}.`;
  }

  // Whose links stand out: the token under the pointer or, where nothing plays, the one picked.
  focused() {
    return this.hovered ?? (this.header.steps === "none" ? this.source : null);
  }

  meaningText() {
    const { every, seqLen } = this.header;
    const thinned = every > 1
      ? ` Drawn: one token in ${every}, with its links; the count is of all ${seqLen.toLocaleString("en")}.`
      : "";
    if (this.hop === 0) return `Curves: the links of factor ${this.shownFactor()}, from the token read to its reader.${thinned}`;
    return `Filled: has read the source. Orange ring: in this hop. Hollow: not yet.${thinned}`;
  }

  draw() {
    const width = this.area.clientWidth;
    if (!this.header || !width) return;
    const { header, theme, hop } = this;
    const size = Math.min(width, header.maxSize);
    const context = sharpen(this.canvas, size, size);
    const plan = ringPlan(size, header.seqLen, header.every);
    this.plan = plan;
    context.clearRect(0, 0, size, size);
    context.setLineDash([]);
    const inkOf = (name) => header.inks[name][theme.dark ? 1 : 0];
    const factor = this.shownFactor();
    this.drawLinks(context, plan, factor, inkOf);
    for (let token = 0; token < header.seqLen; token += header.every) this.drawOne(context, plan, token, inkOf);
    this.drawFocus(context, plan, factor, inkOf);
    if (this.source % header.every) this.drawOne(context, plan, this.source, inkOf);
    const special = [this.source, ...(this.hovered === null ? [] : [this.hovered])];
    if (this.link) special.push(this.link.column);
    drawNames(context, plan, header.seqLen, theme, [...new Set(special)]);
  }

  drawLinks(context, plan, factor, inkOf) {
    const { header, theme, hop } = this;
    const drawn = Math.ceil(header.seqLen / header.every);
    context.lineWidth = drawn > 48 ? 0.7 : 1;
    context.strokeStyle = withAlpha(theme.text, drawn > 48 ? 0.13 : 0.24);
    for (let row = 0; hop === 0 && row < header.seqLen; row += header.every) {
      for (const column of this.reads(factor, row) ?? []) drawLink(context, plan, column, row);
    }
    if (hop === 0) return;
    context.lineWidth = drawn > 48 ? 1 : 1.6;
    for (let row = 0; row < header.seqLen; row += header.every) {
      for (const column of this.reads(factor, row) ?? []) {
        const carries = this.stepOf(column) < hop && column !== row;
        const fresh = this.stepOf(row) === hop;
        if (!carries) continue;
        context.strokeStyle = fresh ? withAlpha(inkOf("new"), 0.9) : withAlpha(theme.text, 0.12);
        drawLink(context, plan, column, row, fresh ? this.grown : 1);
      }
    }
  }

  drawOne(context, plan, token, inkOf) {
    const { theme, hop } = this;
    const step = this.stepOf(token);
    const known = this.header.steps !== "none" && step !== undefined;
    if (token === this.source) {
      drawToken(context, plan, token, { fill: inkOf("selection"), line: theme.text, width: 2, grow: 2 });
    } else if (known && hop > 0 && step === hop && this.grown > 0.85) {
      drawToken(context, plan, token, { fill: inkOf("chord"), line: inkOf("new"), width: 3, grow: 1 });
    } else if (known && hop > 0 && step < hop) {
      drawToken(context, plan, token, { fill: inkOf("chord"), line: inkOf("chord") });
    } else {
      drawToken(context, plan, token, { fill: theme.back, line: withAlpha(theme.text, 0.5) });
    }
  }

  // The hovered token with what it reads, or the link of the cell under a matrix's pointer.
  drawFocus(context, plan, factor, inkOf) {
    const { link, theme } = this;
    const row = link?.row ?? this.focused();
    if (row === null || row === undefined) return;
    const reads = this.reads(factor, row) ?? [];
    context.strokeStyle = context.fillStyle = theme.text;
    context.lineWidth = 2;
    for (const column of link ? reads.filter((read) => read === link.column) : reads) {
      drawLink(context, plan, column, row);
      drawHead(context, plan, column, row);
    }
    for (const token of link ? [row, link.column] : [row, ...reads]) {
      const [x, y] = plan.at(token);
      context.beginPath();
      context.arc(x, y, plan.dot + 4, 0, 2 * Math.PI);
      context.stroke();
      context.fillStyle = theme.text;
    }
  }

  destroy() {
    this.stop();
    this.bus?.close();
    this.hops?.close();
    this.feed.leave();
    this.ask.cancel();
    this.watch.disconnect();
    this.root.remove();
  }
}
