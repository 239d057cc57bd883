// Drawing of the ring: where tokens lie, links as curves, tokens as dots.

function ringPlan(size, seqLen, every) {
  const middle = size / 2;
  const radius = middle - 34;
  const drawn = Math.ceil(seqLen / every);
  const dot = Math.max(2, Math.min(9, (Math.PI * radius * 0.62) / drawn));
  const angle = (token) => (token / seqLen) * 2 * Math.PI - Math.PI / 2;
  const at = (token, out = radius) => {
    return [middle + out * Math.cos(angle(token)), middle + out * Math.sin(angle(token))];
  };
  return {
    size, middle, radius, dot, angle, at,
    // The token under the pointer: the nearest one if the pointer is near the ring.
    tokenAt: (x, y) => {
      const [dx, dy] = [x - middle, y - middle];
      if (Math.abs(Math.hypot(dx, dy) - radius) > Math.max(18, dot + 8)) return null;
      const turn = (Math.atan2(dy, dx) + Math.PI / 2) / (2 * Math.PI);
      const token = Math.round((((turn % 1) + 1) % 1) * seqLen);
      return token % seqLen;
    },
  };
}

// The point a link bends towards: the longer the link, the nearer to the middle.
function bendOf(plan, from, to) {
  const half = Math.abs(plan.angle(from) - plan.angle(to)) / 2;
  const [[ax, ay], [bx, by]] = [plan.at(from), plan.at(to)];
  const share = 1 - 0.7 * Math.abs(Math.sin(half));
  return [plan.middle + ((ax + bx) / 2 - plan.middle) * share, plan.middle + ((ay + by) / 2 - plan.middle) * share];
}

// A link as a curve from the token read to its reader; `share` < 1 draws only its first part.
function drawLink(context, plan, from, to, share = 1) {
  context.beginPath();
  if (from === to) {
    const [cx, cy] = plan.at(from, plan.radius + plan.dot + 4);
    context.arc(cx, cy, 4.5, 0, 2 * Math.PI * share);
  } else {
    const [[ax, ay], [bx, by], [cx, cy]] = [plan.at(from), plan.at(to), bendOf(plan, from, to)];
    const [dx, dy] = [ax + (cx - ax) * share, ay + (cy - ay) * share];
    const [ex, ey] = [cx + (bx - cx) * share, cy + (by - cy) * share];
    context.moveTo(ax, ay);
    context.quadraticCurveTo(dx, dy, dx + (ex - dx) * share, dy + (ey - dy) * share);
  }
  context.stroke();
}

// An arrow head at the end of a link, just outside of the token's dot.
function drawHead(context, plan, from, to) {
  if (from === to) return;
  const [[bx, by], [cx, cy]] = [plan.at(to), bendOf(plan, from, to)];
  const way = Math.atan2(by - cy, bx - cx);
  const [tx, ty] = [bx - Math.cos(way) * (plan.dot + 1), by - Math.sin(way) * (plan.dot + 1)];
  context.beginPath();
  context.moveTo(tx, ty);
  for (const side of [0.42, -0.42]) context.lineTo(tx - 9 * Math.cos(way + side), ty - 9 * Math.sin(way + side));
  context.closePath();
  context.fill();
}

function drawToken(context, plan, token, { fill, line, width = 1.5, grow = 0 }) {
  const [x, y] = plan.at(token);
  context.beginPath();
  context.arc(x, y, plan.dot + grow, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = line;
  context.lineWidth = width;
  context.stroke();
}

function drawNames(context, plan, seqLen, theme, special) {
  context.font = `11px ${theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const wanted = seqLen <= 32 && plan.size > 300 ? seqLen : 12;
  const ticks = seqLen <= wanted ? [...Array(seqLen).keys()] : niceTicks(0, seqLen - 1, wanted, true);
  const gap = Math.max(1, seqLen / 26);
  const near = (a, b) => Math.min(Math.abs(a - b), seqLen - Math.abs(a - b)) < gap && a !== b;
  context.fillStyle = withAlpha(theme.text, 0.7);
  for (const token of ticks) {
    if (seqLen > wanted && (special.some((other) => near(token, other)) || near(token, 0))) continue;
    if (special.includes(token)) continue;
    context.fillText(String(token), ...plan.at(token, plan.radius + plan.dot + 13));
  }
  context.fillStyle = theme.text;
  context.font = `bold 12px ${theme.font}`;
  for (const token of special) context.fillText(String(token), ...plan.at(token, plan.radius + plan.dot + 13));
}
