// Drawing of matrices: numbers to colours, the part in view, axes, crosshairs, the colour bar.

function levelOf(value, limit, signed) {
  if (!Number.isFinite(value)) return 255;
  const share = value / limit;
  if (signed) return Math.round(127 + 127 * Math.max(-1, Math.min(1, share)));
  return Math.round(254 * Math.max(0, Math.min(1, share)));
}

// A canvas with one pixel per value.
function imageOf({ high, wide, values }, limit, signed, table, odd, rooted = false) {
  const canvas = document.createElement("canvas");
  canvas.width = wide;
  canvas.height = high;
  const context = canvas.getContext("2d");
  const image = context.createImageData(wide, high);
  const pixels = new Uint32Array(image.data.buffer);
  const words = new Uint32Array(256);
  for (let level = 0; level < 255; level++) {
    const [red, green, blue] = table.subarray(3 * level, 3 * level + 3);
    words[level] = (255 << 24) | (blue << 16) | (green << 8) | red;
  }
  words[255] = (255 << 24) | (odd[2] << 16) | (odd[1] << 8) | odd[0];
  for (let i = 0; i < values.length; i++) {
    const value = rooted ? Math.sqrt(values[i] * limit) : values[i];
    pixels[i] = words[levelOf(value, limit, signed)];
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// Where the matrix lies in the canvas, and the maps between cells and pixels.
function planOf(context, width, shape, view, texts, theme) {
  context.font = `11px ${theme.font}`;
  const digits = context.measureText(String(shape[0] - 1)).width;
  const left = Math.ceil(digits) + (texts.compact ? 10 : 26);
  const top = texts.compact ? 20 : 36;
  const wide = Math.max(40, Math.min(width - left - 2, texts.maxSize));
  const ratio = shape[0] / shape[1];
  const tall = Math.round(Math.max(Math.min(60, wide), Math.min(wide * Math.max(1, Math.min(ratio, 1.5)), wide * ratio)));
  const [perColumn, perRow] = [wide / view.columns, tall / view.rows];
  return {
    left, top, wide, tall, perColumn, perRow,
    height: top + tall + 2,
    toX: (column) => left + (column - view.column) * perColumn,
    toY: (row) => top + (row - view.row) * perRow,
    cellAt: (x, y) => {
      if (x < left || y < top || x >= left + wide || y >= top + tall) return null;
      const column = Math.floor(view.column + (x - left) / perColumn);
      const row = Math.floor(view.row + (y - top) / perRow);
      if (row < 0 || column < 0 || row >= shape[0] || column >= shape[1]) return null;
      return { row, column };
    },
  };
}

function drawPart(context, plan, image, { row, column, step }) {
  context.imageSmoothingEnabled = false;
  const [x, y] = [plan.toX(column), plan.toY(row)];
  const size = [image.width * step * plan.perColumn, image.height * step * plan.perRow];
  context.drawImage(image, x, y, ...size);
}

function drawFrame(context, plan, theme) {
  context.strokeStyle = withAlpha(theme.text, 0.35);
  context.lineWidth = 1;
  context.strokeRect(plan.left - 0.5, plan.top - 0.5, plan.wide + 1, plan.tall + 1);
}

function drawGrid(context, plan, view, theme) {
  if (plan.perColumn < 9 || plan.perRow < 9) return;
  context.strokeStyle = withAlpha(theme.text, 0.12);
  context.beginPath();
  for (let column = Math.ceil(view.column); column <= view.column + view.columns; column++) {
    context.moveTo(plan.toX(column), plan.top);
    context.lineTo(plan.toX(column), plan.top + plan.tall);
  }
  for (let row = Math.ceil(view.row); row <= view.row + view.rows; row++) {
    context.moveTo(plan.left, plan.toY(row));
    context.lineTo(plan.left + plan.wide, plan.toY(row));
  }
  context.stroke();
}

function drawTicks(context, plan, view, texts, theme) {
  context.font = `11px ${theme.font}`;
  context.fillStyle = withAlpha(theme.text, 0.75);
  const dense = texts.compact ? 34 : 44;
  context.textAlign = "center";
  context.textBaseline = "bottom";
  for (const tick of wholeTicks(view.column, view.columns, plan.wide / dense)) {
    const x = plan.toX(tick + 0.5);
    context.fillText(String(tick), x, plan.top - 5);
    context.fillRect(x - 0.5, plan.top - 4, 1, 3);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of wholeTicks(view.row, view.rows, plan.tall / dense)) {
    const y = plan.toY(tick + 0.5);
    context.fillText(String(tick), plan.left - 6, y);
    context.fillRect(plan.left - 4, y - 0.5, 3, 1);
  }
  if (texts.compact) return;
  context.fillStyle = theme.text;
  context.font = `12px ${theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.fillText(texts.columnLabel, plan.left + plan.wide / 2, 1, plan.wide);
  context.save();
  context.translate(1, plan.top + plan.tall / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(texts.rowLabel, 0, 0, plan.tall);
  context.restore();
}

function wholeTicks(from, count, wanted) {
  const [low, high] = [Math.max(0, Math.ceil(from - 0.5)), Math.ceil(from + count - 0.5) - 1];
  return niceTicks(low, high, Math.max(2, wanted), true).filter((tick) => tick >= low && tick <= high);
}

// Lines along the row and the column, so that the colours between them stay true, and a frame
// around the cell where they meet.
function drawCross(context, plan, { row, column }, colour, strong) {
  context.save();
  context.beginPath();
  context.rect(plan.left, plan.top, plan.wide, plan.tall);
  context.clip();
  const [x, y] = [plan.toX(column), plan.toY(row)];
  const [w, h] = [plan.perColumn, plan.perRow];
  context.strokeStyle = withAlpha(colour, strong ? 0.95 : 0.7);
  context.lineWidth = 1;
  context.setLineDash(strong ? [] : [3, 3]);
  context.beginPath();
  const across = (at) => { context.moveTo(plan.left, at); context.lineTo(plan.left + plan.wide, at); };
  const down = (at) => { context.moveTo(at, plan.top); context.lineTo(at, plan.top + plan.tall); };
  if (row >= 0) for (const at of h < 4 ? [y + h / 2] : [y, y + h]) across(at);
  if (column >= 0) for (const at of w < 4 ? [x + w / 2] : [x, x + w]) down(at);
  context.stroke();
  if (row >= 0 && column >= 0) {
    const grow = Math.max(0, (7 - Math.min(w, h)) / 2);
    const frame = [x - grow, y - grow, w + 2 * grow, h + 2 * grow];
    context.setLineDash([]);
    context.strokeStyle = colour;
    context.lineWidth = strong ? 3 : 1.5;
    context.strokeRect(...frame);
  }
  context.restore();
}

function drawBar(canvas, width, limit, signed, table, theme) {
  const context = sharpen(canvas, width, 10);
  const steps = 127;
  for (let i = 0; i < steps; i++) {
    const level = Math.round((i * 254) / (steps - 1));
    context.fillStyle = `rgb(${table.subarray(3 * level, 3 * level + 3).join(",")})`;
    const [from, to] = [(i * width) / steps, ((i + 1) * width) / steps];
    context.fillRect(from, 0, to - from + 0.5, 10);
  }
  context.strokeStyle = withAlpha(theme.text, 0.35);
  context.strokeRect(0.5, 0.5, width - 1, 9);
}
