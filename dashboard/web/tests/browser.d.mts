import type { Browser, BrowserContext, Page } from "playwright-core";

export const hasChromium: boolean;
export function launch(): Promise<Browser>;
export function openPage(
  browser: Browser,
  look?: { width?: number; height?: number; language?: "vi" | "en"; scheme?: "dark" | "light" },
): Promise<{ page: Page; context: BrowserContext; problems: string[] }>;
export function signIn(page: Page, url: string, account?: { username?: string; password?: string }): Promise<void>;
export function picture(page: Page, name: string, language: "vi" | "en", sizes?: [number, number][]): Promise<void>;
