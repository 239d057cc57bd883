// Drawing of a sequence in its own form, each token on the colour of a weight.

const IMAGE_SIDE = 208;

// Where the tokens lie: a square for a picture, else lines that wrap like text.
function layoutOf(width, header) {
  const n = header.seqLen;
  if (header.form === "image") {
    const columns = header.wide;
    const cell = Math.min(IMAGE_SIDE, width) / columns;
    const skip = header.lead ? columns - 1 : 0; // a class token has a line of its own
    return { n, columns, cell, rows: Math.ceil((n + skip) / columns), tall: cell, skip };
  }
  const cell = n <= 64 ? 22 : n <= 160 ? 18 : n <= 512 ? 15 : 9;
  const columns = Math.max(8, Math.min(n, Math.floor(width / cell)));
  return { n, columns, cell, rows: Math.ceil(n / columns), tall: Math.round(cell * 1.45) };
}

function tokenAt({ n, columns, cell, tall, skip = 0 }, x, y) {
  const [column, row] = [Math.floor(x / cell), Math.floor(y / tall)];
  if (column < 0 || column >= columns || row < 0) return null;
  const place = row * columns + column;
  if (skip && place > 0 && place <= skip) return null;
  const token = place > skip ? place - skip : place;
  return token < n ? token : null;
}

function boxOf({ columns, cell, tall, skip = 0 }, token) {
  const place = token ? token + skip : 0;
  return [(place % columns) * cell, Math.floor(place / columns) * tall, cell, tall];
}

// `weights` may be null (nothing chosen); `levels` maps a weight to its colour.
function drawTokens(canvas, layout, { header, arrays, theme, weights, colourOf, marked, hovered, ink }) {
  const size = [layout.columns * layout.cell, layout.rows * layout.tall];
  const context = sharpen(canvas, ...size);
  context.clearRect(0, 0, ...size);
  for (let token = 0; token < layout.n; token++) {
    const box = boxOf(layout, token);
    const fill = weights ? colourOf(weights[token]) : "transparent";
    const text = inkOn(fill, theme);
    context.fillStyle = fill;
    context.fillRect(...box);
    if (header.lead && token === 0) drawSymbol(context, box, header.lead, 1, text, theme.font);
    else if (header.form === "image") drawPixel(context, box, arrays.values[token], text, weights);
    else if (header.form === "numbers") drawNumber(context, box, arrays.values[token], header.most, text);
    else drawSymbol(context, box, header.labels[token], arrays.marks[token], text, theme.font);
    if (arrays.marks[token] && header.form !== "image") drawMark(context, box, theme);
  }
  if (header.form === "image") {
    context.strokeStyle = withAlpha(theme.text, 0.35);
    context.strokeRect(0.5, 0.5, size[0] - 1, size[1] - 1);
  }
  if (marked !== null) outline(context, boxOf(layout, marked), ink, 2.5);
  if (hovered !== null && hovered !== marked) outline(context, boxOf(layout, hovered), theme.text, 1.5);
}

// The ink that can be read on a cell's colour: the theme's own, or its opposite where they are alike.
function inkOn(fill, theme) {
  const parts = fill.match(/^rgb\((\d+),(\d+),(\d+)\)$/);
  if (!parts) return theme.text;
  const light = 0.3 * parts[1] + 0.59 * parts[2] + 0.11 * parts[3] > 128;
  return light === theme.dark ? theme.back : theme.text;
}

// Ink fills the pixel; where weights lie beneath, it is a dot, so that both can be seen.
function drawPixel(context, [x, y, w, h], value, text, weights) {
  context.fillStyle = withAlpha(text, weights ? 0.55 : value);
  if (!weights) context.fillRect(x, y, w + 0.5, h + 0.5);
  else if (value > 0) {
    context.beginPath();
    context.arc(x + w / 2, y + h / 2, (w / 2) * 0.62 * Math.sqrt(value), 0, 2 * Math.PI);
    context.fill();
  }
}

function drawNumber(context, [x, y, w, h], value, most, text) {
  const middle = y + h / 2;
  const long = (value / most) * (h / 2 - 2);
  context.fillStyle = withAlpha(text, 0.2);
  context.fillRect(x, middle - 0.5, w, 1);
  context.fillStyle = withAlpha(text, 0.8);
  context.fillRect(x + w / 2 - w / 6, Math.min(middle, middle - long), w / 3, Math.abs(long));
}

function drawSymbol(context, [x, y, w, h], label, mark, text, font) {
  if (w < 8) return;
  context.font = `${mark ? 700 : 400} ${Math.min(14, Math.round(w * 0.72))}px ${font}`;
  context.fillStyle = withAlpha(text, mark ? 1 : 0.75);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(label, x + w / 2, y + h / 2 + 1);
}

function drawMark(context, [x, y, w, h], theme) {
  context.fillStyle = theme.back;
  context.fillRect(x + 0.5, y + h - 5, w - 1, 5);
  context.fillStyle = theme.text;
  context.fillRect(x + 1.5, y + h - 4, w - 3, 3);
}

function outline(context, [x, y, w, h], colour, thick) {
  context.strokeStyle = colour;
  context.lineWidth = thick;
  const inset = thick / 2;
  context.strokeRect(x + inset, y + inset, Math.max(2, w - thick), Math.max(2, h - thick));
}
