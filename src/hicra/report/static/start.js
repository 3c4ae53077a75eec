// The page works without scripts; these add the values under the pointer, what is saved and sorted, and the rollout viewer.
curves();
offerPictures();
cutTables();
const block = $("#data");
if (block) {
  const data = JSON.parse(block.textContent);
  startViewer(data, data.remote ? servedSource(data) : ownSource(data));
}
