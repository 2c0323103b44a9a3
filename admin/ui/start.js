// Loads the page. When a part of it does not come, because the network changed or the node was
// restarted meanwhile, it is tried again: the browser would leave an empty page.
import('/app.js').catch((error) => {
  const text = document.createElement('p');
  text.textContent = `A part of this page has not come (${error.message}). It is tried again.`;
  document.querySelector('#page .alone')?.append(text);
  setTimeout(() => location.reload(), 2000);
});
