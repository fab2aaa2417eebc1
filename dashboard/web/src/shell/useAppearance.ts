/** Language and colour scheme, switched from the bar, the keyboard and the login page alike. */
import { useMantineColorScheme } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { post } from "../api/client";
import { sessionQuery } from "../api/queries";
import { changeLanguage, useLanguage } from "../i18n";

export function useAppearance() {
  const client = useQueryClient();
  const language = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const light = colorScheme === "light";
  return {
    language,
    light,
    toggleLanguage: () => {
      const next = language === "vi" ? "en" : "vi";
      void changeLanguage(next);
      // Reports and mail follow the person's choice; if the server cannot keep it now, the screen still changes.
      const user = client.getQueryData(sessionQuery.queryKey);
      if (user && !user.must_change_password) void post("/session/settings", { language: next }).catch(() => null);
    },
    toggleScheme: () => setColorScheme(light ? "dark" : "light"),
  };
}
