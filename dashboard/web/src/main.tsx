/** Starts the console: language, theme, data, router. Holds no logic of its own. */
import "@mantine/core/styles.layer.css";
import "@mantine/dates/styles.layer.css";
import "@mantine/notifications/styles.layer.css";
import "./styles/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/client";
import { beginEarly } from "./early";
import { startLanguages } from "./i18n";
import { makeRouter } from "./router";
import { theme, variables } from "./theme";

declare global {
  /** Read by the library that blocks scrolling behind dialogs, for its style element. */
  var __webpack_nonce__: string | undefined;
}

// The server's policy admits style elements only with the nonce it gave this page.
const nonce = document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content;
if (nonce) globalThis.__webpack_nonce__ = nonce;

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: true,
      // A refusal stays a refusal; only a server that did not answer is asked again.
      retry: (failures, error) => failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

const router = makeRouter(client);
const scheme = localStorageColorSchemeManager({ key: "fansipan.scheme" });

beginEarly(router, client);
await startLanguages();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={variables}
        colorSchemeManager={scheme}
        defaultColorScheme="dark"
        {...(nonce ? { getStyleNonce: () => nonce } : {})}
      >
        <QueryClientProvider client={client}>
          <Notifications position="bottom-left" limit={4} className="notifications" />
          <RouterProvider router={router} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}
