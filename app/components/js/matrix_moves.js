// How the reader moves in a matrix: pointer, wheel, keys, buttons and number inputs.

const WHEEL_REST = 300;

const matrixMoves = {
  listen() {
    const { canvas, parts } = this;
    canvas.onpointerdown = (event) => {
      if (event.button !== 0) return;
      this.press = { x: event.offsetX, y: event.offsetY, view: this.view, moved: false };
      canvas.setPointerCapture(event.pointerId);
    };
    canvas.onpointermove = (event) => this.moved(event);
    canvas.onpointerup = (event) => {
      const { press } = this;
      this.press = null;
      if (press && !press.moved) {
        const cell = this.plan?.cellAt(event.offsetX, event.offsetY);
        if (cell) this.select(cell, false, true);
      }
    };
    canvas.onpointercancel = () => { this.press = null; };
    canvas.onpointerleave = () => this.hover(null);
    canvas.ondblclick = () => this.show(wholeOf(this.source.shape));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.onkeydown = (event) => this.key(event);
    parts.in.onclick = () => this.zoomBy(2);
    parts.out.onclick = () => this.zoomBy(0.5);
    parts.whole.onclick = () => this.show(wholeOf(this.source.shape));
    parts.save.onclick = () => savePicture(canvas, this.header.title, this.theme);
    parts.clear.onclick = () => this.select(null);
    parts.row.onchange = parts.column.onchange = () => this.typed();
  },

  moved(event) {
    const { press, plan } = this;
    if (!plan) return;
    if (press) {
      const [dx, dy] = [event.offsetX - press.x, event.offsetY - press.y];
      if (Math.hypot(dx, dy) > 4) press.moved = true;
      if (press.moved && this.zoomed()) {
        const { view } = press;
        this.show({ ...view, column: view.column - dx / plan.perColumn, row: view.row - dy / plan.perRow });
        return;
      }
    }
    this.hover(plan.cellAt(event.offsetX, event.offsetY));
  },

  // The wheel zooms about the pointer; a page scroll that runs over the matrix stays a scroll.
  wheel(event) {
    if (!this.plan) return;
    const still = performance.now() - (this.scrolled ?? -Infinity) > WHEEL_REST;
    const outward = event.deltaY > 0;
    if ((!still && !event.ctrlKey) || (outward && !this.zoomed())) return;
    event.preventDefault();
    const factor = Math.exp(-Math.max(-200, Math.min(200, event.deltaY)) / 300);
    this.zoomBy(factor, { x: event.offsetX, y: event.offsetY });
  },

  zoomed() {
    return this.view.columns < this.source.shape[1] - 1e-6 || this.view.rows < this.source.shape[0] - 1e-6;
  },

  zoomBy(factor, at) {
    const { view, plan, source } = this;
    const middle = this.selected && !at
      ? { column: this.selected.column + 0.5, row: this.selected.row + 0.5 }
      : { column: view.column + view.columns / 2, row: view.row + view.rows / 2 };
    const focus = at
      ? { column: view.column + (at.x - plan.left) / plan.perColumn, row: view.row + (at.y - plan.top) / plan.perRow }
      : middle;
    const [rows, columns] = source.shape;
    const least = Math.min(4, rows, columns);
    const room = Math.max(1, Math.min(view.rows, view.columns) / least);
    const by = Math.min(factor, room);
    const next = { rows: Math.min(rows, view.rows / by), columns: Math.min(columns, view.columns / by) };
    if (at) {
      next.column = focus.column - ((at.x - plan.left) / plan.wide) * next.columns;
      next.row = focus.row - ((at.y - plan.top) / plan.tall) * next.rows;
    } else {
      next.column = focus.column - next.columns / 2;
      next.row = focus.row - next.rows / 2;
    }
    this.show(next);
  },

  show(view) {
    const [rows, columns] = this.source.shape;
    const keep = (from, count, size) => Math.max(0, Math.min(size - count, from));
    this.view = {
      rows: view.rows,
      columns: view.columns,
      row: keep(view.row, view.rows, rows),
      column: keep(view.column, view.columns, columns),
    };
    this.requestSoon();
    this.tellState();
    this.ask();
  },

  key(event) {
    const step = event.shiftKey ? 10 : 1;
    const moves = { ArrowUp: [-step, 0], ArrowDown: [step, 0], ArrowLeft: [0, -step], ArrowRight: [0, step] };
    const [rows, columns] = this.source.shape;
    if (moves[event.key]) {
      const [down, right] = moves[event.key];
      const from = this.selected ?? { row: -down, column: -right };
      const clip = (at, size) => Math.max(0, Math.min(size - 1, at));
      const cell = { row: clip(from.row + down, rows), column: clip(from.column + right, columns) };
      this.select(cell, true);
      this.reveal(cell);
    } else if (event.key === "+" || event.key === "=") this.zoomBy(2);
    else if (event.key === "-") this.zoomBy(0.5);
    else if (event.key === "0") this.show(wholeOf([rows, columns]));
    else if (event.key === "Enter" && this.selected) this.select(this.selected, false, true);
    else if (event.key === "Escape" && this.selected) this.select(null);
    else return;
    event.preventDefault();
  },

  // Move the view just as far as needed to have the cell in it.
  reveal({ row, column }) {
    const { view } = this;
    const into = (at, from, count) => (at < from ? at : at + 1 > from + count ? at + 1 - count : from);
    const next = { ...view, row: into(row, view.row, view.rows), column: into(column, view.column, view.columns) };
    if (next.row !== view.row || next.column !== view.column) this.show(next);
  },

  typed() {
    const [row, column] = [this.parts.row, this.parts.column].map((input) => Number.parseInt(input.value, 10));
    if (Number.isNaN(row) || Number.isNaN(column)) return;
    const cell = { row, column };
    if (!this.inside(cell)) {
      const [rows, columns] = this.source.shape;
      this.parts.read.textContent = `Rows go from 0 to ${rows - 1}, columns from 0 to ${columns - 1}.`;
      this.parts.spoken.textContent = this.parts.read.textContent;
      return;
    }
    this.select(cell);
    this.reveal(cell);
  },
};
