// A view without its code: waits until the shared code is there, then hands itself over.
export default async function (component) {
  const shared = (window.__paramixer ??= { waiting: [], feeds: new Map() });
  if (!shared.mount) await new Promise((done) => shared.waiting.push(done));
  return shared.mount(component);
}
