/** Applies the saved colour scheme and language before the first paint: a white flash at night is unkind. Reads local storage only. */
try {
  const root = document.documentElement;
  root.setAttribute("data-mantine-color-scheme", localStorage.getItem("fansipan.scheme") === "light" ? "light" : "dark");
  const language = localStorage.getItem("fansipan.language");
  if (language === "vi" || language === "en") root.lang = language;
} catch {
  // Storage may be forbidden; the dark default in the page stands.
}
