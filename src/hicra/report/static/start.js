// The page works without scripts; these add the values under the pointer, what is saved and sorted, and the rollout viewer.
curves();
offerPictures();
cutTables();
const block = $("#data");
if (block) {
  const data = JSON.parse(block.textContent);
  startViewer(data, data.remote ? servedSource(data) : ownSource(data));
}
// What these add and fold moves the place that the address asked for.
const place = /^#[\w-]+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
if (place) place.scrollIntoView({ behavior: "instant" });
