// The numbers behind a matrix view: exact values, sparse links, or a coarse grid with an exact window.
//
// Every source answers value(row, column) -> number, or undefined where only the server knows, and
// grid(step) -> {high, wide, step, values, most}: the strongest entry (of a pattern: the number of
// links) of every step x step block.

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

  grid(step) {
    const [rows, columns] = this.shape;
    if (step === 1) return { high: rows, wide: columns, step, values: this.values };
    return cached(this.grids, step, () => pooled(this.values, rows, columns, step));
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
    this.coarse = { high, wide, step: header.tile, values };
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
      this.exact = { row, column, wide, high: arrays.window.length / wide, values: arrays.window };
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

  grid(step) {
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
    this.grids = new Map();
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

  grid(step) {
    return cached(this.grids, step, () => {
      const [high, wide] = this.shape.map((size) => Math.ceil(size / step));
      const values = new Float32Array(high * wide);
      for (let row = 0; row < this.shape[0]; row++) {
        const start = Math.floor(row / step) * wide;
        this.eachInRow(row, 0, this.shape[1], (column, value) => {
          const place = start + Math.floor(column / step);
          if (!this.weights) values[place] += value;
          else if (Math.abs(value) > Math.abs(values[place])) values[place] = value;
        });
      }
      return { high, wide, step, values };
    });
  }

  // Exact entries of the part in view, however large the matrix.
  part(row, column, high, wide) {
    const values = new Float32Array(high * wide);
    for (let i = 0; i < high; i++) {
      this.eachInRow(row + i, column, column + wide, (j, value) => {
        values[i * wide + j - column] = value;
      });
    }
    return { row, column, high, wide, values };
  }

  eachInRow(row, from, to, act) {
    for (let at = row * this.count; at < (row + 1) * this.count; at++) {
      const column = this.links[at];
      if (column < from || column >= to) continue;
      act(column, this.weights ? this.value(row, column) : this.value(row, column));
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
  return { high, wide, step, values: out };
}
