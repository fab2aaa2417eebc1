/**
 * The two languages. Vietnamese unless the person chose otherwise; only the language in use is loaded.
 */
import i18next, { type i18n } from "i18next";
import { useSyncExternalStore } from "react";
import { initReactI18next } from "react-i18next";
import type { Words } from "./vi";

export type Language = "vi" | "en";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: Words };
  }
}

const KEY = "fansipan.language";
const load: Record<Language, () => Promise<{ default: Words }>> = { vi: () => import("./vi"), en: () => import("./en") };

export const asLanguage = (text: string | null | undefined): Language | null => (text === "vi" || text === "en" ? text : null);

function stored(): Language | null {
  try {
    return asLanguage(localStorage.getItem(KEY));
  } catch {
    return null;
  }
}

export async function startLanguages(): Promise<i18n> {
  const language = stored() ?? "vi";
  const words = (await load[language]()).default;
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    resources: { [language]: { translation: words } },
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
  });
  document.documentElement.lang = language;
  return i18next;
}

/** Shows `language` from now on, here and on the next visit. */
export async function changeLanguage(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, "translation")) {
    i18next.addResourceBundle(language, "translation", (await load[language]()).default);
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // Not remembered; still shown.
  }
}

/** Whether the person has chosen a language on this machine. */
export const languageChosen = (): boolean => stored() !== null;

function subscribe(listener: () => void): () => void {
  i18next.on("languageChanged", listener);
  return () => i18next.off("languageChanged", listener);
}

export const useLanguage = (): Language => useSyncExternalStore(subscribe, () => asLanguage(i18next.language) ?? "vi");
