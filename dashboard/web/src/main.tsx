/** Starts the console: language, theme, data, router. Holds no logic of its own. */
import "./styles/mantine.css";
import "./styles/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { caller, client } from "./early";
import { startLanguages } from "./i18n";
import { fetchPage, makeRouter } from "./router";
import { theme, variables } from "./theme";

declare global {
  /** Read by the library that blocks scrolling behind dialogs, for its style element. */
  var __webpack_nonce__: string | undefined;
}

// The server's policy admits style elements only with the nonce it gave this page.
const nonce = document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content;
if (nonce) globalThis.__webpack_nonce__ = nonce;

const router = makeRouter(client);
const scheme = localStorageColorSchemeManager({ key: "fansipan.scheme" });

/** The first picture is drawn once, with all that it needs. No await outside: the page's code would wait for this file, and this file for it. */
async function start(root: HTMLElement): Promise<void> {
  await Promise.all([startLanguages(), fetchPage(router), caller]);
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

const root = document.getElementById("root");
if (root) void start(root);
