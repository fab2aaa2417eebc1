/** Language and colour scheme, switched from the bar, the keyboard and the login page alike. */
import { useMantineColorScheme } from "@mantine/core";
import { changeLanguage, useLanguage } from "../i18n";

export function useAppearance() {
  const language = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const light = colorScheme === "light";
  return {
    language,
    light,
    toggleLanguage: () => void changeLanguage(language === "vi" ? "en" : "vi"),
    toggleScheme: () => setColorScheme(light ? "dark" : "light"),
  };
}
