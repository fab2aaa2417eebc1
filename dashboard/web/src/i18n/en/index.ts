/** Every word of the console in English. */
import type { Words } from "../vi";
import { frame } from "./frame";
import { pages } from "./pages";
import { response } from "./response";

const en: Words = { ...frame, ...pages, ...response };

export default en;
