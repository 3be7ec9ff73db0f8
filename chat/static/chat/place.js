/**
 * Runs `change`, which may put rows above those that are read or take some away, and leaves what is read where it was.
 * @param {HTMLElement} container what scrolls
 * @param {() => void} change
 */
export function keepPlace(container, change) {
  const { top } = container.getBoundingClientRect();
  const read = [...container.querySelectorAll("[data-seq]")].find((row) => row.getBoundingClientRect().bottom > top);
  const before = read?.getBoundingClientRect().top;
  change();
  if (read?.isConnected) container.scrollTop += read.getBoundingClientRect().top - before;
}
