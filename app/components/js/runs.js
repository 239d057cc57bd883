// Runs while they train: cards and curves, fetched from the server's feed for as long as one looks.

const SLOWER = 4; // how much rarer one asks for runs that no longer move
const LONGEST_WAIT = 8000;
const AT_ONCE = 120; // after a script run, which mostly follows a click

// A line of this colour and dash pattern (pixels drawn and left out in turn), as a CSS gradient.
function dashes(pattern, colour) {
  if (!pattern.length) return `linear-gradient(${colour} 0 0)`;
  let end = 0;
  const stops = pattern.map((length, i) => {
    const start = end;
    end += length;
    return `${i % 2 ? "transparent" : colour} ${start}px ${end}px`;
  });
  return `repeating-linear-gradient(90deg, ${stops.join(", ")})`;
}

class Runs {
  constructor(parent) {
    this.cards = element("div", { className: "cards" });
    this.charts = element("div", { className: "charts" });
    this.trouble = element("div", { className: "trouble", role: "status", hidden: true });
    this.root = element("div", { className: "view runs" }, [this.trouble, this.cards, this.charts]);
    parent.append(this.root);
    this.host = parent.host ?? parent;
    this.lines = [];
    this.failures = 0;
    this.look = () => { if (!document.hidden) this.wait(0); };
    document.addEventListener("visibilitychange", this.look);
  }

  // A message from the page's script: it knows the states that the buttons show.
  take(header, arrays, setStateValue) {
    this.report = setStateValue;
    if (header.url !== this.url) this.tag = null;
    this.url = header.url;
    this.known = header.signature;
    this.show(header, arrays);
    this.wait(AT_ONCE);
  }

  pause() {
    const wait = this.header.active ? this.header.every : SLOWER * this.header.every;
    return Math.min(LONGEST_WAIT, wait * 2 ** this.failures);
  }

  wait(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetch(), milliseconds);
  }

  async fetch() {
    if (document.hidden || this.over) return;
    const [url, begun] = [this.url, performance.now()];
    let least = 0; // what a server that has too much to do asks for
    try {
      const headers = this.tag ? { "If-None-Match": this.tag } : {};
      const response = await fetch(url, { headers, cache: "no-store" });
      const body = response.ok ? await response.arrayBuffer() : await response.text();
      if (this.over || url !== this.url) return;
      least = 1000 * (Number(response.headers.get("Retry-After")) || 0) * (1 + Math.random());
      if (response.ok) {
        this.tag = response.headers.get("ETag");
        const { header, arrays } = unpack(new Uint8Array(body));
        this.show(header, arrays);
        this.tell(header.signature);
      }
      this.failures = response.ok || response.status === 304 ? 0 : this.failures + 1;
      this.say(this.failures ? body || `The server answered ${response.status}.` : "");
    } catch (error) {
      if (this.over) return;
      this.failures += 1;
      this.say(`The server does not answer (${error.message}). Trying again; nothing is lost.`);
    }
    this.wait(Math.max(0, least, this.pause() - (performance.now() - begun)));
  }

  // A state has changed since the script ran: let it run once more, for the buttons.
  tell(signature) {
    if (signature === this.known || signature === this.told) return;
    this.told = signature;
    this.report("signature", signature);
  }

  say(text) {
    this.trouble.hidden = !text;
    if (this.trouble.textContent !== text) this.trouble.textContent = text;
  }

  show(header, arrays) {
    this.header = header;
    this.showCards(header.cards);
    header.charts.forEach((chart, i) => {
      if (!this.lines[i]) {
        const place = element("div");
        this.charts.append(place);
        this.lines[i] = new Lines(place);
      }
      const own = {};
      for (const name of ["x", "y", "low", "high"]) own[name] = arrays[`${name}${i}`];
      if (this.lines[i].frame && this.lines[i].frame.xLabel !== chart.xLabel) this.lines[i].zoom = null;
      this.lines[i].take(chart, own);
    });
    this.root.dataset.signature = header.signature;
  }

  // New cards only for other runs, so that what one has selected or points at stays.
  showCards(cards) {
    const names = JSON.stringify(cards.map(({ name, mixer, figures }) => [name, mixer, figures.map(([label]) => label)]));
    if (names !== this.names) {
      this.names = names;
      this.cards.replaceChildren(...cards.map((card) => this.card(card)));
    }
    const { dark } = readTheme(this.host);
    cards.forEach((card, i) => this.fill(this.cards.children[i], card, dark));
  }

  card({ name, mixer, figures }) {
    const rows = figures.map(([label]) => element("div", {}, [
      element("dt", { textContent: label }), element("dd"),
    ]));
    const bar = element("div", { className: "bar", role: "progressbar", "aria-label": `Progress of ${name}` }, [element("div")]);
    const node = element("article", { className: "card", "aria-label": name }, [
      element("header", {}, [
        element("span", { className: "who" }, [
          element("span", { className: "ink", "aria-hidden": "true" }),
          element("b", { textContent: name }),
        ]),
        element("span", { className: "status" }),
      ]),
      element("div", { className: "done" }), bar, element("dl", {}, rows),
      element("div", { className: "setting" }),
    ]);
    node.dataset.mixer = mixer;
    return node;
  }

  fill(node, card, dark) {
    const put = (part, text) => { if (part.textContent !== text) part.textContent = text; };
    node.querySelector(".ink").style.background = `${dashes(card.dash, dark ? card.dark : card.light)} center / 100% 4px no-repeat`;
    const spread = card.figures.some(([, text]) => text.includes("±"));
    node.querySelector("dl").classList.toggle("spread", spread); // a figure over seeds is wider
    const status = node.querySelector(".status");
    const words = JSON.stringify(card.status);
    if (status.dataset.words !== words) {
      status.dataset.words = words;
      status.replaceChildren(...card.status.flatMap(([icon, text]) => [
        element("span", { className: "icon", "aria-hidden": "true", textContent: icon }),
        element("span", { textContent: text }),
      ]));
    }
    put(node.querySelector(".done"), card.progressText);
    const bar = node.querySelector(".bar");
    bar.setAttribute("aria-valuenow", String(Math.round(100 * card.progress)));
    bar.firstChild.style.width = `${100 * card.progress}%`;
    node.querySelectorAll("dd").forEach((value, i) => put(value, card.figures[i][1]));
    put(node.querySelector(".setting"), card.setting);
  }

  destroy() {
    this.over = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.look);
    for (const lines of this.lines) lines.destroy();
    this.root.remove();
  }
}
