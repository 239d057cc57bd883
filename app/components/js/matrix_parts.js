// The pieces around a matrix: title and buttons, readout, inputs, colour bar, legend sentence.

function matrixParts() {
  const tool = (text, label) => {
    return element("button", { type: "button", className: "tool", textContent: text, "aria-label": label, title: label });
  };
  const parts = {
    title: element("div", { className: "title", role: "heading", "aria-level": "4" }),
    out: tool("−", "Zoom out"),
    in: tool("+", "Zoom in"),
    whole: tool("Whole", "Show the whole matrix"),
    save: tool("PNG", "Save as a picture"),
    canvas: element("canvas", { tabIndex: 0, role: "application", "aria-roledescription": "matrix" }),
    read: element("div", { className: "read" }),
    spoken: element("div", { className: "unseen", "aria-live": "polite" }),
    row: element("input", { type: "number", min: "0", step: "1" }),
    column: element("input", { type: "number", min: "0", step: "1" }),
    clear: tool("Clear", "Clear the selection"),
    bar: element("canvas", { "aria-hidden": "true" }),
    ends: element("div", { className: "ends" }),
    unit: element("div", { className: "unit" }),
    meaning: element("div", { className: "note meaning" }),
    note: element("div", { className: "note" }),
  };
  parts.tools = element("div", { className: "tools" }, [parts.out, parts.in, parts.whole, parts.save]);
  parts.area = element("div", { className: "area" }, [parts.canvas]);
  parts.inputs = element("div", { className: "inputs" }, [
    element("label", {}, ["Row ", parts.row]),
    element("label", {}, ["Column ", parts.column]),
    parts.clear,
  ]);
  parts.scale = element("div", { className: "scale" }, [parts.bar, parts.ends, parts.unit]);
  parts.root = element("div", { className: "view matrix" }, [
    element("div", { className: "head" }, [parts.title, parts.tools]),
    parts.area, parts.read, parts.inputs, parts.scale, parts.meaning, parts.note, parts.spoken,
  ]);
  return parts;
}

// What the colours mean, in words.
function meaningOf(header, dark, grid) {
  const block = `${grid.step} × ${grid.step}`;
  const zero = dark ? "dark" : "white";
  const more = dark ? "brighter" : "darker";
  if (header.pattern && grid.step === 1) {
    return `Filled: a link. Empty: none.${header.limit > 1 ? ` A ${more} cell: links that coincide.` : ""}`;
  }
  if (header.pattern) return `Filled: blocks of ${block} cells with links; ${more} has more of them.`;
  if (header.blank) return "All values are zero.";
  const odd = header.odd ? " Grey is not a finite number." : "";
  const colours = header.scale === "signed"
    ? `Orange is positive, purple negative, ${zero} zero; ${more} is stronger.${odd}`
    : `From ${zero} at zero, ${more} is larger.${odd}`;
  if (grid.step === 1) return colours;
  return `${colours} Each point shows the strongest of ${block} entries; zoom in for each one.`;
}

// One cell in words; where only the server knows the value, say what is known.
function cellText(header, source, { row, column }) {
  const value = source.value(row, column);
  const place = `Row ${row}, column ${column}: `;
  if (value === undefined) {
    const size = exactish(Math.abs(source.around(row, column)));
    return `${place}at most about ${size} in size (click or zoom in for the exact value)`;
  }
  if (!header.pattern) return `${place}${exact(value)}`;
  if (value === 0) return `${place}no link`;
  return place + (value === 1 ? "a link" : `${value} links that coincide`);
}

function exactish(value) {
  return brief(Number(value.toPrecision(3)));
}
