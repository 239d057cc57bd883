// The numbers behind a matrix view: exact values, sparse links, or a coarse grid with an exact window.
//
// Every source answers value(row, column) -> number, or undefined where only the server knows, and
// part(view, step) -> {row, column, high, wide, step, values}: the strongest entry (of a pattern: the
// number of links) of every step x step block of the part in view, from row and column on.

class ValueSource {
  constructor(header, arrays) {
    this.shape = [header.rows, header.columns];
    this.base = 1;
    this.values = arrays.values;
    this.grids = new Map();
  }

  value(row, column) {
    return this.values[row * this.shape[1] + column];
  }

  part(view, step) {
    const [rows, columns] = this.shape;
    return cached(this.grids, step, () => {
      return step === 1
        ? { row: 0, column: 0, high: rows, wide: columns, step, values: this.values }
        : pooled(this.values, rows, columns, step);
    });
  }
}

class TileSource {
  constructor(header, arrays) {
    this.shape = [header.rows, header.columns];
    this.base = header.tile;
    const [high, wide] = this.shape.map((size) => Math.ceil(size / header.tile));
    const signed = header.scale === "signed";
    const values = Float32Array.from(arrays.levels, (level) => {
      if (level === 255) return NaN;
      return header.limit * (signed ? (level - 127) / 127 : level / 254);
    });
    this.coarse = { row: 0, column: 0, high, wide, step: header.tile, values };
    this.grids = new Map();
    this.cell = null;
  }

  // An exact window and an exact cell that came from the server.
  learn({ header, arrays }, side) {
    if (header.selection && arrays.cell) {
      this.cell = { row: header.selection[0], column: header.selection[1], value: arrays.cell[0] };
    }
    if (header.corner && arrays.window) {
      const [row, column] = header.corner;
      const wide = Math.min(side, this.shape[1] - column);
      this.exact = { row, column, step: 1, wide, high: arrays.window.length / wide, values: arrays.window };
    }
  }

  value(row, column) {
    const { cell, exact: window } = this;
    if (cell && cell.row === row && cell.column === column) return cell.value;
    if (!window) return undefined;
    const [i, j] = [row - window.row, column - window.column];
    if (i < 0 || j < 0 || i >= window.high || j >= window.wide) return undefined;
    return window.values[i * window.wide + j];
  }

  around(row, column) {
    const { wide, step, values } = this.coarse;
    return values[Math.floor(row / step) * wide + Math.floor(column / step)];
  }

  part(view, step) {
    const { high, wide, values } = this.coarse;
    const factor = Math.max(1, Math.round(step / this.base));
    if (factor === 1) return this.coarse;
    return cached(this.grids, factor, () => {
      return { ...pooled(values, high, wide, factor), step: factor * this.base };
    });
  }
}

class LinkSource {
  constructor(header, arrays) {
    const { rows, columns } = header;
    this.shape = [rows, columns];
    this.base = 1;
    this.weights = arrays.weights;
    if (header.kind === "offsets") {
      const count = header.offsets.length;
      this.links = new Uint16Array(rows * count);
      for (let row = 0; row < rows; row++) {
        for (let k = 0; k < count; k++) this.links[row * count + k] = (row + header.offsets[k]) % rows;
      }
    } else {
      this.links = arrays.links;
    }
    this.count = this.links.length / rows;
  }

  value(row, column) {
    let sum = 0;
    for (let at = row * this.count; at < (row + 1) * this.count; at++) {
      if (this.links[at] === column) sum += this.weights ? this.weights[at] : 1;
    }
    return sum;
  }

  // The part in view, in blocks of step x step, however large the matrix: rows out of view cost
  // nothing.
  part(view, step) {
    const name = JSON.stringify([view, step]);
    if (this.partName !== name) {
      this.partName = name;
      this.lastPart = this.blocks(view, step);
    }
    return this.lastPart;
  }

  blocks({ row, column, rows, columns }, step) {
    const [top, left] = [Math.floor(row / step), Math.floor(column / step)];
    const high = Math.ceil(Math.min(this.shape[0], row + rows) / step) - top;
    const wide = Math.ceil(Math.min(this.shape[1], column + columns) / step) - left;
    const values = new Float32Array(high * wide);
    const [from, to] = [left * step, Math.min(this.shape[1], (left + wide) * step)];
    for (let i = top * step; i < Math.min(this.shape[0], (top + high) * step); i++) {
      const start = (Math.floor(i / step) - top) * wide - left;
      this.eachInRow(i, from, to, (j, value) => {
        const place = start + Math.floor(j / step);
        if (step === 1) values[place] = value;
        else if (!this.weights) values[place] += value;
        else if (Math.abs(value) > Math.abs(values[place])) values[place] = value;
      });
    }
    return { row: top * step, column: left * step, high, wide, step, values };
  }

  eachInRow(row, from, to, act) {
    for (let at = row * this.count; at < (row + 1) * this.count; at++) {
      const column = this.links[at];
      if (column < from || column >= to) continue;
      act(column, this.value(row, column));
    }
  }
}

function sourceOf(header, arrays) {
  if (header.kind === "values") return new ValueSource(header, arrays);
  if (header.kind === "tiles") return new TileSource(header, arrays);
  return new LinkSource(header, arrays);
}

function cached(store, name, make) {
  if (!store.has(name)) {
    if (store.size > 6) store.clear();
    store.set(name, make());
  }
  return store.get(name);
}

// The strongest entry of every block; one that is not finite outweighs all.
function pooled(values, rows, columns, step) {
  const [high, wide] = [Math.ceil(rows / step), Math.ceil(columns / step)];
  const out = new Float32Array(high * wide);
  for (let row = 0; row < rows; row++) {
    const start = Math.floor(row / step) * wide;
    for (let column = 0; column < columns; column++) {
      const place = start + Math.floor(column / step);
      const value = values[row * columns + column];
      const there = out[place];
      if (Number.isNaN(there)) continue;
      if (Math.abs(value) > Math.abs(there) || Number.isNaN(value)) out[place] = value;
    }
  }
  return { row: 0, column: 0, high, wide, step, values: out };
}
