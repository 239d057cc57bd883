// Drawing of line charts: ranges, axes, bands and curves. Knows nothing of events.

// The running mean of a noisy curve, corrected for its start; gaps stay gaps.
function smoothed(values, keep) {
  let [mean, weight] = [0, 0];
  return Float32Array.from(values, (value) => {
    if (!Number.isFinite(value)) return NaN;
    mean = keep * mean + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    return mean / weight;
  });
}

// First index whose x is at least `at`; x must ascend.
function lowerBound(x, at) {
  let [low, high] = [0, x.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle] < at) low = middle + 1; else high = middle;
  }
  return low;
}

function nearestIndex(x, at) {
  const after = lowerBound(x, at);
  if (after === 0) return 0;
  if (after === x.length) return x.length - 1;
  return at - x[after - 1] <= x[after] - at ? after - 1 : after;
}

function fullSpan(lines) {
  let [low, high] = [Infinity, -Infinity];
  for (const { x } of lines) {
    if (!x.length) continue;
    low = Math.min(low, x[0]);
    high = Math.max(high, x[x.length - 1]);
  }
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

// The y range in view, widened to round ticks so that it doesn't twitch with every point.
function spanOfY(lines, [from, to], frame) {
  if (frame.yRange) return { low: frame.yRange[0], high: frame.yRange[1] };
  let [low, high] = [Infinity, -Infinity];
  const take = (value) => {
    if (!Number.isFinite(value) || (frame.logY && value <= 0)) return;
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  for (const line of lines) {
    const last = Math.min(line.x.length - 1, lowerBound(line.x, to));
    for (let i = Math.max(0, lowerBound(line.x, from) - 1); i <= last; i++) {
      take(line.y[i]);
      if (line.low) { take(line.low[i]); take(line.high[i]); }
    }
  }
  if (low > high) return frame.logY ? { low: 0.1, high: 1 } : { low: 0, high: 1 };
  if (frame.logY) {
    const pad = low === high ? 1.5 : 1.08;
    return { low: low / pad, high: high * pad };
  }
  if (low === high) {
    const pad = Math.abs(low) * 0.1 || 1;
    return { low: low - pad, high: high + pad };
  }
  const ticks = niceTicks(low, high, 5);
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : high - low;
  return {
    low: Math.floor(low / step + 1e-9) * step,
    high: Math.ceil(high / step - 1e-9) * step,
  };
}

function ticksOfY({ low, high }, logY, height) {
  const wanted = Math.max(2, Math.floor(height / 38));
  if (!logY) return niceTicks(low, high, wanted);
  const [from, to] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  if (to - from < 2) {
    const ticks = [];
    for (let power = from - 1; power <= to + 1; power++) {
      for (const m of [1, 2, 5]) ticks.push(m * 10 ** power);
    }
    return ticks.filter((tick) => tick >= low && tick <= high).map((t) => Number(t.toPrecision(3)));
  }
  const every = Math.ceil((to - from + 1) / wanted);
  const ticks = [];
  for (let power = from; power <= to; power += every) ticks.push(Number((10 ** power).toPrecision(3)));
  return ticks;
}

// On a logarithmic axis 0 and the powers of ten, unless the part in view has too few of them.
function ticksOfX([from, to], logX, wanted) {
  const powers = [0, ...Array.from({ length: 8 }, (_, power) => 10 ** power)];
  const inside = powers.filter((tick) => tick >= from && tick <= to);
  return logX && inside.length > 1 ? inside : niceTicks(from, to, wanted);
}

// Where things are: a plot box inside the canvas and the maps from values to pixels.
function layOut(context, size, frame, span, ySpan, theme) {
  context.font = `12px ${theme.font}`;
  const inner = size.height - 52;
  const yTicks = ticksOfY(ySpan, frame.logY, inner);
  const widest = Math.max(16, ...yTicks.map((tick) => context.measureText(brief(tick)).width));
  const box = { left: Math.ceil(widest) + 28, top: 8, right: size.width - 10, bottom: size.height - 42 };
  const wide = Math.max(1, box.right - box.left);
  const tall = Math.max(1, box.bottom - box.top);
  const level = frame.logY ? Math.log10 : (value) => value;
  const [low, high] = [level(ySpan.low), level(ySpan.high)];
  const place = frame.logX ? (x) => Math.log10(1 + Math.max(0, x)) : (x) => x;
  const unplace = frame.logX ? (at) => 10 ** at - 1 : (at) => at;
  const [from, to] = span.map(place);
  return {
    box,
    yTicks,
    xTicks: ticksOfX(span, frame.logX, Math.max(2, Math.floor(wide / 60))),
    toX: (x) => box.left + ((place(x) - from) / (to - from)) * wide,
    fromX: (pixel) => unplace(from + ((pixel - box.left) / wide) * (to - from)),
    toY: (y) => box.bottom - ((level(y) - low) / (high - low)) * tall,
  };
}

function drawAxes(context, plan, frame, theme) {
  const { box } = plan;
  context.font = `12px ${theme.font}`;
  context.lineWidth = 1;
  context.setLineDash([]);
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const tick of plan.yTicks) {
    const y = Math.round(plan.toY(tick)) + 0.5;
    context.strokeStyle = withAlpha(theme.text, 0.1);
    context.beginPath();
    context.moveTo(box.left, y);
    context.lineTo(box.right, y);
    context.stroke();
    context.fillStyle = withAlpha(theme.text, 0.75);
    context.fillText(brief(tick), box.left - 6, y);
  }
  context.textBaseline = "top";
  context.textAlign = "center";
  for (const tick of plan.xTicks) {
    const x = Math.round(plan.toX(tick)) + 0.5;
    context.strokeStyle = withAlpha(theme.text, 0.35);
    context.beginPath();
    context.moveTo(x, box.bottom);
    context.lineTo(x, box.bottom + 4);
    context.stroke();
    const text = brief(tick);
    const half = context.measureText(text).width / 2;
    context.fillText(text, Math.min(x, box.right + 8 - half), box.bottom + 7);
  }
  context.strokeStyle = withAlpha(theme.text, 0.35);
  context.beginPath();
  context.moveTo(box.left, box.bottom + 0.5);
  context.lineTo(box.right, box.bottom + 0.5);
  context.stroke();
  context.fillStyle = theme.text;
  context.fillText(frame.xLabel, (box.left + box.right) / 2, box.bottom + 25, box.right - box.left);
  context.save();
  context.translate(8, (box.top + box.bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.textBaseline = "middle";
  context.fillText(frame.yLabel, 0, 0, box.bottom - box.top + 20);
  context.restore();
}

function tracePath(context, plan, x, y, logY) {
  context.beginPath();
  let down = false;
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(y[i]) || (logY && y[i] <= 0)) {
      down = false;
      continue;
    }
    const [px, py] = [plan.toX(x[i]), plan.toY(y[i])];
    if (down) context.lineTo(px, py); else context.moveTo(px, py);
    down = true;
  }
}

function drawBand(context, plan, line, colour) {
  context.fillStyle = withAlpha(colour, 0.16);
  context.beginPath();
  line.x.forEach((x, i) => context.lineTo(plan.toX(x), plan.toY(line.high[i])));
  for (let i = line.x.length - 1; i >= 0; i--) {
    context.lineTo(plan.toX(line.x[i]), plan.toY(line.low[i]));
  }
  context.fill();
}

function drawCurves(context, plan, lines, frame, theme) {
  const { box } = plan;
  context.save();
  context.beginPath();
  context.rect(box.left, box.top - 3, box.right - box.left + 3, box.bottom - box.top + 6);
  context.clip();
  context.lineJoin = "round";
  const inkOf = (line) => (theme.dark ? line.dark : line.light);
  for (const line of lines) if (line.low) drawBand(context, plan, line, inkOf(line));
  for (const line of lines) {
    if (!line.smooth) continue;
    context.setLineDash([]);
    context.lineWidth = 1;
    context.strokeStyle = withAlpha(inkOf(line), 0.28);
    tracePath(context, plan, line.x, line.y, frame.logY);
    context.stroke();
  }
  for (const line of lines) {
    context.setLineDash(line.dash);
    context.lineWidth = 2;
    context.strokeStyle = inkOf(line);
    tracePath(context, plan, line.x, line.smooth ?? line.y, frame.logY);
    context.stroke();
    if (line.x.length === 1) dot(context, plan, line, 0, inkOf(line));
  }
  context.restore();
}

function dot(context, plan, line, index, colour) {
  const y = (line.smooth ?? line.y)[index];
  if (!Number.isFinite(y)) return;
  context.setLineDash([]);
  context.fillStyle = colour;
  context.beginPath();
  context.arc(plan.toX(line.x[index]), plan.toY(y), 3.5, 0, 2 * Math.PI);
  context.fill();
}
