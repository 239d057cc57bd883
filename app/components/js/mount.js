// The shared code introduces itself: from now on views that wait, and all later ones, are made here.

const makers = { lines: Lines, matrix: Matrix, ring: Ring, tokens: Tokens, growth: Growth, routes: Routes, runs: Runs };
const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE);

function mount({ data, parentElement, setStateValue }) {
  const { header, arrays } = unpack(data);
  const [view, leave] = viewAt(parentElement, () => {
    parentElement.adoptedStyleSheets = [sheet];
    return new makers[header.view](parentElement);
  });
  parentElement.paramixerView = view;
  view.take(header, arrays, setStateValue);
  return leave;
}

export function introduce(shared) {
  shared.mount = mount;
  for (const begin of shared.waiting.splice(0)) begin();
}
