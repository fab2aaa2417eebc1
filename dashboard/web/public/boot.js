// Applies the saved colour scheme and language before the first paint. Reads local storage only.
(() => {
  try {
    const scheme = localStorage.getItem("fansipan.scheme");
    document.documentElement.setAttribute("data-mantine-color-scheme", scheme === "light" ? "light" : "dark");
    const language = localStorage.getItem("fansipan.language");
    if (language === "vi" || language === "en") document.documentElement.lang = language;
  } catch {
    // Storage may be forbidden; the dark default in the page stands.
  }
})();
