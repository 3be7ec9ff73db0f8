// The page's title and its icon say how many tickets have news, also where nobody looks at the page.
const icon = document.querySelector("link[rel=icon]");
const plain = icon?.href;

/** @param {number} count of tickets with news; 100 stands for more than 99 */
export function showBadge(count) {
  const words = document.title.replace(/^\(\d+\+?\) /, "");
  const title = count ? `(${count > 99 ? "99+" : count}) ${words}` : words;
  if (document.title !== title) document.title = title;
  const href = count ? icon?.dataset.aviso : plain;
  if (icon && href && icon.getAttribute("href") !== href) icon.setAttribute("href", href);
}
