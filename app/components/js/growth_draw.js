// Drawing and wording of the growth view.

// 100 % only where all pairs are linked, 0 % only where none is.
function percent(part, whole) {
  if (part === whole || part === 0) return `${part ? 100 : 0} %`;
  const share = (100 * part) / whole;
  const text = share.toPrecision(share >= 10 ? 3 : 2);
  return Number(text) >= 100 ? "above 99.9 %" : `${Number(text)} %`;
}

function countText({ hop, filled, header }, pairs) {
  const all = pairs.toLocaleString("en");
  if (hop === 0) return `Before any factor each token knows only itself: ${percent(filled[0], pairs)} of ${all} pairs.`;
  const left = pairs - filled[hop];
  const rest = left ? `${left.toLocaleString("en")} are still empty.` : "Every token reads every token.";
  return `After ${hop} of ${header.factors} factors: ${percent(filled[hop], pairs)} of ${all} pairs are linked. ${rest}`;
}

function pairText({ row, column }, step) {
  const pair = `Token ${row} ${step === 255 ? "never reads" : "reads"} token ${column}`;
  if (step === 255) return `${pair}.`;
  return step === 0 ? `${pair}: itself.` : `${pair} from factor ${step} on.`;
}

// A canvas with one pixel per pair, coloured by when it is linked.
function growthImage(view, colours) {
  const { seqLen } = view.header;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = seqLen;
  const context = canvas.getContext("2d");
  const image = context.createImageData(seqLen, seqLen);
  const pixels = new Uint32Array(image.data.buffer);
  const [empty, old, fresh, never] = colours.map(([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r);
  const last = view.hop === view.header.factors;
  const byStep = new Uint32Array(256);
  for (let step = 0; step < 256; step++) {
    if (step === 255) byStep[step] = last ? never : empty;
    else byStep[step] = step > view.hop ? empty : step === view.hop && step > 0 ? fresh : old;
  }
  const ring = view.header.steps === "ring";
  for (let row = 0; row < seqLen; row++) {
    const start = row * seqLen;
    for (let column = 0; column < seqLen; column++) {
      const step = ring ? view.steps[(column - row + seqLen) % seqLen] : view.steps[start + column];
      pixels[start + column] = byStep[step];
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// A cross on each pair that is never linked: colour is not the only cue.
function drawCrosses(context, plan, view, colour) {
  if (plan.perColumn < 6) return;
  const inset = plan.perColumn * 0.28;
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let row = 0; row < view.header.seqLen; row++) {
    for (let column = 0; column < view.header.seqLen; column++) {
      if (view.stepOf(row, column) !== 255) continue;
      const [x, y] = [plan.toX(column), plan.toY(row)];
      const [right, low] = [x + plan.perColumn - inset, y + plan.perRow - inset];
      context.moveTo(x + inset, y + inset);
      context.lineTo(right, low);
      context.moveTo(right, y + inset);
      context.lineTo(x + inset, low);
    }
  }
  context.stroke();
}

// One bar per m: the share of pairs linked; that of the present m is filled.
function drawBars(canvas, width, view, inkOf) {
  const { theme, filled, hop, header } = view;
  const tall = 46;
  const context = sharpen(canvas, width, tall + 34);
  context.clearRect(0, 0, width, tall + 34);
  const each = width / filled.length;
  const pairs = header.seqLen ** 2;
  context.textAlign = "center";
  filled.forEach((count, m) => {
    const high = Math.max(1, (tall * count) / pairs);
    const [x, y] = [m * each + each * 0.12, 16 + tall - high];
    context.fillStyle = m <= hop ? inkOf("old") : withAlpha(theme.text, 0.16);
    context.fillRect(x, y, each * 0.76, high);
    if (m === hop) {
      context.strokeStyle = inkOf("new");
      context.lineWidth = 2;
      context.strokeRect(x, y, each * 0.76, high);
    }
    context.fillStyle = withAlpha(theme.text, m === hop ? 1 : 0.75);
    context.font = `${m === hop ? "bold " : ""}11px ${theme.font}`;
    const share = (100 * count) / pairs;
    if (each > 30) context.fillText(`${share >= 99.5 && count < pairs ? "<100" : Math.round(share)} %`, m * each + each / 2, y - 4);
    context.fillText(String(m), m * each + each / 2, 16 + tall + 14);
  });
}
