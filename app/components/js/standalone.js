// Opens the views of a saved page without any server.

const saved = JSON.parse(document.getElementById("saved").textContent);
window.__paramixer = { waiting: [], feeds: new Map() };
introduce(window.__paramixer);

async function bytesOf(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}

const places = saved.views.map(() => {
  const host = document.createElement("div");
  document.getElementById("views").append(host);
  return host.attachShadow({ mode: "open" });
});

let asked = 0;
async function show(number) {
  const turn = (asked += 1);
  const payloads = await Promise.all(saved.frames[number].payloads.map(bytesOf));
  if (turn !== asked) return;
  payloads.forEach((data, i) => {
    places[i].host.className = saved.views[i];
    mount({ data, parentElement: places[i], setStateValue() {} });
  });
  document.getElementById("step").textContent = saved.frames[number].label;
}

for (const [key, text] of Object.entries(saved.feeds)) {
  window.__paramixer.feeds.set(key, { latest: await bytesOf(text), hear: null });
}
const slider = document.querySelector("#time input");
slider.max = saved.frames.length - 1;
slider.value = slider.max;
slider.oninput = () => show(Number(slider.value));
document.getElementById("time").hidden = saved.frames.length < 2;
await show(saved.frames.length - 1);
document.body.dataset.ready = "yes";
