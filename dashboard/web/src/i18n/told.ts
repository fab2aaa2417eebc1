/** What the server says in both languages, in the reader's. */
import type { Language } from ".";

interface Told {
  message: string;
  message_vi: string;
  help: string;
  help_vi: string;
}

/** What is wrong, and what to do about it. */
export function told(fault: Told, language: Language): { message: string; help: string } {
  return language === "vi" ? { message: fault.message_vi, help: fault.help_vi } : { message: fault.message, help: fault.help };
}
